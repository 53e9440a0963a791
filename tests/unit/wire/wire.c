// Wire: messages of Kafka's protocol against bytes that kafka-python wrote, round trips in every
// version, and damage. tests/diff/wire_kafka.py compares every key and version at random.

#include "wire/wire.h"

#include <stdio.h>
#include <string.h>

#include "runner.h"
#include "wire/schema.h"

#define BUDGET ((size_t)1 << 20)

typedef struct wire_case {
    mr_arena arena;
    mr_cx cx;
} wire_case;

static void case_init(wire_case *c) {
    *c = (wire_case){0};
    mr_cx_init(&c->cx, &c->arena, NULL);
}

static mr_span unhex(const char *hex, mr_arena *arena) {
    size_t bytes = strlen(hex) / 2;
    char *out = mr_arena_raw(arena, bytes + 1);
    for (size_t i = 0; i < bytes; i++) {
        unsigned value = 0;
        (void)sscanf(hex + 2 * i, "%2x", &value);
        out[i] = (char)value;
    }
    return (mr_span){out, bytes};
}

// Bytes to a message, printed, and the same bytes again.
static void check_golden(int16_t key, int16_t version, bool request, const char *hex,
                         const char *json) {
    wire_case c;
    case_init(&c);
    const mr_wire_api *api = mr_wire_find(key);
    const mr_wire_type *type = request ? api->request : api->response;
    mr_wire_format format = mr_wire_format_of(api, version);
    void *value = mr_arena_alloc(&c.arena, type->bytes);
    mr_span in = unhex(hex, &c.arena);
    mr_text out = {.arena = &c.arena};
    if (EXPECT_OK(mr_wire_decode(type, format, in, BUDGET, value, &c.cx))) {
        mr_wire_print(type, format, value, &out);
        EXPECT_STR(mr_text_string(&out), json);
        mr_text_clear(&out);
        EXPECT_OK(mr_wire_encode(type, format, value, &out, &c.cx));
        EXPECT(mr_span_equal(mr_text_span(&out), in));
    }
    mr_arena_release(&c.arena);
}

