/* dispatch: the actor between the pages and the pools.
 *
 * I own: the router, the pools' records, a bounded queue per service, the slots.
 * I receive: asks from pages; ready, heartbeat, drain, bye, answers from pools; gateway_status.
 * I send: requests against credit, who and drain_ok to pools; answers to pages.
 * I am stopped by the gateway, once nothing waits. */
#include "gateway/dispatch.h"

#include "gateway/endpoint.h"
#include "gateway/pools.h"
#include "gateway/slots.h"
#include "proto/base/clock.h"
#include "proto/base/die.h"
#include "proto/base/log.h"
#include "proto/envelope.h"

#include "gateway/event.h"
#include <poll.h>
#include <stdlib.h>

enum {
    TICK_MS = 50,        /* deadlines and dead pools are looked at this often */
    RECEIVE_BURST = 256, /* frames before the loop serves HTTP again */
    ATTEMPTS = 2,        /* a request that killed two pools does not get a third */
};

struct service_queue {
    struct slot_list waiting; /* SLOT_QUEUED */
    int64_t last_pool_us;     /* when a pool of it was last there */
    int64_t asked, answered, busy, expired, lost, retried, late;
};

struct dispatch {
    struct dispatch_settings settings;
    int lock_fd; /* of the endpoint */
    struct channel_context *context;
    struct channel *router;
    struct event *readable, *tick;
    struct slots *slots;
    struct pools pools;
    struct service_queue services[SERVICE_COUNT];
    struct slot_list sent, refused;
    int64_t bad_messages, missed_edges;
    struct buf outgoing; /* control messages */
};

/* ---- answers to pages
 * ---------------------------------------------------------------------------- */

static struct slot_list *list_of(struct dispatch *dispatch, const struct slot *slot)
{
    switch (slot->state) {
    case SLOT_QUEUED:
        return &dispatch->services[slot->type->service].waiting;
    case SLOT_SENT:
        return &dispatch->sent;
    default:
        must(slot->state == SLOT_REFUSED);
        return &dispatch->refused;
    }
}

/* The slot is free again before the page goes on: the page may ask at once. */
static void answer(struct dispatch *dispatch, struct slot *slot, struct dispatch_answer *result)
{
    struct slot done = *slot;
    result->attempt = slot->attempt;
    result->total_us = clock_us() - slot->asked_us;
    result->wait_us = (slot->sent_us ? slot->sent_us : clock_us()) - slot->asked_us;
    slot_list_remove(list_of(dispatch, slot), slot);
    slots_give(dispatch->slots, slot);
    done.on_answer(done.owner, result);
}

static void answer_status(struct dispatch *dispatch, struct slot *slot, enum status status)
{
    struct service_queue *queue = &dispatch->services[slot->type->service];
    if (status == STATUS_EXPIRED)
        queue->expired++;
    else if (status == STATUS_BUSY || slot->attempt == 0)
        queue->busy++;
    else
        queue->lost++;
    answer(dispatch, slot, &(struct dispatch_answer){.status = status});
}

/* Refused ones are told from the loop, so that dispatch_ask never calls back. */
static void refuse_later(struct dispatch *dispatch, struct slot *slot, enum status status)
{
    slot->state = SLOT_REFUSED;
    slot->refusal = status;
    slot_list_append(&dispatch->refused, slot);
    event_active(dispatch->readable, EV_READ, 0);
}

static void answer_refused(struct dispatch *dispatch)
{
    /* Only those that are there now: an answered page may be refused again. */
    for (size_t left = dispatch->refused.count; left > 0; left--)
        answer_status(dispatch, dispatch->refused.first, dispatch->refused.first->refusal);
}

/* ---- requests to pools
 * --------------------------------------------------------------------------- */

static void pool_lost(struct dispatch *dispatch, struct pool *pool, const char *why);

/* False: the pool is gone or its pipe is full; the slot is as it was, and in no list. */
static bool send_request(struct dispatch *dispatch, struct slot *slot, struct pool *pool)
{
    int64_t now = clock_us();
    envelope_stamp(&slot->frame, &(struct envelope){
                                     .attempt = (uint8_t)(slot->attempt + 1),
                                     .slot = slot->index,
                                     .generation = slot->generation,
                                     .ttl_ms = (uint32_t)((slot->deadline_us - now) / 1000),
                                 });
    if (channel_send(dispatch->router, &pool->peer, buf_str(&slot->frame)) != CHANNEL_SENT)
        return false;
    pool->in_flight++;
    slot->attempt++;
    slot->pool = pool;
    slot->sent_us = now;
    slot->state = SLOT_SENT;
    slot_list_append(&dispatch->sent, slot);
    return true;
}

