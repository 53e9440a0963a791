// Embed: the broker that a pipeline means by "embedded", for a command that runs it: the one of the
// project that is up, or one that is opened for as long as the command runs.

#pragma once

#include "cli/cli.h"
#include "port/embedded.h"

typedef struct mr_cli_embed {
    struct mr_broker *broker;  // NULL: none was opened.
    mr_embedded *embedded;
} mr_cli_embed;

// Gives a planned job its broker, if it needs one. errors as of mr_broker_open
mr_code mr_embed_open(mr_cli_embed *embed, const mr_job_spec *spec, mr_job *job, mr_cx *cx);
void mr_embed_close(mr_cli_embed *embed, mr_cx *cx);  // After the job. Takes a zeroed one.