TEST(wire, reads_and_writes_the_bytes_of_kafka_python) {
    check_golden(1, 17, false,
                 "7fffffff00017fffffff027da91ba5aca0467cdfe4d5633f16abb402d1dbd04b000000000000"
                 "000000007fffffffffffffff7fffffffffffffff0000000001000101092cfb4f918000000000"
                 "000100130212c0f062076576656e747300000000026100",
                 "{\"throttle_time_ms\":2147483647,\"error_code\":1,\"session_id\":2147483647,"
                 "\"responses\":[{\"topic_id\":\"7da91ba5aca0467cdfe4d5633f16abb4\",\"partitio"
                 "ns\":[{\"partition_index\":-774123445,\"error_code\":0,\"high_watermark\":0,"
                 "\"last_stable_offset\":9223372036854775807,\"log_start_offset\":922337203685"
                 "4775807,\"diverging_epoch\":{\"epoch\":-1,\"end_offset\":-1},\"current_leade"
                 "r\":{\"leader_id\":754667409,\"leader_epoch\":-2147483648},\"snapshot_id\":{"
                 "\"end_offset\":-1,\"epoch\":-1},\"aborted_transactions\":null,\"preferred_re"
                 "ad_replica\":1,\"records\":null}]}],\"node_endpoints\":[{\"node_id\":3146343"
                 "38,\"host\":\"events\",\"port\":0,\"rack\":\"a\"}]}");
    check_golden(1, 11, true,
                 "80000000800000003139b5137fffffff80ba7267dd0000000100000001000161000000010000"
                 "00015ac7d72229e2fa1cd0fd824800000000000000007fffffff000000010002c3a900000001"
                 "0000000100066576656e7473",
                 "{\"replica_id\":-2147483648,\"max_wait_ms\":-2147483648,\"min_bytes\":825865"
                 "491,\"max_bytes\":2147483647,\"isolation_level\":-128,\"session_id\":-116690"
                 "7427,\"session_epoch\":1,\"topics\":[{\"topic\":\"a\",\"partitions\":[{\"par"
                 "tition\":1,\"current_leader_epoch\":1523046178,\"fetch_offset\":301824970196"
                 "3956808,\"log_start_offset\":0,\"partition_max_bytes\":2147483647}]}],\"forg"
                 "otten_topics_data\":[{\"topic\":\"é\",\"partitions\":[1]}],\"rack_id\":\"eve"
                 "nts\"}");
    check_golden(1, 4, false,
                 "80000000000000010002c3a9000000010000000000007fffffffffffffff0000000000000000"
                 "0000000380000000000000008000000000000000000000000000000180000000000000000000"
                 "000000000000420c013e9d3f0b64ffffffff",
                 "{\"throttle_time_ms\":-2147483648,\"responses\":[{\"topic\":\"é\",\"partitio"
                 "ns\":[{\"partition_index\":0,\"error_code\":0,\"high_watermark\":92233720368"
                 "54775807,\"last_stable_offset\":0,\"aborted_transactions\":[{\"producer_id\""
                 ":-9223372036854775808,\"first_offset\":-9223372036854775808},{\"producer_id\""
                 ":1,\"first_offset\":-9223372036854775808},{\"producer_id\":0,\"first_offset\""
                 ":4759180274661526372}],\"records\":null}]}]}");
    check_golden(3, 12, false,
                 "00000001020000000003c3a900000000076576656e747300076576656e74737e5566fa020001"
                 "076576656e7473288280f8641725a58056774c51e246ea000200017fffffff00000001000000"
                 "0002b5bd5cb60200000000020000000000000000000000",
                 "{\"throttle_time_ms\":1,\"brokers\":[{\"node_id\":0,\"host\":\"é\",\"port\":"
                 "0,\"rack\":\"events\"}],\"cluster_id\":\"events\",\"controller_id\":21195261"
                 "38,\"topics\":[{\"error_code\":1,\"name\":\"events\",\"topic_id\":\"288280f8"
                 "641725a58056774c51e246ea\",\"is_internal\":false,\"partitions\":[{\"error_co"
                 "de\":1,\"partition_index\":2147483647,\"leader_id\":1,\"leader_epoch\":0,\"r"
                 "eplica_nodes\":[-1245881162],\"isr_nodes\":[0],\"offline_replicas\":[0]}],\""
                 "topic_authorized_operations\":0}]}");
    check_golden(3, 1, true, "0000000300066576656e747300066576656e747300066576656e7473",
                 "{\"topics\":[{\"name\":\"events\"},{\"name\":\"events\"},{\"name\":\"events\""
                 "}]}");
}