static bool may_wait(const struct dispatch *dispatch, enum service service)
{
    return pools_count(&dispatch->pools, service) > 0 ||
           clock_us() - dispatch->services[service].last_pool_us <
               dispatch->settings.rejoin_ms * 1000;
}

/* Send what waits while there is credit. */
static void feed(struct dispatch *dispatch, enum service service)
{
    struct service_queue *queue = &dispatch->services[service];
    bool sent = false;
    while (queue->waiting.first) {
        struct pool *pool = pools_pick(&dispatch->pools, service);
        if (!pool)
            break;
        struct slot *slot = queue->waiting.first;
        slot_list_remove(&queue->waiting, slot);
        if (slot->deadline_us - clock_us() < 1000) {
            refuse_later(dispatch, slot, STATUS_EXPIRED);
        } else if (send_request(dispatch, slot, pool)) {
            sent = true;
        } else {
            slot_list_prepend(&queue->waiting, slot);
            pool_lost(dispatch, pool, "its connection does not take messages");
        }
    }
    /* A send can swallow the readable edge of ZMQ_FD: look again. */
    if (sent)
        event_active(dispatch->readable, EV_READ, 0);
}

static void enqueue(struct dispatch *dispatch, struct slot *slot, bool first)
{
    struct service_queue *queue = &dispatch->services[slot->type->service];
    slot->state = SLOT_QUEUED;
    slot->pool = NULL;
    if (first)
        slot_list_prepend(&queue->waiting, slot);
    else
        slot_list_append(&queue->waiting, slot);
}

void dispatch_ask(struct dispatch *dispatch, const struct dispatch_request *request)
{
    const struct message_type *type = message_type_find(request->message);
    must(type && type->kind == MESSAGE_REQUEST && type->service != SERVICE_GATEWAY);
    struct service_queue *queue = &dispatch->services[type->service];
    struct slot *slot = slots_take(dispatch->slots);
    must(slot); /* the gateway takes no more requests than there are slots for */
    queue->asked++;
    slot->type = type;
    slot->asked_us = clock_us();
    slot->deadline_us = request->deadline_us;
    slot->arena = request->arena;
    slot->owner = request->owner;
    slot->on_answer = request->on_answer;
    struct envelope envelope = {.type = type->number, .request_id = request->request_id};
    envelope_begin(&envelope, &slot->frame);
    message_pack(type->record(), request->body, &slot->frame);
    envelope_end(&slot->frame, 0);
    if (!may_wait(dispatch, type->service)) {
        refuse_later(dispatch, slot, STATUS_UNAVAILABLE);
    } else if (queue->waiting.count >= dispatch->settings.queue_limit) {
        refuse_later(dispatch, slot, STATUS_BUSY);
    } else {
        enqueue(dispatch, slot, false);
        feed(dispatch, type->service);
    }
}

/* ---- pools come and go
 * ---------------------------------------------------------------------------- */

static void send_control(struct dispatch *dispatch, struct channel_peer peer, unsigned number)
{
    buf_reset(&dispatch->outgoing);
    envelope_begin(&(struct envelope){.type = (uint16_t)number}, &dispatch->outgoing);
    buf_add_str(&dispatch->outgoing, STR("{}"));
    envelope_end(&dispatch->outgoing, 0);
    /* A peer that is gone by now needs no answer. */
    (void)channel_send(dispatch->router, &peer, buf_str(&dispatch->outgoing));
    event_active(dispatch->readable, EV_READ, 0);
}

/* Again to another pool, unless two have died on it. */
static void redispatch(struct dispatch *dispatch, struct slot *slot)
{
    slot_list_remove(&dispatch->sent, slot);
    if (slot->attempt >= ATTEMPTS) {
        refuse_later(dispatch, slot, STATUS_UNAVAILABLE);
        return;
    }
    dispatch->services[slot->type->service].retried++;
    enqueue(dispatch, slot, true);
}

static void pool_lost(struct dispatch *dispatch, struct pool *pool, const char *why)
{
    enum service service = pool->service;
    log_warn("pool_lost", L_TEXT("service", service_name(service)), L_ID("pool", pool->id),
             L_INT("pid", pool->pid), L_INT("in_flight", pool->in_flight), L_TEXT("why", why));
    for (struct slot *slot = dispatch->sent.last, *previous; slot; slot = previous) {
        previous = slot->previous;
        if (slot->pool == pool)
            redispatch(dispatch, slot);
    }
    dispatch->services[service].last_pool_us = clock_us();
    pools_remove(&dispatch->pools, pool);
    feed(dispatch, service);
}

