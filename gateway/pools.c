#include "gateway/pools.h"

#include "proto/base/die.h"

#include <stdlib.h>

void pool_renew(struct pool *pool, const struct ready *ready)
{
    size_t host = ready->host.size < sizeof pool->host ? ready->host.size : sizeof pool->host - 1;
    memcpy(pool->host, ready->host.data, host);
    pool->host[host] = '\0';
    pool->pid = ready->pid;
    pool->threads = ready->threads;
    pool->capacity = ready->capacity;
    pool->heartbeat_us = ready->heartbeat_ms * 1000;
    pool->draining = false;
}

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
    pool_renew(pool, ready);
    pool->lanes[LANE_READ].in_flight = ready->reads_held;
    pool->lanes[LANE_WRITE].in_flight = ready->writes_held;
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

void pool_answered(struct pool *pool, enum lane lane, int64_t latency_us)
{
    int64_t *average = &pool->lanes[lane].latency_us;
    *average = *average ? (*average * 7 + latency_us) / 8 : latency_us;
    if (*average == 0)
        *average = 1;
}

static bool serves(const struct pool *pool, enum service service)
{
    return pool->service == service && !pool->draining && !pool->lost;
}

/* The best average of a service's pools that can be had; 0 if none has answered yet. A stuck one
 * may still have the best: that of before. */
static int64_t fastest_us(const struct pools *pools, enum service service, enum lane lane)
{
    int64_t best = 0;
    for (struct pool *pool = pools->first; pool; pool = pool->next) {
        const struct pool_lane *own = &pool->lanes[lane];
        if (serves(pool, service) && !own->stuck && own->latency_us &&
            (!best || own->latency_us < best))
            best = own->latency_us;
    }
    return best;
}

static bool is_slow(const struct pool *pool, enum lane lane, int64_t fastest)
{
    int64_t latency = pool->lanes[lane].latency_us;
    return latency > POOL_SLOW_US && latency / POOL_SLOW > fastest;
}

struct pool *pools_pick(const struct pools *pools, enum service service, enum lane lane,
                        bool pressed)
{
    struct pool *best = NULL, *slow = NULL, *stuck = NULL;
    int64_t fastest = fastest_us(pools, service, lane);
    for (struct pool *pool = pools->first; pool; pool = pool->next) {
        const struct pool_lane *own = &pool->lanes[lane];
        if (!serves(pool, service) || own->in_flight >= pool->capacity)
            continue;
        bool trickles = own->in_flight > 0 && is_slow(pool, lane, fastest);
        struct pool **kind = own->stuck ? &stuck : trickles ? &slow : &best;
        if (!*kind || own->in_flight < (*kind)->lanes[lane].in_flight)
            *kind = pool;
    }
    if (!best && pressed)
        best = slow;
    return best || (stuck && pools_other(pools, stuck, lane)) ? best : stuck;
}

bool pools_other(const struct pools *pools, const struct pool *pool, enum lane lane)
{
    for (struct pool *other = pools->first; other; other = other->next)
        if (other != pool && serves(other, pool->service) && !other->lanes[lane].stuck)
            return true;
    return false;
}

size_t pools_count(const struct pools *pools, enum service service)
{
    size_t count = 0;
    for (struct pool *pool = pools->first; pool; pool = pool->next)
        count += serves(pool, service);
    return count;
}

void pools_remove(struct pools *pools, struct pool *pool)
{
    struct pool **link = &pools->first;
    while (*link != pool)
        link = &(*link)->next;
    *link = pool->next;
    bundle_free(&pool->bundle);
    free(pool);
}
