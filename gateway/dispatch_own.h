/* dispatch_own: what the parts of dispatch share, and nobody else sees.
 *
 *   dispatch.c        frames, the loop, start and stop
 *   dispatch_ask.c    asks of pages: the queues, sending, answers
 *   dispatch_pools.c  pools come, go, get stuck and die
 *   dispatch_status.c what operators see
 *   dispatch_trace.c  what is told to the traces of requests */
#ifndef VOTE_GATEWAY_DISPATCH_OWN_H
#define VOTE_GATEWAY_DISPATCH_OWN_H

#include "gateway/dispatch.h"
#include "gateway/histogram.h"
#include "gateway/http/event.h"
#include "gateway/pools.h"
#include "gateway/shares.h"
#include "gateway/slots.h"
#include "proto/envelope.h"

enum {
    DISPATCH_ATTEMPTS = 2, /* a request that two pools died on does not get a third */
    RETRY_COST = 10,       /* what one retry takes from the budget; each ask puts 1 in: 10 % */
};

/* A lane of a service. asked = answered + busy + expired + lost + the asks that are queued, sent or
 * refused and not told yet. */
struct queue {
    struct slot_list waiting; /* SLOT_QUEUED */
    struct slot_list sent;    /* SLOT_SENT, oldest first */
    int64_t asked, answered, busy, expired, lost, retried, late;
    int64_t retry_budget;
    struct histogram wait, pool_queue, pool_service, total, batch, shared;
};

struct service_queues {
    struct queue lanes[LANE_COUNT];
    int64_t last_pool_us; /* when a pool of it was last there */
};

struct dispatch {
    struct dispatch_settings settings;
    char *endpoint;
    int lock_fd; /* of the endpoint */
    struct channel_context *context;
    struct channel *router;
    struct event *readable, *tick;
    bool looking; /* readable will run without an edge */
    int64_t ticked_us;
    struct slots *slots;
    struct pools pools;
    struct service_queues services[SERVICE_COUNT];
    struct shares shares;
    struct ask_list refused; /* to be told from the loop */
    size_t asks;             /* whose on_answer is still to be called */
    int64_t bad_messages, missed_edges, late_starts, pools_refused;
    struct buf outgoing; /* control messages */
    struct buf packed;   /* the body of an ask */
};

/* dispatch_queue: the queue a message type belongs to. */
static inline struct queue *dispatch_queue(struct dispatch *dispatch,
                                           const struct message_type *type)
{
    return &dispatch->services[type->service].lanes[type->lane];
}

/* dispatch_look: read the router again soon. A send can swallow its descriptor's edge. */
static inline void dispatch_look(struct dispatch *dispatch)
{
    dispatch->looking = true;
    event_active(dispatch->readable, EV_READ, 0);
}

/* ---- dispatch_ask.c ------------------------------------------------------------------------ */

/* dispatch_feed: send what waits for a service while there is credit. Whoever calls it looks again
 * afterwards (dispatch_look). */
void dispatch_feed(struct dispatch *dispatch, enum service service);

/* dispatch_again: a sent request goes to another pool, unless two died on it or the budget for
 * retries is used up; why: for its trace. dispatch_take_back: likewise for one that no pool has
 * started. */
void dispatch_again(struct dispatch *dispatch, struct slot *slot, const char *why);
void dispatch_take_back(struct dispatch *dispatch, struct slot *slot);

/* dispatch_on_answer: a pool's answer to some request, of pool->heard_us. dispatch_answer_refused:
 * tell those whose refusal waits to be told. */
void dispatch_on_answer(struct dispatch *dispatch, struct pool *pool,
                        const struct envelope *envelope, const struct message_type *type,
                        struct str body);
void dispatch_answer_refused(struct dispatch *dispatch);

/* dispatch_tick_queues: expire, refuse what nobody can do any more. */
void dispatch_tick_queues(struct dispatch *dispatch, int64_t now);

/* ---- dispatch_pools.c ---------------------------------------------------------------------- */

/* dispatch_lose: a pool is gone: its requests go to others. Frees it. */
void dispatch_lose(struct dispatch *dispatch, struct pool *pool, const char *why);

/* dispatch_control: handle a control message of this type, if it is one for a gateway. */
bool dispatch_control(struct dispatch *dispatch, struct channel_peer peer, struct pool *known,
                      const struct message_type *type, struct str body);

/* dispatch_ask_who: a peer that is not known (any more) is to say ready. */
void dispatch_ask_who(struct dispatch *dispatch, struct channel_peer peer);

/* dispatch_tick_pools: look for the silent. */
void dispatch_tick_pools(struct dispatch *dispatch, int64_t now, int64_t elapsed_us);

/* ---- dispatch_trace.c ---------------------------------------------------------------------- */

/* Of a slot that is traced: an ask came to it, it was sent to slot->pool, it was given up there, it
 * is about to be answered. */
void dispatch_trace_ask(struct slot *slot, const struct dispatch_ask *ask);
void dispatch_trace_sent(const struct slot *slot);
void dispatch_trace_lost(const struct slot *slot, const char *why);
void dispatch_trace_answered(const struct slot *slot, const struct envelope *envelope, size_t size);

/* ---- dispatch_status.c --------------------------------------------------------------------- */

/* dispatch_on_status: answer gateway_status. */
void dispatch_on_status(struct dispatch *dispatch, struct channel_peer peer,
                        struct envelope envelope);

/* dispatch_on_refresh: answer gateway_refresh. False: it makes no sense here. */
bool dispatch_on_refresh(struct dispatch *dispatch, struct channel_peer peer,
                         struct envelope envelope, struct str body);

#endif