TEST(wire, reads_and_writes_more_bytes_of_kafka_python) {
    check_golden(18, 4, false,
                 "000004480d000000010000007fff7fff00000054638000004ae9675a03001704026100008000"
                 "000261000080000003c3a980008000000108c14276c4ace8294c02190403c3a9000100000003"
                 "c3a97fff7fff0003c3a97fff000000",
                 "{\"error_code\":0,\"api_keys\":[{\"api_key\":18445,\"min_version\":0,\"max_v"
                 "ersion\":1},{\"api_key\":0,\"min_version\":32767,\"max_version\":32767},{\"a"
                 "pi_key\":0,\"min_version\":21603,\"max_version\":-32768}],\"throttle_time_ms"
                 "\":1256810330,\"supported_features\":[{\"name\":\"a\",\"min_version\":0,\"ma"
                 "x_version\":-32768},{\"name\":\"a\",\"min_version\":0,\"max_version\":-32768"
                 "},{\"name\":\"é\",\"min_version\":-32768,\"max_version\":-32768}],\"finalize"
                 "d_features_epoch\":-4520920488839993012,\"finalized_features\":[{\"name\":\""
                 "é\",\"max_version_level\":1,\"min_version_level\":0},{\"name\":\"é\",\"max_v"
                 "ersion_level\":32767,\"min_version_level\":32767},{\"name\":\"é\",\"max_vers"
                 "ion_level\":32767,\"min_version_level\":0}],\"zk_migration_ready\":false}");
    check_golden(2, 6, true,
                 "00000001000403c3a9027fffffff000000008000000000000000000003c3a9027fffffff0000"
                 "0000d836a19c7e0c27e40000076576656e747302800000000000000080000000000000000000"
                 "00",
                 "{\"replica_id\":1,\"isolation_level\":0,\"topics\":[{\"name\":\"é\",\"partit"
                 "ions\":[{\"partition_index\":2147483647,\"current_leader_epoch\":0,\"timesta"
                 "mp\":-9223372036854775808}]},{\"name\":\"é\",\"partitions\":[{\"partition_in"
                 "dex\":2147483647,\"current_leader_epoch\":0,\"timestamp\":-28669264192730460"
                 "44}]},{\"name\":\"events\",\"partitions\":[{\"partition_index\":-2147483648,"
                 "\"current_leader_epoch\":0,\"timestamp\":-9223372036854775808}]}]}");
    check_golden(8, 9, true,
                 "03c3a900000000076576656e7473076576656e7473020261047fffffff7fffffffffffffff00"
                 "000000076576656e747300f539eb0ec541ddf32f4a839100000000026100ffb6963400000000"
                 "00000001800000000261000000",
                 "{\"group_id\":\"é\",\"generation_id_or_member_epoch\":0,\"member_id\":\"even"
                 "ts\",\"group_instance_id\":\"events\",\"topics\":[{\"name\":\"a\",\"partitio"
                 "ns\":[{\"partition_index\":2147483647,\"committed_offset\":92233720368547758"
                 "07,\"committed_leader_epoch\":0,\"committed_metadata\":\"events\"},{\"partit"
                 "ion_index\":-180753650,\"committed_offset\":-4232858138211351663,\"committed"
                 "_leader_epoch\":0,\"committed_metadata\":\"a\"},{\"partition_index\":-481121"
                 "2,\"committed_offset\":1,\"committed_leader_epoch\":-2147483648,\"committed_"
                 "metadata\":\"a\"}]}]}");
    check_golden(10, 6, false,
                 "7fffffff04076576656e74737fffffff02617fffffff910b076576656e747300026180000000"
                 "076576656e7473b97092647fff076576656e747300076576656e7473000000010261ac0200d4"
                 "8000076576656e74730000",
                 "{\"throttle_time_ms\":2147483647,\"coordinators\":[{\"key\":\"events\",\"nod"
                 "e_id\":2147483647,\"host\":\"a\",\"port\":2147483647,\"error_code\":-28405,\""
                 "error_message\":\"events\"},{\"key\":\"a\",\"node_id\":-2147483648,\"host\":"
                 "\"events\",\"port\":-1183804828,\"error_code\":32767,\"error_message\":\"eve"
                 "nts\"},{\"key\":\"events\",\"node_id\":1,\"host\":\"a\",\"port\":-1409154860"
                 ",\"error_code\":-32768,\"error_message\":\"events\"}]}");
}

// A message with every array of one item and every number set, in the C struct itself.
static void fill(const mr_wire_type *type, char *base, mr_arena *arena) {
    const mr_wire_field *fields = type->fields();
    for (uint16_t i = 0; i < type->field_count; i++) {
        const mr_wire_field *f = &fields[i];
        void *value = base + f->offset;
        if (f->kind == MR_WIRE_ARRAY && f->element == MR_WIRE_STRUCT) {
            char *item = mr_arena_alloc(arena, f->type->bytes);
            fill(f->type, item, arena);
            memcpy(value, &item, sizeof(item));
            *(int32_t *)(void *)(base + f->count_offset) = 1;
        } else if (f->kind == MR_WIRE_STRING || f->kind == MR_WIRE_BYTES) {
            *(mr_span *)value = MR_SPAN("some");
        } else if (f->kind == MR_WIRE_STRUCT && f->nullable) {
            char *item = mr_arena_alloc(arena, f->type->bytes);
            fill(f->type, item, arena);
            memcpy(value, &item, sizeof(item));
        } else if (f->kind == MR_WIRE_STRUCT) {
            fill(f->type, value, arena);
        } else if (f->kind == MR_WIRE_BOOL) {
            *(bool *)value = true;
        } else if (f->kind == MR_WIRE_I32) {
            *(int32_t *)value = 77 + i;
        }
    }
}

