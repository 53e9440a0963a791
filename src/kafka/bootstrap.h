// Bootstrap: which cluster commands and tasks are about when none is named.
//
//   KAFKA_BOOTSTRAP_SERVERS, then the broker of the project, then 127.0.0.1:9092
// The environment goes first since pipelines take it first, by
// ${KAFKA_BOOTSTRAP_SERVERS:-embedded}: commands must not look at another cluster than the
// pipelines beside them use.

#pragma once

#include "base/cx.h"

// "host:port, …". data_dir: the project's.
const char *mr_bootstrap_servers(const char *data_dir, mr_cx *cx);
// The same without the last; NULL: there is none.
const char *mr_bootstrap_find(const char *data_dir, mr_cx *cx);
// The address that the project's broker left; NULL: none did.
const char *mr_bootstrap_own(const char *data_dir, mr_cx *cx);
