// Loaders "parquet" and "json": static tables from files that DuckDB reads.

#include "conn/conn.h"
#include "lake/lake.h"

// Neither takes an option: a file says by itself what it holds.
static const mr_option no_options[] = {MR_OPTION_END};

static mr_code load(const char *format, const char *path, const mr_option_values *options,
                    mr_rows *ret, mr_cx *cx) {
    char nothing;
    MR_TRY(mr_conn_options(no_options, options, &nothing, cx->arena, cx));
    return mr_lake_load(format, path, ret, cx);
}

static mr_code parquet_load(const char *path, const mr_option_values *options, mr_rows *ret,
                            mr_cx *cx) {
    return load("parquet", path, options, ret, cx);
}

static mr_code json_load(const char *path, const mr_option_values *options, mr_rows *ret,
                         mr_cx *cx) {
    return load("json", path, options, ret, cx);
}

const mr_loader mr_loader_parquet = {.format = "parquet", .load = parquet_load};
const mr_loader mr_loader_json = {.format = "json", .load = json_load};