TEST(wire, reads_what_it_wrote_in_every_version) {
    size_t count;
    const mr_wire_api *apis = mr_schema_apis(&count);
    for (size_t a = 0; a < count; a++) {
        for (int v = apis[a].version_min; v <= apis[a].version_max; v++) {
            for (int way = 0; way < 2; way++) {
                wire_case c;
                case_init(&c);
                const mr_wire_type *type = way == 0 ? apis[a].request : apis[a].response;
                mr_wire_format format = mr_wire_format_of(&apis[a], (int16_t)v);
                char *value = mr_arena_alloc(&c.arena, type->bytes);
                char *back = mr_arena_alloc(&c.arena, type->bytes);
                mr_wire_clear(type, value);
                fill(type, value, &c.arena);
                mr_text bytes = {.arena = &c.arena}, want = {.arena = &c.arena},
                        got = {.arena = &c.arena};
                EXPECT_OK(mr_wire_encode(type, format, value, &bytes, &c.cx));
                EXPECT_OK(mr_wire_decode(type, format, mr_text_span(&bytes), BUDGET, back, &c.cx));
                mr_wire_print(type, format, value, &want);
                mr_wire_print(type, format, back, &got);
                EXPECT_STR(mr_text_string(&got), mr_text_string(&want));
                mr_arena_release(&c.arena);
            }
        }
    }
}

TEST(wire, reads_and_writes_records_of_internal_topics) {
    wire_case c;
    case_init(&c);
    // As Kafka 3.9 wrote them: a commit of offset 7 of t-3 by group g; a marker of a commit.
    mr_span key = unhex("000100016700017400000003", &c.arena);
    EXPECT_EQ(mr_wire_record_version(key), 1);
    mr_wire_offset_commit_key k;
    REQUIRE_OK(mr_wire_read_record(&mr_record_offset_commit_key, key, BUDGET, &k, &c.cx));
    EXPECT(mr_span_is(k.group, "g") && mr_span_is(k.topic, "t"));
    EXPECT_EQ(k.partition, 3);
    mr_text out = {.arena = &c.arena};
    EXPECT_OK(mr_wire_add_record(&mr_record_offset_commit_key, 1, &k, &out, &c.cx));
    EXPECT(mr_span_equal(mr_text_span(&out), key));
    mr_wire_control_record_key control;
    mr_span marker = unhex("00000001", &c.arena);
    EXPECT_OK(mr_wire_read_record(&mr_record_control_record_key, marker, BUDGET, &control, &c.cx));
    EXPECT_EQ(control.type, 1);
    // Newer than the tables: refused where nobody promised to keep the fields, else read.
    mr_span newer = unhex("00090001670001740000000300", &c.arena);
    EXPECT_EQ(mr_wire_read_record(&mr_record_offset_commit_key, newer, BUDGET, &k, &c.cx),
              MR_E_UNSUPPORTED);
    mr_span later = unhex("0009000155", &c.arena);
    EXPECT_OK(mr_wire_read_record(&mr_record_control_record_key, later, BUDGET, &control, &c.cx));
    EXPECT_EQ(control.type, 1);
    EXPECT_EQ(
        mr_wire_read_record(&mr_record_offset_commit_key, (mr_span){"", 0}, BUDGET, &k, &c.cx),
        MR_E_CORRUPT);
    mr_arena_release(&c.arena);
}