static void on_ready(struct dispatch *dispatch, struct channel_peer peer, struct pool *known,
                     const void *body)
{
    const struct ready *ready = body;
    struct pool *earlier = known ? known : pools_by_id(&dispatch->pools, ready->pool_id);
    if (earlier)
        pool_lost(dispatch, earlier, "said ready again");
    struct pool *pool = pools_add(&dispatch->pools, peer, ready, clock_us());
    if (!pool) {
        dispatch->bad_messages++;
        log_warn("pool_refused", L_STR("service", ready->service), L_ID("pool", ready->pool_id));
        return;
    }
    log_info("pool_ready", L_TEXT("service", service_name(pool->service)), L_ID("pool", pool->id),
             L_TEXT("host", pool->host), L_INT("pid", pool->pid), L_INT("threads", pool->threads),
             L_INT("capacity", pool->capacity));
    feed(dispatch, pool->service);
}

static void on_heartbeat(struct dispatch *dispatch, struct channel_peer peer, struct pool *known,
                         const void *body)
{
    (void)body;
    if (!known)
        send_control(dispatch, peer, MESSAGE_who);
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
    send_control(dispatch, peer, MESSAGE_drain_ok);
}

static void on_bye(struct dispatch *dispatch, struct channel_peer peer, struct pool *known,
                   const void *body)
{
    (void)peer;
    (void)body;
    if (known)
        pool_lost(dispatch, known, "said bye");
}

/* ---- answers from pools
 * ---------------------------------------------------------------------------- */

static void on_answer(struct dispatch *dispatch, struct pool *pool, const struct envelope *envelope,
                      const struct message_type *type, struct str body)
{
    struct slot *slot = slots_find(dispatch->slots, envelope->slot, envelope->generation);
    pool->served++;
    pool->in_flight -= envelope->credit < pool->in_flight ? envelope->credit : pool->in_flight;
    if (!slot || slot->state != SLOT_SENT || slot->pool != pool) {
        dispatch->services[pool->service].late++;
        feed(dispatch, pool->service);
        return;
    }
    if (envelope->status == STATUS_REJECTED && slot->deadline_us > clock_us()) {
        /* Never started: as if it had not been sent. */
        slot->attempt--;
        redispatch(dispatch, slot);
        feed(dispatch, pool->service);
        return;
    }
    struct dispatch_answer result = {
        .status = (enum status)envelope->status,
        .batch = envelope->batch,
        .pool_queue_us = envelope->queue_us,
        .pool_service_us = envelope->service_us,
    };
    const char *why = "an answer of another type or status";
    void *message = NULL;
    bool good = status_is_known(envelope->status) &&
                type == (envelope->status == STATUS_OK ? message_reply_type(slot->type)
                                                       : message_type_find(MESSAGE_error));
    if (good)
        message = message_unpack(type->record(), body, slot->arena, &why);
    if (!message) {
        dispatch->bad_messages++;
        log_error("answer_bad", L_TEXT("to", slot->type->name), L_TEXT("why", why),
                  L_ID("request", envelope->request_id));
        result.status = STATUS_BAD_MESSAGE;
    } else if (result.status == STATUS_OK) {
        result.reply = message;
    } else {
        result.error = message;
    }
    dispatch->services[slot->type->service].answered++;
    enum service service = pool->service;
    answer(dispatch, slot, &result);
    feed(dispatch, service);
}

/* ---- gateway_status
 * ---------------------------------------------------------------------------------- */

static void fill_services(struct dispatch *dispatch, struct service_status *rows)
{
    for (int i = 1; i < SERVICE_COUNT; i++) {
        const struct service_queue *queue = &dispatch->services[i];
        rows[i - 1] = (struct service_status){
            .service = str_from(service_name((enum service)i)),
            .waiting = queue->asked - queue->answered - queue->busy - queue->expired - queue->lost,
            .asked = queue->asked,
            .answered = queue->answered,
            .busy = queue->busy,
            .expired = queue->expired,
            .lost = queue->lost,
            .retried = queue->retried,
            .late = queue->late,
        };
    }
}

