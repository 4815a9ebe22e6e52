/* dispatch_pools: pools come and go.
 *
 * A pool says ready and is there; beats; drains and says bye; or dies: its connection is gone, or
 * it is silent for dead_ms. One whose oldest job is older than that is stuck: it gets nothing new
 * while another pool can do the work, and what it holds for so long is asked of another. */
#include "gateway/dispatch_own.h"
#include "proto/base/clock.h"
#include "proto/base/log.h"

enum {
    PROBE_SILENT_MS = 750, /* silent for so long: is its connection still there? */
    ASLEEP_MS = 200,       /* between two ticks: this process did not run */
};

/* False: the peer is gone. */
static bool send_control(struct dispatch *dispatch, struct channel_peer peer, unsigned number)
{
    buf_reset(&dispatch->outgoing);
    envelope_begin(&(struct envelope){.type = (uint16_t)number}, &dispatch->outgoing);
    buf_add_str(&dispatch->outgoing, STR("{}"));
    envelope_end(&dispatch->outgoing, 0);
    enum channel_result result =
        channel_send(dispatch->router, &peer, buf_str(&dispatch->outgoing));
    dispatch_look(dispatch);
    return result != CHANNEL_GONE;
}

void dispatch_ask_who(struct dispatch *dispatch, struct channel_peer peer)
{
    (void)send_control(dispatch, peer, MESSAGE_who);
}

/* What this pool has had for longer than `older_us`, asked of others; the youngest first, since
 * each goes to the front. What is in a bundle that did not go out has not been tried. */
static void redispatch(struct dispatch *dispatch, struct pool *pool, enum lane lane,
                       int64_t older_us, const char *why)
{
    int64_t now = clock_us();
    struct slot_list *sent = &dispatch->services[pool->service].lanes[lane].sent;
    for (struct slot *slot = sent->last, *previous; slot; slot = previous) {
        previous = slot->previous;
        if (slot->pool != pool || now - slot->sent_us < older_us)
            continue;
        if (slot->bundle == pool->bundles)
            dispatch_take_back(dispatch, slot);
        else
            dispatch_again(dispatch, slot, why);
    }
}

void dispatch_lose(struct dispatch *dispatch, struct pool *pool, const char *why)
{
    enum service service = pool->service;
    int64_t in_flight = pool->lanes[LANE_READ].in_flight + pool->lanes[LANE_WRITE].in_flight;
    log_event(in_flight || !pool->draining ? LOG_WARN : LOG_INFO, "pool_lost",
              (const struct log_field[]){L_TEXT("service", service_name(service)),
                                         L_ID("pool", pool->id),
                                         L_INT("pid", pool->pid),
                                         L_INT("in_flight", in_flight),
                                         L_TEXT("why", why),
                                         {.key = NULL}});
    for (int lane = 0; lane < LANE_COUNT; lane++)
        redispatch(dispatch, pool, (enum lane)lane, 0, why);
    dispatch->services[service].last_pool_us = clock_us();
    pools_remove(&dispatch->pools, pool);
    dispatch_feed(dispatch, service);
}

/* ---- control messages ---------------------------------------------------------------------- */

/* Two connections with one id: a pool that connected anew, unless the earlier connection still
 * takes messages: then somebody copies, and the one that was there first is believed. */
static bool is_impostor(struct dispatch *dispatch, struct pool *earlier)
{
    if (send_control(dispatch, earlier->peer, MESSAGE_who))
        return true;
    dispatch_lose(dispatch, earlier, "connected anew");
    return false;
}

static void on_ready(struct dispatch *dispatch, struct channel_peer peer, struct pool *known,
                     const void *body)
{
    const struct ready *ready = body;
    if (known && id_equal(known->id, ready->pool_id)) {
        pool_renew(known, ready);
        return;
    }
    if (known)
        dispatch_lose(dispatch, known, "became another");
    struct pool *earlier = pools_by_id(&dispatch->pools, ready->pool_id);
    struct pool *pool = NULL;
    if (!earlier || !is_impostor(dispatch, earlier))
        pool = pools_add(&dispatch->pools, peer, ready, clock_us());
    if (!pool) {
        dispatch->pools_refused++;
        log_warn("pool_refused", L_STR("service", ready->service), L_ID("pool", ready->pool_id),
                 L_STR("host", ready->host), L_INT("pid", ready->pid));
        return;
    }
    log_info("pool_ready", L_TEXT("service", service_name(pool->service)), L_ID("pool", pool->id),
             L_TEXT("host", pool->host), L_INT("pid", pool->pid), L_INT("threads", pool->threads),
             L_INT("capacity", pool->capacity));
    dispatch_feed(dispatch, pool->service);
}