TEST(wire, fields_of_other_versions_have_their_defaults) {
    wire_case c;
    case_init(&c);
    mr_wire_fetch_request request;
    mr_wire_clear(&mr_schema_fetch_request, &request);
    request.max_wait_ms = 100;
    request.rack_id = MR_SPAN("r");
    mr_wire_format format = {.version = 10};
    mr_text out = {.arena = &c.arena};
    EXPECT_OK(mr_wire_encode(&mr_schema_fetch_request, format, &request, &out, &c.cx));
    mr_wire_fetch_request back;
    EXPECT_OK(
        mr_wire_decode(&mr_schema_fetch_request, format, mr_text_span(&out), BUDGET, &back, &c.cx));
    EXPECT_EQ(back.max_wait_ms, 100);
    EXPECT_EQ(back.session_epoch, -1);
    EXPECT_EQ(back.max_bytes, INT32_MAX);
    EXPECT_EQ(back.rack_id.bytes, 0);  // Since version 11.
    EXPECT_EQ(back.replica_state.replica_epoch, -1);
    mr_arena_release(&c.arena);
}

TEST(wire, every_cut_of_a_message_is_refused) {
    wire_case c;
    case_init(&c);
    const mr_wire_type *type = &mr_schema_fetch_response;
    mr_wire_format format = {.version = 16, .flexible = true};
    char *value = mr_arena_alloc(&c.arena, type->bytes);
    mr_wire_clear(type, value);
    fill(type, value, &c.arena);
    mr_text out = {.arena = &c.arena};
    REQUIRE_OK(mr_wire_encode(type, format, value, &out, &c.cx));
    for (size_t bytes = 0; bytes < out.bytes; bytes++) {
        mr_wire_fetch_response back;
        mr_span cut = {mr_arena_copy(&c.arena, out.data, bytes), bytes};
        mr_code code = mr_wire_decode(type, format, cut, BUDGET, &back, &c.cx);
        EXPECT_EQ(code, MR_E_CORRUPT);
    }
    mr_text_add_char(&out, 'x');
    mr_wire_fetch_response back;
    EXPECT_EQ(mr_wire_decode(type, format, mr_text_span(&out), BUDGET, &back, &c.cx), MR_E_CORRUPT);
    EXPECT(strstr(c.cx.error.text, "bytes left over") != NULL);
    mr_arena_release(&c.arena);
}

TEST(wire, a_lying_count_takes_no_memory) {
    wire_case c;
    case_init(&c);
    // Metadata request v4: two billion topics in eight bytes; then more than the budget has.
    mr_wire_metadata_request request;
    mr_wire_format format = {.version = 4};
    mr_span lie = unhex("7fffffff0000000000000000", &c.arena);
    EXPECT_EQ(mr_wire_decode(&mr_schema_metadata_request, format, lie, BUDGET, &request, &c.cx),
              MR_E_CORRUPT);
    EXPECT_STR(c.cx.error.text,
               "damaged Kafka message: a count beyond its end, in metadata_request.topics of "
               "version 4 at byte 4");
    mr_text many = {.arena = &c.arena};
    mr_text_add_bytes(&many, "\0\0\x10\0", 4);
    memset(mr_text_grow(&many, 2 * 4096 + 1), 0, 2 * 4096 + 1);
    EXPECT_EQ(mr_wire_decode(&mr_schema_metadata_request, format, mr_text_span(&many),
                             /* bytes_max= */ 4096, &request, &c.cx),
              MR_E_LIMIT);
    EXPECT_OK(mr_wire_decode(&mr_schema_metadata_request, format, mr_text_span(&many), BUDGET,
                             &request, &c.cx));
    EXPECT_EQ(request.topics_count, 4096);
    mr_arena_release(&c.arena);
}

