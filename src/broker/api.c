// Api: the table of keys, and where it meets the wire's.

#include "broker/api.h"

enum { API_HERE, API_AWAY };

#define API_ROW(name_, min, max, where) \
    {.key = MR_KEY_##name_,             \
     .version_min = (min),              \
     .version_max = (max),              \
     .away = API_##where == API_AWAY,   \
     .name = #name_,                    \
     .handle = mr_api_##name_},

static const mr_api apis[] = {MR_BROKER_APIS(API_ROW)};

// Places in the table by key, from 1; it is looked into for every request.
enum {
    API_PLACE_NONE,
#define API_PLACE(name, ...) API_PLACE_##name,
    MR_BROKER_APIS(API_PLACE)
#undef API_PLACE
};
#define API_BY_KEY(name, ...) [MR_KEY_##name] = API_PLACE_##name,
static const uint8_t by_key[] = {MR_BROKER_APIS(API_BY_KEY)};

const mr_api *mr_api_list(size_t *ret_count) {
    *ret_count = MR_COUNT(apis);
    return apis;
}

const mr_api *mr_api_find(int16_t key) {
    bool known = key >= 0 && (size_t)key < MR_COUNT(by_key) && by_key[key] != API_PLACE_NONE;
    return known ? &apis[by_key[key] - 1] : NULL;
}
