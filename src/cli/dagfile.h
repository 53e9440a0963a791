// Dagfile: DAG files for commands that need no scheduler.

#pragma once

#include "cli/cli.h"
#include "flow/flow.h"

// The settings of section "flow": -c, the environment, millrace.yaml of the project of a file.
mr_code mr_dagfile_settings(const mr_cli_args *args, const char *file, mr_flow_settings *ret,
                            mr_cx *cx);
// A file by its path, or by a DAG's id among those of the project's dags/.
//   *ret         one reference; NULL on failure
//   *ret_errors  what was found in the file; none when the file itself was not
mr_code mr_dagfile_load(const mr_cli_args *args, const char *word, mr_dag **ret,
                        mr_dag_errors *ret_errors, mr_cx *cx);
// The DAG files of the project around the working directory: paths, sorted.
mr_code mr_dagfile_list(const char ***ret, uint32_t *ret_count, mr_cx *cx);
bool mr_dagfile_is_file(const char *word);  // It is meant as a path, not as an id.
// All errors, or the one of cx, to standard error. Returns the exit code.
int mr_dagfile_report(const mr_dag_errors *errors, mr_cx *cx);
