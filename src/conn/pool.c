// Pool: buffers of source chunks that are used again and again; see pool.h.

#include "conn/pool.h"

#include "plat/thread.h"

// Free holds kept; a driver has a few chunks a worker under way.
#define POOL_FREE_MAX 16

struct mr_pool {
    mr_mutex mutex;
    mr_hold *free[POOL_FREE_MAX];
    uint32_t free_count;
    uint64_t out_count;  // Holds that are in use.
    bool closed;
};

static void pool_drop_hold(mr_hold *hold) {
    mr_hold_reset(hold, 0);
    hold->recycle = NULL;
    mr_hold_unref(hold);
}

static void pool_free(mr_pool *pool) {
    for (uint32_t i = 0; i < pool->free_count; i++) {
        pool_drop_hold(pool->free[i]);
    }
    mr_mutex_release(&pool->mutex);
    mr_heap_free(pool);
}

// Called when the last reference to a hold is dropped, on any thread.
static void pool_take_back(mr_hold *hold, void *argument) {
    mr_pool *pool = argument;
    mr_mutex_lock(&pool->mutex);
    mr_assert(pool->out_count > 0);
    pool->out_count--;
    bool keep = !pool->closed && pool->free_count < POOL_FREE_MAX;
    bool last = pool->closed && pool->out_count == 0;
    if (keep) {
        pool->free[pool->free_count++] = hold;
    }
    mr_mutex_unlock(&pool->mutex);
    if (!keep) {
        pool_drop_hold(hold);
    }
    if (last) {
        pool_free(pool);
    }
}

mr_pool *mr_pool_new(void) {
    mr_pool *pool = mr_heap_alloc(sizeof(*pool));
    mr_mutex_init(&pool->mutex);
    return pool;
}

mr_hold *mr_pool_take(mr_pool *pool, size_t buffer_bytes) {
    mr_assert(!pool->closed);
    mr_mutex_lock(&pool->mutex);
    pool->out_count++;
    mr_hold *hold = pool->free_count > 0 ? pool->free[--pool->free_count] : NULL;
    mr_mutex_unlock(&pool->mutex);
    if (hold != NULL) {
        mr_hold_reset(hold, buffer_bytes);
        return hold;
    }
    hold = mr_hold_new(buffer_bytes);
    hold->recycle = pool_take_back;
    hold->recycle_arg = pool;
    return hold;
}

void mr_pool_close(mr_pool *pool) {
    if (pool == NULL) {
        return;
    }
    mr_mutex_lock(&pool->mutex);
    pool->closed = true;
    bool last = pool->out_count == 0;
    mr_mutex_unlock(&pool->mutex);
    if (last) {
        pool_free(pool);
    }
}
