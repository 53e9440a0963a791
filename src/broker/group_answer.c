// Group answer: the outbox of answers to joins and syncs; see group.h.
//
// Each answer has an arena of its own, since it outlives the event that made it and is freed by
// another thread.

#include "broker/group.h"

mr_group_answer *mr_group_answer_new(mr_group_host *host, uint64_t token, int16_t error) {
    mr_assert(token != 0);
    mr_group_answer *answer = mr_heap_alloc(sizeof(*answer));
    answer->token = token;
    answer->error = error;
    answer->after = -1;
    answer->generation = -1;
    answer->made_us = host->now_us;
    answer->leader = answer->member_id = (mr_span){"", 0};
    answer->assignment = (mr_span){"", 0};
    answer->next = host->outbox;
    host->outbox = answer;
    host->answers++;
    return answer;
}

static mr_span kept(mr_group_answer *answer, mr_span text) {
    return text.data == NULL
               ? text
               : (mr_span){mr_arena_copy(&answer->arena, text.data, text.bytes), text.bytes};
}

static void add_seats(const mr_group *group, mr_group_answer *answer) {
    answer->seat_count = group->member_count;
    answer->seats = MR_NEW_ARRAY(&answer->arena, mr_group_seat, group->member_count);
    for (uint32_t i = 0; i < group->member_count; i++) {
        const mr_group_member *member = group->members[i];
        mr_span metadata = mr_group_metadata_of(group, member);
        answer->seats[i] = (mr_group_seat){
            .id = kept(answer, member->id),
            .instance = kept(answer, member->instance),
            .metadata = kept(answer, metadata.data == NULL ? MR_SPAN("") : metadata),
        };
    }
}

mr_group_answer *mr_group_answer_join(const mr_group *group, const mr_group_member *member,
                                      uint64_t token, mr_group_host *host) {
    mr_group_answer *answer = mr_group_answer_new(host, token, MR_KAFKA_NONE);
    answer->generation = group->generation;
    answer->protocol_type = kept(answer, group->protocol_type);
    answer->protocol = kept(answer, group->protocol);
    answer->leader = kept(answer, group->leader == NULL ? MR_SPAN("") : group->leader->id);
    answer->member_id = kept(answer, member->id);
    if (member == group->leader) {
        add_seats(group, answer);
    }
    return answer;
}

mr_group_answer *mr_group_answer_take(mr_group_host *host, uint64_t token) {
    for (mr_group_answer **at = &host->outbox; *at != NULL; at = &(*at)->next) {
        if ((*at)->token == token) {
            mr_group_answer *answer = *at;
            *at = answer->next;
            return answer;
        }
    }
    return NULL;
}

void mr_group_answer_free(mr_group_answer *answer) {
    if (answer != NULL) {
        mr_arena_release(&answer->arena);
        mr_heap_free(answer);
    }
}

void mr_group_answer_drop(mr_group_host *host, int64_t before_us) {
    mr_group_answer **at = &host->outbox;
    while (*at != NULL) {
        mr_group_answer *answer = *at;
        if (answer->made_us < before_us) {
            *at = answer->next;
            mr_group_answer_free(answer);
        } else {
            at = &answer->next;
        }
    }
}
