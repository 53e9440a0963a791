// Say: lines for the owner's log, and a limit on those that strangers cause; see broker.h.
//
// Why a limit: whoever can connect could fill the disk with lines about having been refused; a
// client that tries again and again would do. How: a fixed number of buckets, lines of one address
// with one reason always in the same one, each with so many lines a minute; so many addresses and
// reasons together are bounded too. What was left out is counted in the bucket's next line.
//
// Also: mr_broker_

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/hash.h"
#include "broker/inside.h"

#define SAY_BYTES      2048
#define LINES_MAX      20  // Of a bucket, in a
#define PERIOD_US      (60 * 1000000)
#define LEFT_OUT_BYTES 64

static void say(mr_broker *broker, const char *format, va_list arguments, const char *behind) {
    char line[SAY_BYTES];
    vsnprintf(line, sizeof(line) - LEFT_OUT_BYTES, format, arguments);
    for (char *c = line; *c != '\0'; c++) {  // A client's words make no line of their own.
        *c = (unsigned char)*c < ' ' || *c == 0x7f ? '?' : *c;
    }
    size_t bytes = strlen(line);
    snprintf(line + bytes, sizeof(line) - bytes, "%s", behind);
    mr_mutex_lock(&broker->say_mutex);
    broker->spec.say(broker->spec.self, line);
    mr_mutex_unlock(&broker->say_mutex);
}

void mr_broker_say(mr_broker *broker, const char *format, ...) {
    if (broker->spec.say == NULL) {
        return;
    }
    va_list arguments;
    va_start(arguments, format);
    say(broker, format, arguments, "");
    va_end(arguments);
}

// Whether one more line is said.
//   behind  [LEFT_OUT_BYTES], what stands behind it: whether there were, or will be, others
static bool may_say(mr_broker *broker, const char *host, const char *reason, char *behind) {
    uint64_t hash = mr_hash_bytes(reason, strlen(reason), mr_hash_bytes(host, strlen(host), 0));
    mr_say_limit *limit = &broker->say_limits[hash % MR_COUNT(broker->say_limits)];
    int64_t now_us = mr_clock_monotonic_us(broker->plat);
    mr_mutex_lock(&broker->say_mutex);
    behind[0] = '\0';
    if (now_us - limit->since_us >= PERIOD_US) {
        if (limit->left_out > 0) {
            snprintf(behind, LEFT_OUT_BYTES, " (%" PRIu32 " such lines before it were left out)",
                     limit->left_out);
        }
        *limit = (mr_say_limit){.since_us = now_us};
    }
    bool may = limit->said < LINES_MAX;
    if (!may) {
        limit->left_out++;
    } else if (++limit->said == LINES_MAX) {
        snprintf(behind, LEFT_OUT_BYTES, " (more such lines are left out for a minute)");
    }
    mr_mutex_unlock(&broker->say_mutex);
    return may;
}

void mr_broker_say_of(mr_broker *broker, const char *host, const char *reason, const char *format,
                      ...) {
    char behind[LEFT_OUT_BYTES];
    if (broker->spec.say == NULL || !may_say(broker, host, reason, behind)) {
        return;
    }
    va_list arguments;
    va_start(arguments, format);
    say(broker, format, arguments, behind);
    va_end(arguments);
}
