// Answer: small things that many handlers say.

#pragma once

#include "broker/topics.h"
#include "codec/kafka_error.h"

#define MR_ANSWER_CLUSTER MR_SPAN("kafka-cluster")  // The cluster, as a resource.

static inline mr_span mr_answer_nullable(const char *text) {
    return text == NULL ? (mr_span){NULL, 0} : mr_span_of(text);
}

// The words of an outcome: its own, else the error's; null when nothing went wrong.
static inline mr_span mr_answer_reason(mr_outcome outcome) {
    return mr_answer_nullable(outcome.error == MR_KAFKA_NONE ? NULL
                              : outcome.reason != NULL       ? outcome.reason
                                                             : mr_kafka_error_text(outcome.error));
}