static struct pool_status *fill_pools(struct dispatch *dispatch, struct arena *arena,
                                      size_t *out_count)
{
    size_t count = 0;
    for (struct pool *pool = dispatch->pools.first; pool; pool = pool->next)
        count++;
    struct pool_status *rows = arena_array(arena, count, sizeof *rows);
    int64_t now = clock_us();
    size_t i = 0;
    for (struct pool *pool = dispatch->pools.first; pool; pool = pool->next)
        rows[i++] = (struct pool_status){
            .pool_id = pool->id,
            .service = str_from(service_name(pool->service)),
            .host = str_from(pool->host),
            .pid = pool->pid,
            .threads = pool->threads,
            .capacity = pool->capacity,
            .in_flight = pool->in_flight,
            .served = pool->served,
            .silent_ms = (now - pool->heard_us) / 1000,
            .draining = pool->draining,
        };
    *out_count = count;
    return rows;
}

static void on_gateway_status(struct dispatch *dispatch, struct channel_peer peer,
                              struct envelope envelope)
{
    struct arena arena = {0};
    struct service_status services[SERVICE_COUNT - 1];
    struct gateway_status_reply status = {
        .bad_messages = dispatch->bad_messages + channel_malformed(dispatch->router),
        .missed_edges = dispatch->missed_edges,
        .services = services,
        .services_count = SERVICE_COUNT - 1,
    };
    fill_services(dispatch, services);
    status.pools = fill_pools(dispatch, &arena, &status.pools_count);
    dispatch->settings.fill_status(dispatch->settings.owner, &status);
    envelope.type = MESSAGE_gateway_status_reply;
    envelope.credit = 1;
    buf_reset(&dispatch->outgoing);
    envelope_begin(&envelope, &dispatch->outgoing);
    message_pack(record_gateway_status_reply(), &status, &dispatch->outgoing);
    envelope_end(&dispatch->outgoing, 0);
    (void)channel_send(dispatch->router, &peer, buf_str(&dispatch->outgoing));
    event_active(dispatch->readable, EV_READ, 0);
    arena_free(&arena);
}

/* ---- frames
 * ------------------------------------------------------------------------------------------ */

static const struct control_row {
    unsigned number;
    void (*handle)(struct dispatch *, struct channel_peer, struct pool *known, const void *body);
} controls[] = {
    {MESSAGE_ready, on_ready},
    {MESSAGE_heartbeat, on_heartbeat},
    {MESSAGE_drain, on_drain},
    {MESSAGE_bye, on_bye},
};

static const struct control_row *control_find(unsigned number)
{
    for (size_t i = 0; i < sizeof controls / sizeof *controls; i++)
        if (controls[i].number == number)
            return &controls[i];
    return NULL;
}

static void on_control(struct dispatch *dispatch, struct channel_peer peer, struct pool *pool,
                       const struct control_row *row, struct str body)
{
    struct arena arena = {0};
    const char *error = NULL;
    void *message = message_unpack(message_type_find(row->number)->record(), body, &arena, &error);
    if (message) {
        row->handle(dispatch, peer, pool, message);
    } else {
        dispatch->bad_messages++;
        log_warn("message_bad", L_TEXT("message", message_type_find(row->number)->name),
                 L_TEXT("error", error));
    }
    arena_free(&arena);
}

static void on_frame(struct dispatch *dispatch, const struct channel_frame *frame)
{
    struct envelope envelope;
    struct str body;
    enum envelope_error error = envelope_read(frame->bytes, &envelope, &body);
    const struct message_type *type =
        error == ENVELOPE_OK ? message_type_find(envelope.type) : NULL;
    struct pool *pool = pools_by_peer(&dispatch->pools, frame->from);
    if (pool)
        pool->heard_us = clock_us();
    const struct control_row *row = type ? control_find(type->number) : NULL;
    if (row) {
        on_control(dispatch, frame->from, pool, row, body);
    } else if (type && type->number == MESSAGE_gateway_status) {
        on_gateway_status(dispatch, frame->from, envelope);
    } else if (pool && type && (type->kind == MESSAGE_REPLY || type->number == MESSAGE_error)) {
        on_answer(dispatch, pool, &envelope, type, body);
    } else if (!pool && type) {
        /* An answer of a pool given up for dead: it may have come back. */
        send_control(dispatch, frame->from, MESSAGE_who);
    } else {
        dispatch->bad_messages++;
        log_warn("frame_bad",
                 L_TEXT("error", error == ENVELOPE_OK ? "not a message for a gateway"
                                                      : envelope_error_text(error)),
                 L_INT("size", (int64_t)frame->bytes.size));
    }
}