TEST(wire, unknown_tags_are_passed_over) {
    wire_case c;
    case_init(&c);
    // ApiVersions request v3: "a", "b", one tag 9 of two bytes.
    mr_wire_api_versions_request request;
    mr_wire_format format = {.version = 3, .flexible = true};
    EXPECT_OK(mr_wire_decode(&mr_schema_api_versions_request, format,
                             unhex("0261026201"
                                   "09"
                                   "02"
                                   "ffff",
                                   &c.arena),
                             BUDGET, &request, &c.cx));
    EXPECT(mr_span_is(request.client_software_version, "b"));
    // The same tag twice, and one that ends behind the message.
    EXPECT_EQ(mr_wire_decode(&mr_schema_api_versions_request, format,
                             unhex("0261026202"
                                   "0900"
                                   "0900",
                                   &c.arena),
                             BUDGET, &request, &c.cx),
              MR_E_CORRUPT);
    EXPECT_EQ(mr_wire_decode(&mr_schema_api_versions_request, format,
                             unhex("0261026201"
                                   "0905"
                                   "ffff",
                                   &c.arena),
                             BUDGET, &request, &c.cx),
              MR_E_CORRUPT);
    mr_arena_release(&c.arena);
}

TEST(wire, frames_have_the_header_of_their_version) {
    wire_case c;
    case_init(&c);
    mr_text out = {.arena = &c.arena};
    mr_wire_head head = {MR_KEY_api_versions, 3, 7, MR_SPAN("me")};
    mr_wire_api_versions_request request = {MR_SPAN("x"), MR_SPAN("1")};
    REQUIRE_OK(mr_wire_add_request(&head, &request, &out, &c.cx));
    // Length; key, version, correlation, client (never compact), no tags; body.
    mr_span want = unhex("00000012"
                         "0012000300000007"
                         "00026d65"
                         "00"
                         "0278"
                         "0231"
                         "00",
                         &c.arena);
    EXPECT(mr_span_equal(mr_text_span(&out), want));
    mr_wire_head got;
    mr_span body;
    mr_span frame = {out.data + 4, out.bytes - 4};
    EXPECT_EQ(mr_wire_frame_bytes(out.data), (int32_t)frame.bytes);
    REQUIRE_OK(mr_wire_read_request(frame, &got, &body, &c.cx));
    EXPECT_EQ(got.key, 18);
    EXPECT_EQ(got.version, 3);
    EXPECT_EQ(got.correlation, 7);
    EXPECT(mr_span_is(got.client_id, "me"));
    EXPECT_EQ(body.bytes, 5);
    for (size_t bytes = 0; bytes < frame.bytes - body.bytes; bytes++) {
        mr_span cut = {frame.data, bytes};
        EXPECT_EQ(mr_wire_read_request(cut, &got, &body, &c.cx), MR_E_CORRUPT);
    }
    // A version that nobody knows yet: its body is not looked at.
    mr_span later = unhex("001200630000000900026d65ffff", &c.arena);
    REQUIRE_OK(mr_wire_read_request(later, &got, &body, &c.cx));
    EXPECT_EQ(got.version, 99);
    EXPECT_EQ(got.correlation, 9);

    // The answer to ApiVersions never has tags in its header; others of that age do.
    mr_wire_api_versions_response versions;
    mr_wire_clear(&mr_schema_api_versions_response, &versions);
    mr_text_clear(&out);
    REQUIRE_OK(mr_wire_add_response(&head, &versions, &out, &c.cx));
    EXPECT(mr_span_equal(mr_text_span(&out), unhex("0000000c00000007"
                                                   "0000"
                                                   "01"
                                                   "00000000"
                                                   "00",
                                                   &c.arena)));
    mr_wire_find_coordinator_response found;
    mr_wire_clear(&mr_schema_find_coordinator_response, &found);
    head = (mr_wire_head){MR_KEY_find_coordinator, 4, 8, {NULL, 0}};
    mr_text_clear(&out);
    REQUIRE_OK(mr_wire_add_response(&head, &found, &out, &c.cx));
    EXPECT(mr_span_equal(mr_text_span(&out), unhex("0000000b00000008"
                                                   "00"
                                                   "00000000"
                                                   "01"
                                                   "00",
                                                   &c.arena)));
    head.correlation = 0;
    REQUIRE_OK(mr_wire_read_response((mr_span){out.data + 4, out.bytes - 4}, &head, &body, &c.cx));
    EXPECT_EQ(head.correlation, 8);
    EXPECT_EQ(body.bytes, 6);
    mr_arena_release(&c.arena);
}

