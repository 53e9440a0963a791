// Answer: what the files that answer requests share: reading a request, writing an answer.

#pragma once

#include "flow/state.h"

typedef struct mr_answer {
    mr_flow *flow;
    mr_span request;  // A JSON object.
    mr_text *out;
    mr_cx *cx;
} mr_answer;
// A field of the request; absent and null are the same.
const char *mr_answer_text(const mr_answer *a, const char *name);  // NULL when absent.
int64_t mr_answer_number(const mr_answer *a, const char *name, int64_t other);
bool mr_answer_flag(const mr_answer *a, const char *name);
mr_span mr_answer_json(const mr_answer *a, const char *name);  // Empty when absent.
// A moment: RFC 3339, or local in the DAG's zone. errors  MR_E_VALUE
mr_code mr_answer_time(const mr_answer *a, const char *name, const mr_zone *zone, int64_t *ret);
// ,"name":value (no comma behind a bracket); NULL and 0 are null.
void mr_answer_add_text(mr_text *out, const char *name, const char *value);
void mr_answer_add_number(mr_text *out, const char *name, int64_t value);
void mr_answer_add_bool(mr_text *out, const char *name, bool value);
void mr_answer_add_time(mr_text *out, const char *name, int64_t us);
mr_code mr_answer_dag_of(const mr_answer *a, mr_flow_dag **ret);  // "dag".  errors  MR_E_NAME
void mr_answer_add_run(const mr_record_run *run, mr_text *out);   // As an object.
// answer_dag.c, answer_backfill.c, answer_run.c
mr_code mr_answer_dag(const mr_answer *a, const char *verb);
mr_code mr_answer_backfill(const mr_answer *a);
mr_code mr_answer_run(const mr_answer *a, const char *verb);
// Which tasks of a run are made ready anew.
typedef struct mr_answer_clear {
    const char *const *tasks;  // NULL-ended; NULL = all.
    bool failed_only;
    bool downstream;  // And what stands behind them.
} mr_answer_clear;
mr_code mr_answer_clear_run(mr_flow *flow, int64_t id, const mr_answer_clear *what,
                            uint32_t *ret_count, mr_cx *cx);
