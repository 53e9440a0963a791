// A fixture.

#include <librdkafka/rdkafka.h>