/* ---- loop
 * --------------------------------------------------------------------------------------------- */

/* Returns how many frames there were, at most RECEIVE_BURST. */
static int receive_some(struct dispatch *dispatch)
{
    struct channel_frame frame;
    int count = 0;
    for (; count < RECEIVE_BURST && channel_receive(dispatch->router, &frame); count++) {
        on_frame(dispatch, &frame);
        channel_frame_free(&frame);
    }
    return count;
}

static void on_readable(evutil_socket_t fd, short what, void *argument)
{
    (void)fd;
    (void)what;
    struct dispatch *dispatch = argument;
    answer_refused(dispatch);
    if (receive_some(dispatch) == RECEIVE_BURST)
        event_active(dispatch->readable, EV_READ, 0);
}

static void expire(struct dispatch *dispatch, struct slot_list *list, int64_t now)
{
    for (struct slot *slot = list->first, *next; slot; slot = next) {
        next = slot->next;
        if (slot->deadline_us > now)
            continue;
        /* Told from the loop: a page that goes on could change this list. */
        slot_list_remove(list, slot);
        refuse_later(dispatch, slot, STATUS_EXPIRED);
    }
}

static void refuse_orphans(struct dispatch *dispatch)
{
    for (int i = 1; i < SERVICE_COUNT; i++) {
        struct slot_list *waiting = &dispatch->services[i].waiting;
        if (may_wait(dispatch, (enum service)i))
            continue;
        while (waiting->first) {
            struct slot *slot = waiting->first;
            slot_list_remove(waiting, slot);
            refuse_later(dispatch, slot, STATUS_UNAVAILABLE);
        }
    }
}

static void bury_dead_pools(struct dispatch *dispatch, int64_t now)
{
    for (struct pool *pool = dispatch->pools.first, *next; pool; pool = next) {
        next = pool->next;
        if (now - pool->heard_us > dispatch->settings.dead_ms * 1000)
            pool_lost(dispatch, pool, "silent");
    }
}

static void on_tick(evutil_socket_t fd, short what, void *argument)
{
    (void)fd;
    (void)what;
    struct dispatch *dispatch = argument;
    int64_t now = clock_us();
    /* A message that waits while its descriptor is quiet means an edge was missed somewhere. */
    struct pollfd quiet = {.fd = channel_fd(dispatch->router), .events = POLLIN};
    if (poll(&quiet, 1, 0) == 0 && receive_some(dispatch) > 0)
        dispatch->missed_edges++;
    bury_dead_pools(dispatch, now);
    for (int i = 1; i < SERVICE_COUNT; i++)
        expire(dispatch, &dispatch->services[i].waiting, now);
    expire(dispatch, &dispatch->sent, now);
    refuse_orphans(dispatch);
}

/* ---- start and stop
 * ------------------------------------------------------------------------------------ */

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
    endpoint_unlock(dispatch->lock_fd);
    buf_free(&dispatch->outgoing);
    free(dispatch);
}

struct dispatch *dispatch_new(struct event_base *base, const struct dispatch_settings *settings,
                              struct arena *arena, const char **out_error)
{
    struct dispatch *dispatch = calloc(1, sizeof *dispatch);
    if (!dispatch)
        die("out of memory");
    dispatch->settings = *settings;
    dispatch->slots = slots_new(settings->slots);
    dispatch->context = channel_context_new();
    dispatch->router = channel_router_new(dispatch->context);
    for (int i = 0; i < SERVICE_COUNT; i++)
        dispatch->services[i].last_pool_us = clock_us();
    const char *error = NULL;
    dispatch->lock_fd = endpoint_lock(settings->endpoint, &error);
    if (dispatch->lock_fd < 0 || !channel_bind(dispatch->router, settings->endpoint, &error)) {
        *out_error = arena_printf(arena, "%s: %s", settings->endpoint, error);
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
    event_active(dispatch->readable, EV_READ, 0);
    return dispatch;
}

size_t dispatch_pools(const struct dispatch *dispatch, enum service service)
{
    return pools_count(&dispatch->pools, service);
}

size_t dispatch_waiting(const struct dispatch *dispatch)
{
    return slots_in_use(dispatch->slots);
}

void dispatch_free(struct dispatch *dispatch)
{
    if (!dispatch)
        return;
    must(dispatch_waiting(dispatch) == 0);
    release(dispatch);
}