TEST(wire, a_string_without_a_length_is_refused) {
    wire_case c;
    case_init(&c);
    mr_wire_find_coordinator_request request;
    mr_wire_clear(&mr_schema_find_coordinator_request, &request);
    char *key = mr_arena_alloc(&c.arena, 40000);
    memset(key, 'k', 40000);
    request.key = (mr_span){key, 40000};
    mr_text out = {.arena = &c.arena};
    mr_text_add(&out, "before");
    EXPECT_EQ(mr_wire_encode(&mr_schema_find_coordinator_request, (mr_wire_format){.version = 1},
                             &request, &out, &c.cx),
              MR_E_LIMIT);
    EXPECT_STR(mr_text_string(&out), "before");
    EXPECT_OK(mr_wire_encode(&mr_schema_find_coordinator_request,
                             (mr_wire_format){.version = 3, .flexible = true}, &request, &out,
                             &c.cx));
    mr_arena_release(&c.arena);
}

TEST(wire, holes_are_left_out_and_counted) {
    mr_arena arena = {0};
    mr_cx cx;
    mr_cx_init(&cx, &arena, NULL);
    char far[3];  // Marks; what they stand for is elsewhere.
    mr_wire_fetch_data data[3];
    for (int i = 0; i < 3; i++) {
        mr_wire_clear(&mr_schema_fetch_data, &data[i]);
        data[i].partition_index = i;
    }
    data[0].records = (mr_span){&far[0], 100000};
    data[1].records = MR_SPAN("here");
    data[2].records = (mr_span){&far[1], 7};
    mr_wire_fetch_data_topic topic = {.partitions = data, .partitions_count = 3};
    topic.topic = MR_SPAN("t");
    mr_wire_fetch_response response = {.responses = &topic, .responses_count = 1};
    for (int16_t version = 4; version <= 12; version += 8) {
        mr_wire_hole items[] = {{.mark = &far[2]}, {.mark = &far[1]}, {.mark = &far[0]}};
        mr_wire_holes holes = {.items = items, .count = 3};
        mr_wire_head head = {MR_KEY_fetch, version, 9, {NULL, 0}};
        mr_text out;
        mr_text_init(&out, &arena);
        REQUIRE_OK(mr_wire_add_response_around(&head, &response, &holes, &out, &cx));
        EXPECT_EQ(holes.filled, 2);
        EXPECT_EQ(holes.bytes, 100007);
        EXPECT(items[0].mark == &far[0] && items[1].mark == &far[1]);
        EXPECT_EQ(items[0].bytes, 100000);
        EXPECT(items[0].at < items[1].at);
        EXPECT_EQ(mr_wire_frame_bytes(out.data), out.bytes - MR_WIRE_LENGTH_BYTES + 100007);
        // With the bytes put in it is a message like any other.
        mr_text whole;
        mr_text_init(&whole, &arena);
        mr_text_add_bytes(&whole, out.data + MR_WIRE_LENGTH_BYTES,
                          items[0].at - MR_WIRE_LENGTH_BYTES);
        memset(mr_text_grow(&whole, 100000), 'a', 100000);
        mr_text_add_bytes(&whole, out.data + items[0].at, items[1].at - items[0].at);
        mr_text_add(&whole, "seventh");
        mr_text_add_bytes(&whole, out.data + items[1].at, out.bytes - items[1].at);
        mr_span body;
        mr_wire_fetch_response back;
        REQUIRE_OK(mr_wire_read_response(mr_text_span(&whole), &head, &body, &cx));
        REQUIRE_OK(mr_wire_decode(&mr_schema_fetch_response,
                                  mr_wire_format_of(mr_wire_find(MR_KEY_fetch), version), body,
                                  SIZE_MAX, &back, &cx));
        EXPECT_EQ(back.responses[0].partitions[0].records.bytes, 100000);
        EXPECT(mr_span_is(back.responses[0].partitions[1].records, "here"));
        EXPECT(mr_span_is(back.responses[0].partitions[2].records, "seventh"));
    }
    mr_arena_release(&arena);
}
