#include "gateway/pools.h"

#include "proto/base/die.h"

#include <stdlib.h>

struct pool *pools_add(struct pools *pools, struct channel_peer peer, const struct ready *ready,
                       int64_t now_us)
{
    enum service service;
    if (!service_parse(ready->service, &service) || service == SERVICE_GATEWAY)
        return NULL;
    struct pool *pool = calloc(1, sizeof *pool);
    if (!pool)
        die("out of memory");
    pool->peer = peer;
    pool->id = ready->pool_id;
    pool->service = service;
    size_t host = ready->host.size < sizeof pool->host ? ready->host.size : sizeof pool->host - 1;
    memcpy(pool->host, ready->host.data, host);
    pool->pid = ready->pid;
    pool->threads = ready->threads;
    pool->capacity = ready->capacity;
    pool->heard_us = now_us;
    pool->next = pools->first;
    pools->first = pool;
    return pool;
}

struct pool *pools_by_peer(const struct pools *pools, struct channel_peer peer)
{
    for (struct pool *pool = pools->first; pool; pool = pool->next)
        if (channel_peer_equal(pool->peer, peer))
            return pool;
    return NULL;
}

struct pool *pools_by_id(const struct pools *pools, struct id id)
{
    for (struct pool *pool = pools->first; pool; pool = pool->next)
        if (id_equal(pool->id, id))
            return pool;
    return NULL;
}

struct pool *pools_pick(const struct pools *pools, enum service service)
{
    struct pool *best = NULL;
    for (struct pool *pool = pools->first; pool; pool = pool->next) {
        if (pool->service != service || pool->draining || pool->in_flight >= pool->capacity)
            continue;
        if (!best || pool->capacity - pool->in_flight > best->capacity - best->in_flight)
            best = pool;
    }
    return best;
}

size_t pools_count(const struct pools *pools, enum service service)
{
    size_t count = 0;
    for (struct pool *pool = pools->first; pool; pool = pool->next)
        count += pool->service == service && !pool->draining;
    return count;
}

void pools_remove(struct pools *pools, struct pool *pool)
{
    struct pool **link = &pools->first;
    while (*link != pool)
        link = &(*link)->next;
    *link = pool->next;
    free(pool);
}
