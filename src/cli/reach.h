// Reach: the cluster that a command is about: --bootstrap, or as kafka/bootstrap.h finds it.

#pragma once

#include "cli/cli.h"
#include "kafka/control.h"

#define MR_CLI_REACH_FLAGS                                                                      \
    {"--bootstrap", "HOST:PORT", false,                                                         \
     "The cluster (default: KAFKA_BOOTSTRAP_SERVERS; this project's broker; 127.0.0.1:9092)."}, \
        MR_CLI_DATA_FLAG, {                                                                     \
        "--timeout", "TIME", false, "How long to try (default 30s)."                            \
    }

// Servers, "host:port, …".
const char *mr_reach_servers(const mr_cli_args *args, mr_cx *cx);
// Connects. Errors are for the caller to report.
mr_code mr_reach_open(const mr_cli_args *args, mr_control *ret, mr_cx *cx);
// Reports the error and says which exit code is its.
int mr_reach_failed(mr_cx *cx);
// --config NAME=VALUE, each; an empty value is NULL.  errors  MR_E_OPTION
mr_code mr_reach_settings(const mr_cli_args *args, const char *flag, mr_control_setting **ret,
                          int32_t *ret_count, mr_cx *cx);
// A whole number between least and most; *ret stays when the flag is not given.
mr_code mr_reach_number(const mr_cli_args *args, const char *flag, int64_t least, int64_t *ret,
                        mr_cx *cx);
// ,"name":value, a JSON member; null below 0.
void mr_reach_add_number(mr_text *out, const char *name, int64_t value);
// A moment: "2026-01-01T00:00:00Z", "2026-01-01", milliseconds since 1970, or a time ago: "-1h".
mr_code mr_reach_time(const char *text, const char *flag, int64_t *ret_ms, mr_cx *cx);
