/* pools: the pools a gateway knows, and which of them gets the next request. Pure bookkeeping.
 *
 * Credit is counted for each lane by itself, so that slow reads cannot use up what votes need. */
#ifndef VOTE_GATEWAY_POOLS_H
#define VOTE_GATEWAY_POOLS_H

#include "proto/bundle.h"
#include "proto/message.h"

/* What a pool does in one lane. */
struct pool_lane {
    int64_t in_flight;  /* credit in use */
    int64_t latency_us; /* moving average, from sent to answered; 0: no answer yet */
    bool stuck;         /* its oldest job there is over its limit */
};

struct pool {
    struct pool *next;
    struct channel_peer peer;
    struct id id;
    enum service service;
    char host[65];
    int64_t pid, threads;
    int64_t capacity; /* credit granted, for each lane */
    struct pool_lane lanes[LANE_COUNT];
    int64_t served;       /* answers received */
    int64_t heartbeat_us; /* how often it means to say something */
    int64_t heard_us;     /* clock_us of its last message */
    int64_t probed_us;    /* when it was last asked whether it is there */
    bool draining;        /* is leaving: nothing more is sent to it */
    const char *lost;     /* why it is about to be given up, or NULL: likewise */
    struct bundle bundle; /* requests for the router, empty but in dispatch_feed */
    int64_t bundles;      /* given to it so far */
};

struct pools {
    struct pool *first;
};

/* pools_add: take in a pool that said ready. NULL if what it said is not to be used (no such
 * service). The list owns it. What it holds already uses its credit, which the late answers give
 * back. pool_renew: it said so again. */
struct pool *pools_add(struct pools *pools, struct channel_peer peer, const struct ready *ready,
                       int64_t now_us);
void pool_renew(struct pool *pool, const struct ready *ready);

struct pool *pools_by_peer(const struct pools *pools, struct channel_peer peer);
struct pool *pools_by_id(const struct pools *pools, struct id id);

/* pool_answered: an answer came back `latency_us` after its request was sent. */
void pool_answered(struct pool *pool, enum lane lane, int64_t latency_us);

/* pools_pick: of a service's pools that are not leaving or lost, the one with the least credit in
 * use, or NULL if it is better to wait. A stuck one is passed over while there is another that is
 * not. One that is POOL_SLOW times slower than the fastest and above POOL_SLOW_US gets a single
 * request at a time, so that its recovery is seen; more only if no other has credit left and the
 * caller is pressed: the alternative is to refuse somebody. */
enum { POOL_SLOW = 4, POOL_SLOW_US = 20000 };
struct pool *pools_pick(const struct pools *pools, enum service service, enum lane lane,
                        bool pressed);

/* pools_other: is there a pool of this one's service that could do its work in that lane? */
bool pools_other(const struct pools *pools, const struct pool *pool, enum lane lane);

/* pools_count: a service's pools that are not leaving. */
size_t pools_count(const struct pools *pools, enum service service);

/* pools_remove: forget and free it. */
void pools_remove(struct pools *pools, struct pool *pool);

#endif
