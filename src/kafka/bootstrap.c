// Bootstrap: see bootstrap.h.

#include "kafka/bootstrap.h"

#include "base/text.h"
#include "plat/plat.h"

#define SERVERS     "127.0.0.1:9092"
#define ADDRESS_MAX 4096

const char *mr_bootstrap_own(const char *data_dir, mr_cx *cx) {
    const char *path = mr_arena_printf(cx->arena, "%s/broker/address", data_dir);
    mr_span address;
    if (!mr_file_exists(path, cx) || mr_file_load(path, ADDRESS_MAX, &address, cx) != MR_OK) {
        return NULL;
    }
    address = mr_span_trim(address);
    if (address.bytes == 0) {
        return NULL;
    }
    mr_span first = mr_span_line(&address);
    return mr_arena_copy(cx->arena, first.data, first.bytes);
}

const char *mr_bootstrap_find(const char *data_dir, mr_cx *cx) {
    const char *env = mr_plat_env(cx->plat, "KAFKA_BOOTSTRAP_SERVERS");
    return env == NULL || env[0] == '\0' ? mr_bootstrap_own(data_dir, cx) : env;
}

const char *mr_bootstrap_servers(const char *data_dir, mr_cx *cx) {
    const char *found = mr_bootstrap_find(data_dir, cx);
    return found == NULL ? SERVERS : found;
}
