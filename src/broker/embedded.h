// Embedded: this broker for the pipelines of its process; fills port/embedded.h.

#pragma once

#include "broker/broker.h"
#include "port/embedded.h"

// errors  MR_E_IO
mr_code mr_broker_embed(mr_broker *broker, mr_embedded **ret, mr_cx *cx);
// A partition's marks have moved.
struct mr_topic_partition;
void mr_embedded_moved(struct mr_topic_partition *partition);
// All logs were closed, and nothing is asked any more. Takes NULL.
void mr_broker_unembed(mr_embedded *embedded);
