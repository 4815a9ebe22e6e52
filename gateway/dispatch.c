/* dispatch: the actor between the pages and the pools.
 *
 * I own: the router, the pools' records, a bounded queue per service and lane, the slots.
 * I receive: asks from pages; ready, heartbeat, drain, bye, answers from pools; gateway_status,
 * gateway_refresh. I send: requests against credit, who and drain_ok to pools; answers to pages. I
 * am stopped by the gateway, once nothing waits. */
#include "gateway/dispatch_own.h"
#include "gateway/endpoint.h"
#include "proto/base/clock.h"
#include "proto/base/die.h"
#include "proto/base/log.h"

#include <poll.h>
#include <stdlib.h>

enum {
    TICK_MS = 50,        /* deadlines and dead pools are looked at this often */
    RECEIVE_BURST = 256, /* messages, and the rest of a frame, before the loop serves HTTP again */
};

/* ---- frames -------------------------------------------------------------------------------- */

static void feed_all(struct dispatch *dispatch)
{
    for (int service = 1; service < SERVICE_COUNT; service++)
        dispatch_feed(dispatch, (enum service)service);
}

static void count_bad(struct dispatch *dispatch, const char *error, size_t size)
{
    dispatch->bad_messages++;
    log_warn("frame_bad", L_TEXT("error", error), L_INT("size", (int64_t)size));
}

static void on_message(struct dispatch *dispatch, struct channel_peer from,
                       const struct envelope *envelope, struct str body)
{
    const struct message_type *type = message_type_find(envelope->type);
    struct pool *pool = pools_by_peer(&dispatch->pools, from);
    if (pool)
        pool->heard_us = clock_us();
    if (type && dispatch_control(dispatch, from, pool, type, body))
        return;
    bool is_answer = type && (type->kind == MESSAGE_REPLY || type->number == MESSAGE_error);
    if (type && type->number == MESSAGE_gateway_status) {
        feed_all(dispatch); /* what is told is true behind all that came before it */
        dispatch_on_status(dispatch, from, *envelope);
    } else if (type && type->number == MESSAGE_gateway_refresh &&
               dispatch_on_refresh(dispatch, from, *envelope, body)) {
        /* answered */
    } else if (is_answer && pool) {
        dispatch_on_answer(dispatch, pool, envelope, type, body);
    } else if (is_answer) {
        /* Of a pool given up for dead: it may have come back. */
        dispatch_ask_who(dispatch, from);
    } else {
        count_bad(dispatch, "not a message for a gateway", body.size);
    }
}

/* Returns how many messages it was. */
static int on_frame(struct dispatch *dispatch, const struct channel_frame *frame)
{
    struct envelope envelope;
    struct str rest = frame->bytes, body;
    enum envelope_error error = envelope_check(rest);
    if (error) {
        count_bad(dispatch, envelope_error_text(error), rest.size);
        return 1;
    }
    int count = 0;
    for (; envelope_next(&rest, &envelope, &body); count++)
        on_message(dispatch, frame->from, &envelope, body);
    return count;
}

/* ---- loop ---------------------------------------------------------------------------------- */

/* Returns how many messages there were; there may be more if it is RECEIVE_BURST at least. */
static int receive_some(struct dispatch *dispatch)
{
    struct channel_frame frame;
    int count = 0;
    while (count < RECEIVE_BURST && channel_receive(dispatch->router, &frame)) {
        count += on_frame(dispatch, &frame);
        channel_frame_free(&frame);
    }
    return count;
}

/* The last thing in a turn of the loop in which something was asked, so that what was asked
 * together is sent together, and reads that are alike have all joined. */
static void on_readable(evutil_socket_t fd, short what, void *argument)
{
    (void)fd;
    (void)what;
    struct dispatch *dispatch = argument;
    dispatch->looking = false;
    dispatch_answer_refused(dispatch);
    feed_all(dispatch);
    int received = receive_some(dispatch);
    feed_all(dispatch);
    if (received >= RECEIVE_BURST || channel_unlooked(dispatch->router))
        dispatch_look(dispatch);
}

