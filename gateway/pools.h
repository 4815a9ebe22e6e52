/* pools: the pools a gateway knows, and which of them gets the next request. Pure bookkeeping. */
#ifndef VOTE_GATEWAY_POOLS_H
#define VOTE_GATEWAY_POOLS_H

#include "proto/channel.h"
#include "proto/message.h"

struct pool {
    struct pool *next;
    struct channel_peer peer;
    struct id id;
    enum service service;
    char host[65];
    int64_t pid, threads;
    int64_t capacity;  /* credit granted */
    int64_t in_flight; /* credit in use */
    int64_t served;    /* answers received */
    int64_t heard_us;  /* clock_us of its last message */
    bool draining;     /* is leaving: nothing more is sent to it */
};

struct pools {
    struct pool *first;
};

/* pools_add: take in a pool that said ready. NULL if what it said is not to be used (no such
 * service). The list owns it. */
struct pool *pools_add(struct pools *pools, struct channel_peer peer, const struct ready *ready,
                       int64_t now_us);

struct pool *pools_by_peer(const struct pools *pools, struct channel_peer peer);
struct pool *pools_by_id(const struct pools *pools, struct id id);

/* pools_pick: of a service's pools that are not leaving, the one with the most free credit, or NULL
 * if none has any. */
struct pool *pools_pick(const struct pools *pools, enum service service);

/* pools_count: a service's pools that are not leaving. */
size_t pools_count(const struct pools *pools, enum service service);

/* pools_remove: forget and free it. */
void pools_remove(struct pools *pools, struct pool *pool);

#endif
