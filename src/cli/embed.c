// Embed: see embed.h.

#include "cli/embed.h"

#include <string.h>

#include "broker/embedded.h"
#include "owner/owner.h"
#include "version.h"

static bool is_embedded(const char *wrapper, const mr_option_values *options) {
    const char *servers = mr_option_find(options, "bootstrap_servers");
    return strcmp(wrapper, "kafka") == 0 &&
           (servers == NULL ? mr_option_find(options, "kafka.bootstrap.servers") == NULL
                            : strcmp(servers, MR_EMBEDDED) == 0);
}

static bool needs_broker(const mr_pipeline *pipeline) {
    for (uint32_t i = 0; i < pipeline->source_count; i++) {
        if (is_embedded(pipeline->sources[i].type->name, &pipeline->sources[i].options)) {
            return true;
        }
    }
    for (uint32_t i = 0; i < pipeline->insert_count; i++) {
        if (is_embedded(pipeline->inserts[i].type->name, &pipeline->inserts[i].options)) {
            return true;
        }
    }
    return false;
}

// Beside a project that is up another broker listens at any free port.
static mr_code open_own(mr_cli_embed *embed, const mr_job_spec *job, mr_cx *cx) {
    mr_broker_spec spec = {
        .dir = mr_arena_printf(cx->arena, "%s/broker", job->data_dir),
        .version = MR_VERSION,
        .say = mr_report_line,
        .self = (void *)"broker: ",
    };
    mr_config config = {job->config, job->config_count};
    MR_TRY(mr_config_apply(&config, "broker", mr_broker_options, &spec.settings, cx));
    spec.settings.listen = "127.0.0.1:0";
    MR_TRY(mr_broker_open(&spec, &embed->broker, cx));
    return mr_broker_embed(embed->broker, &embed->embedded, cx);
}

mr_code mr_embed_open(mr_cli_embed *embed, const mr_job_spec *spec, mr_job *job, mr_cx *cx) {
    *embed = (mr_cli_embed){0};
    if (!needs_broker(mr_job_pipeline(job))) {
        return MR_OK;
    }
    const char *address = mr_owner_broker(spec->data_dir, cx);
    if (address == NULL) {
        MR_TRY(open_own(embed, spec, cx));
    }
    mr_job_embed(job, embed->embedded, address);
    return MR_OK;
}

void mr_embed_close(mr_cli_embed *embed, mr_cx *cx) {
    mr_broker_unembed(embed->embedded);
    if (embed->broker != NULL && mr_broker_close(embed->broker, cx) != MR_OK) {
        mr_report_error(cx);
    }
    *embed = (mr_cli_embed){0};
}