static void on_tick(evutil_socket_t fd, short what, void *argument)
{
    (void)fd;
    (void)what;
    struct dispatch *dispatch = argument;
    int64_t now = clock_us();
    /* A message that waits while its descriptor is quiet means that a send swallowed the edge, and
     * nobody looked. (One that came since the poll is not meant: it had no such send before it.) */
    struct pollfd quiet = {.fd = channel_fd(dispatch->router), .events = POLLIN};
    bool unlooked = channel_unlooked(dispatch->router) && !dispatch->looking;
    if (poll(&quiet, 1, 0) == 0 && receive_some(dispatch) > 0 && unlooked)
        dispatch->missed_edges++;
    dispatch_tick_pools(dispatch, now, now - dispatch->ticked_us);
    dispatch_tick_queues(dispatch, now);
    if (channel_unlooked(dispatch->router))
        dispatch_look(dispatch);
    dispatch->ticked_us = now;
}

/* ---- start and stop ------------------------------------------------------------------------ */

static void release(struct dispatch *dispatch)
{
    if (dispatch->tick)
        event_free(dispatch->tick);
    if (dispatch->readable)
        event_free(dispatch->readable);
    while (dispatch->pools.first)
        pools_remove(&dispatch->pools, dispatch->pools.first);
    slots_free(dispatch->slots);
    channel_free(dispatch->router);
    channel_context_free(dispatch->context);
    endpoint_release(dispatch->lock_fd, dispatch->endpoint);
    free(dispatch->endpoint);
    buf_free(&dispatch->outgoing);
    buf_free(&dispatch->packed);
    free(dispatch);
}

/* ipc first: it asks for no keys, and what is bound after tcp would. */
static bool bind_endpoints(struct dispatch *dispatch, struct arena *arena, const char **out_error)
{
    const struct dispatch_settings *settings = &dispatch->settings;
    const char *error = NULL;
    dispatch->lock_fd = endpoint_lock(settings->endpoint, &error);
    if (dispatch->lock_fd < 0 || !channel_bind(dispatch->router, settings->endpoint, &error)) {
        *out_error = arena_printf(arena, "%s: %s", settings->endpoint, error);
        return false;
    }
    return !settings->tcp || channel_bind_tcp(dispatch->router, settings->tcp, arena, out_error);
}

struct dispatch *dispatch_new(struct event_base *base, const struct dispatch_settings *settings,
                              struct arena *arena, const char **out_error)
{
    struct dispatch *dispatch = calloc(1, sizeof *dispatch);
    if (!dispatch || !(dispatch->endpoint = strdup(settings->endpoint)))
        die("out of memory");
    dispatch->settings = *settings;
    dispatch->slots = slots_new(settings->slots);
    dispatch->context = channel_context_new();
    dispatch->router = channel_router_new(dispatch->context);
    dispatch->ticked_us = clock_us();
    for (int service = 0; service < SERVICE_COUNT; service++) {
        dispatch->services[service].last_pool_us = clock_us();
        for (int lane = 0; lane < LANE_COUNT; lane++)
            dispatch->services[service].lanes[lane].retry_budget =
                (int64_t)settings->queue_limit * RETRY_COST;
    }
    if (!bind_endpoints(dispatch, arena, out_error)) {
        release(dispatch);
        return NULL;
    }
    dispatch->readable =
        event_new(base, channel_fd(dispatch->router), EV_READ | EV_PERSIST, on_readable, dispatch);
    dispatch->tick = event_new(base, -1, EV_PERSIST, on_tick, dispatch);
    if (!dispatch->readable || !dispatch->tick)
        die("out of memory");
    event_add(dispatch->readable, NULL);
    event_add(dispatch->tick, &(struct timeval){.tv_usec = TICK_MS * 1000});
    dispatch_look(dispatch);
    return dispatch;
}

size_t dispatch_pools(const struct dispatch *dispatch, enum service service)
{
    return pools_count(&dispatch->pools, service);
}

size_t dispatch_waiting(const struct dispatch *dispatch)
{
    return dispatch->asks;
}

void dispatch_free(struct dispatch *dispatch)
{
    if (!dispatch)
        return;
    must(dispatch_waiting(dispatch) == 0);
    release(dispatch);
}