static void set_stuck(struct dispatch *dispatch, struct pool *pool, enum lane lane,
                      int64_t oldest_ms)
{
    bool stuck = oldest_ms > dispatch->settings.dead_ms;
    if (stuck != pool->lanes[lane].stuck)
        log_warn(stuck ? "pool_stuck" : "pool_recovered",
                 L_TEXT("service", service_name(pool->service)), L_ID("pool", pool->id),
                 L_INT("oldest_ms", oldest_ms));
    pool->lanes[lane].stuck = stuck;
    if (stuck && pools_other(&dispatch->pools, pool, lane))
        redispatch(dispatch, pool, lane, dispatch->settings.dead_ms * 1000, "stuck");
}

static void on_heartbeat(struct dispatch *dispatch, struct channel_peer peer, struct pool *known,
                         const void *body)
{
    const struct heartbeat *heartbeat = body;
    if (!known) {
        dispatch_ask_who(dispatch, peer);
        return;
    }
    set_stuck(dispatch, known, LANE_READ, heartbeat->oldest_read_ms);
    set_stuck(dispatch, known, LANE_WRITE, heartbeat->oldest_write_ms);
    dispatch_feed(dispatch, known->service);
}

static void on_drain(struct dispatch *dispatch, struct channel_peer peer, struct pool *known,
                     const void *body)
{
    (void)body;
    if (known) {
        known->draining = true;
        dispatch->services[known->service].last_pool_us = clock_us();
        log_info("pool_draining", L_TEXT("service", service_name(known->service)),
                 L_ID("pool", known->id));
    }
    (void)send_control(dispatch, peer, MESSAGE_drain_ok);
}

static void on_bye(struct dispatch *dispatch, struct channel_peer peer, struct pool *known,
                   const void *body)
{
    (void)peer;
    (void)body;
    if (known)
        dispatch_lose(dispatch, known, "said bye");
}

static const struct control_row {
    unsigned number;
    void (*handle)(struct dispatch *, struct channel_peer, struct pool *known, const void *body);
} controls[] = {
    {MESSAGE_ready, on_ready},
    {MESSAGE_heartbeat, on_heartbeat},
    {MESSAGE_drain, on_drain},
    {MESSAGE_bye, on_bye},
};

bool dispatch_control(struct dispatch *dispatch, struct channel_peer peer, struct pool *known,
                      const struct message_type *type, struct str body)
{
    for (size_t i = 0; i < sizeof controls / sizeof *controls; i++) {
        if (controls[i].number != type->number)
            continue;
        struct arena arena = {0};
        const char *error = NULL;
        void *message = message_unpack(type->record(), body, &arena, &error);
        if (message) {
            controls[i].handle(dispatch, peer, known, message);
        } else {
            dispatch->bad_messages++;
            log_warn("message_bad", L_TEXT("message", type->name), L_TEXT("error", error));
        }
        arena_free(&arena);
        return true;
    }
    return false;
}

/* ---- time ---------------------------------------------------------------------------------- */

/* No pool is to blame for messages that came while nobody here could read them. */
static void forgive(struct dispatch *dispatch, int64_t now, int64_t elapsed_us)
{
    for (struct pool *pool = dispatch->pools.first; pool; pool = pool->next)
        pool->heard_us = pool->heard_us + elapsed_us < now ? pool->heard_us + elapsed_us : now;
}

/* Why a pool is to be given up, or NULL. A silent one is asked at its own pace: what it does not
 * read gathers in its pipe. */
static const char *why_lost(struct dispatch *dispatch, struct pool *pool, int64_t now)
{
    int64_t silent_ms = (now - pool->heard_us) / 1000;
    if (silent_ms > dispatch->settings.dead_ms)
        return "silent";
    if (silent_ms <= PROBE_SILENT_MS || now - pool->probed_us < pool->heartbeat_us)
        return NULL;
    pool->probed_us = now;
    return send_control(dispatch, pool->peer, MESSAGE_who) ? NULL : "its connection is gone";
}

void dispatch_tick_pools(struct dispatch *dispatch, int64_t now, int64_t elapsed_us)
{
    if (elapsed_us > ASLEEP_MS * 1000)
        forgive(dispatch, now, elapsed_us);
    /* All are known before the first goes: its requests are not handed to the next dead one. To
     * lose one may lose others, hence from the start again. */
    for (struct pool *pool = dispatch->pools.first; pool; pool = pool->next)
        pool->lost = why_lost(dispatch, pool, now);
    for (struct pool *pool = dispatch->pools.first; pool;) {
        if (pool->lost) {
            dispatch_lose(dispatch, pool, pool->lost);
            pool = dispatch->pools.first;
        } else {
            pool = pool->next;
        }
    }
}
