/* dispatch_ask: a request's way from a page to a pool and back.
 *
 *   dispatch_ask → a slot: queued → sent → answered
 *                            │       └──→ queued again (its pool died, or left before it started)
 *                            └──────────→ refused: told from the loop (busy, expired, unavailable)
 *
 * A slot is one request on the wire; its asks are all who get the answer. */
#include "gateway/dispatch_own.h"
#include "proto/base/clock.h"
#include "proto/base/die.h"
#include "proto/base/log.h"

#include <stdlib.h>

enum {
    SEND_MARGIN_US = 1000,     /* with less time left a request is not sent any more */
    SHARE_PATIENCE_US = 50000, /* a read does not wait longer for the same read before it */
    PATIENCE = 10,             /* so much of its time, a tenth, may pass in the queue here */
};

void dispatch_reply_free(struct dispatch_reply *reply)
{
    if (!reply || --reply->owners > 0)
        return;
    arena_free(&reply->arena);
    free(reply);
}

/* ---- telling those who asked --------------------------------------------------------------- */

/* From the loop, so that dispatch_ask never calls back. The ask is in no list. */
static void refuse(struct dispatch *dispatch, struct dispatch_ask *ask, enum status status)
{
    ask->attempt = ask->slot ? ask->slot->attempt : 0;
    ask->slot = NULL;
    ask->refusal = status;
    ask_list_append(&dispatch->refused, ask);
    dispatch_look(dispatch);
}

static void tell_refused(struct dispatch *dispatch, struct dispatch_ask *ask)
{
    struct queue *queue = dispatch_queue(dispatch, ask->type);
    int64_t waited = clock_us() - ask->asked_us;
    if (ask->refusal == STATUS_EXPIRED)
        queue->expired++;
    else if (ask->attempt == 0)
        queue->busy++;
    else
        queue->lost++;
    ask_list_remove(&dispatch->refused, ask);
    dispatch->asks--;
    ask->on_answer(ask->owner, &(struct dispatch_answer){.status = ask->refusal,
                                                         .attempt = ask->attempt,
                                                         .wait_us = waited,
                                                         .total_us = waited});
}

void dispatch_answer_refused(struct dispatch *dispatch)
{
    /* Only those that are there now: an answered page may be refused again. */
    for (size_t left = dispatch->refused.count; left > 0; left--)
        tell_refused(dispatch, dispatch->refused.first);
}

/* ---- slots --------------------------------------------------------------------------------- */

static bool may_wait(const struct dispatch *dispatch, enum service service)
{
    return pools_count(&dispatch->pools, service) > 0 ||
           clock_us() - dispatch->services[service].last_pool_us <
               dispatch->settings.rejoin_ms * 1000;
}

/* Would it still be in time? What waits longest shows how long the wait is: a tenth of the time
 * left at most, so that most of it remains for the pool, and a crowd is forgotten soon after it
 * left. Without a pool it shows nothing: those who wait for one to come back are few and may stay.
 */
static bool wait_too_long(const struct dispatch *dispatch, const struct message_type *type,
                          int64_t now, int64_t deadline_us)
{
    const struct slot *first = dispatch->services[type->service].lanes[type->lane].waiting.first;
    return first && pools_count(&dispatch->pools, type->service) > 0 &&
           now - first->queued_us > (deadline_us - now) / PATIENCE;
}

bool dispatch_refuses(struct dispatch *dispatch, unsigned message, int64_t deadline_us)
{
    const struct message_type *type = message_type_find(message);
    struct queue *queue = dispatch_queue(dispatch, type);
    if (queue->waiting.count < dispatch->settings.queue_limit &&
        !wait_too_long(dispatch, type, clock_us(), deadline_us))
        return false;
    queue->asked++;
    queue->busy++;
    return true;
}

static void add_ask(struct slot *slot, struct ask_list *list, struct dispatch_ask *ask)
{
    ask->slot = slot;
    ask_list_append(list, ask);
    if (list == &slot->asks && ask->deadline_us > slot->deadline_us)
        slot->deadline_us = ask->deadline_us;
    if (ask->trace && list == &slot->asks)
        dispatch_trace_ask(slot, ask);
}

/* A slot for the body in dispatch->packed, with nobody who asks yet. */
static struct slot *slot_new(struct dispatch *dispatch, const struct message_type *type,
                             struct str body, struct id request_id, int64_t now)
{
    struct slot *slot = slots_take(dispatch->slots);
    must(slot); /* the gateway takes no more requests than there are slots for */
    slot->type = type;
    slot->queued_us = now;
    envelope_begin(&(struct envelope){.type = type->number, .request_id = request_id},
                   &slot->frame);
    buf_add_str(&slot->frame, body);
    envelope_end(&slot->frame, 0);
    return slot;
}

/* Takes it out of its list and away; nobody waits for it any more. */
static void slot_end(struct dispatch *dispatch, struct slot *slot)
{
    struct queue *queue = dispatch_queue(dispatch, slot->type);
    must(slot->asks.count == 0 && slot->later.count == 0);
    shares_remove(&dispatch->shares, slot);
    slot_list_remove(slot->state == SLOT_SENT ? &queue->sent : &queue->waiting, slot);
    slots_give(dispatch->slots, slot);
}

static void enqueue(struct dispatch *dispatch, struct slot *slot, bool first)
{
    struct slot_list *waiting = &dispatch_queue(dispatch, slot->type)->waiting;
    slot->state = SLOT_QUEUED;
    slot->pool = NULL;
    if (first)
        slot_list_prepend(waiting, slot);
    else
        slot_list_append(waiting, slot);
}

/* The reads that came while this one was under way: a slot of their own now, since what they are
 * answered with must be read after they were asked. */
static void ask_later_ones(struct dispatch *dispatch, struct slot *slot)
{
    if (slot->later.count == 0)
        return;
    shares_remove(&dispatch->shares, slot);
    struct slot *next = slot_new(dispatch, slot->type, envelope_body(&slot->frame),
                                 slot->later.first->request_id, clock_us());
    while (slot->later.first) {
        struct dispatch_ask *ask = slot->later.first;
        ask_list_remove(&slot->later, ask);
        add_ask(next, &next->asks, ask);
    }
    shares_add(&dispatch->shares, next, slot->same_hash);
    enqueue(dispatch, next, false);
}

static void refuse_slot(struct dispatch *dispatch, struct slot *slot, enum status status)
{
    ask_later_ones(dispatch, slot);
    while (slot->asks.first) {
        struct dispatch_ask *ask = slot->asks.first;
        ask_list_remove(&slot->asks, ask);
        refuse(dispatch, ask, status);
    }
    slot_end(dispatch, slot);
}

/* ---- requests to pools --------------------------------------------------------------------- */

/* On the wire a slot's number tells its lane too: a late answer finds no slot any more, and must
 * give its credit back where it was taken. */
static uint32_t wire_slot(const struct slot *slot)
{
    return slot->index * LANE_COUNT + slot->type->lane;
}

/* False: the pool is gone or its pipe is full. */
static bool send_bundle(struct dispatch *dispatch, struct pool *pool)
{
    if (!bundle_send(&pool->bundle, dispatch->router, &pool->peer))
        return false;
    pool->bundles++;
    return true;
}

/* False: the pool is gone or its pipe is full; the slot is as it was, still queued. */
static bool send_request(struct dispatch *dispatch, struct slot *slot, struct pool *pool,
                         int64_t now)
{
    if (!bundle_has_room(&pool->bundle, slot->frame.size) && !send_bundle(dispatch, pool))
        return false;
    struct queue *queue = dispatch_queue(dispatch, slot->type);
    int64_t left_us = slot->deadline_us - now;
    struct envelope stamp = {
        .attempt = (uint8_t)(slot->attempt + 1),
        .slot = wire_slot(slot),
        .generation = slot->generation,
        .ttl_ms = left_us > 0 ? (uint32_t)(left_us / 1000) : 0, /* below 0 would be 49 days */
    };
    envelope_stamp(&slot->frame, &stamp);
    bundle_add(&pool->bundle, buf_str(&slot->frame));
    if (left_us <= 0)
        dispatch->late_starts++;
    slot_list_remove(&queue->waiting, slot);
    pool->lanes[slot->type->lane].in_flight++;
    slot->attempt++;
    slot->pool = pool;
    slot->bundle = pool->bundles;
    slot->sent_us = now;
    slot->state = SLOT_SENT;
    slot_list_append(&queue->sent, slot);
    if (slot->traced)
        dispatch_trace_sent(slot);
    return true;
}

/* The next who asks would be refused. */
static bool is_pressed(const struct dispatch *dispatch, const struct slot_list *waiting,
                       int64_t now)
{
    const struct slot *first = waiting->first;
    return waiting->count >= dispatch->settings.queue_limit ||
           now - first->queued_us > (first->deadline_us - first->queued_us) / PATIENCE;
}

static const char does_not_take[] = "its connection does not take messages";

static void feed_lane(struct dispatch *dispatch, enum service service, enum lane lane)
{
    struct slot_list *waiting = &dispatch->services[service].lanes[lane].waiting;
    int64_t now = waiting->first ? clock_us() : 0;
    while (waiting->first) {
        struct pool *pool =
            pools_pick(&dispatch->pools, service, lane, is_pressed(dispatch, waiting, now));
        if (!pool)
            break;
        if (waiting->first->deadline_us - now < SEND_MARGIN_US)
            refuse_slot(dispatch, waiting->first, STATUS_EXPIRED);
        else if (send_request(dispatch, waiting->first, pool, now))
            continue;
        else
            dispatch_lose(dispatch, pool, does_not_take);
        now = clock_us(); /* both may have queued others */
    }
}

/* To lose one feeds the others again, and may lose them: hence from the start. */
static void send_bundles(struct dispatch *dispatch)
{
    for (struct pool *pool = dispatch->pools.first; pool;) {
        if (send_bundle(dispatch, pool)) {
            pool = pool->next;
        } else {
            dispatch_lose(dispatch, pool, does_not_take);
            pool = dispatch->pools.first;
        }
    }
}

void dispatch_feed(struct dispatch *dispatch, enum service service)
{
    for (int lane = 0; lane < LANE_COUNT; lane++)
        feed_lane(dispatch, service, (enum lane)lane);
    send_bundles(dispatch);
}

/* True if the same read is there to share an answer with. */
static bool share(struct dispatch *dispatch, struct dispatch_ask *ask, struct str body,
                  uint64_t *out_hash)
{
    struct slot *slot = shares_find(&dispatch->shares, ask->type, body, out_hash);
    if (!slot)
        return false;
#ifdef VOTE_SEEDED_BUG_JOIN_RUNNING_READ
    add_ask(slot, &slot->asks, ask);
    return true;
#endif
    if (slot->state == SLOT_QUEUED)
        add_ask(slot, &slot->asks, ask);
    else
        add_ask(slot, &slot->later, ask);
    return true;
}

void dispatch_ask(struct dispatch *dispatch, struct dispatch_ask *ask)
{
    ask->type = message_type_find(ask->message);
    must(ask->type && ask->type->kind == MESSAGE_REQUEST && ask->type->service != SERVICE_GATEWAY);
    struct queue *queue = dispatch_queue(dispatch, ask->type);
    ask->asked_us = clock_us();
    ask->slot = NULL;
    dispatch->asks++;
    queue->asked++;
    if (queue->retry_budget < (int64_t)dispatch->settings.queue_limit * RETRY_COST)
        queue->retry_budget++;
    if (!may_wait(dispatch, ask->type->service)) {
        refuse(dispatch, ask, STATUS_UNAVAILABLE);
        return;
    }
    buf_reset(&dispatch->packed);
    message_pack(ask->type->record(), ask->body, &dispatch->packed);
    uint64_t hash = 0;
    bool may_share = dispatch->settings.share_reads && shares_allowed(ask->type);
    if (may_share && share(dispatch, ask, buf_str(&dispatch->packed), &hash))
        return;
    if (queue->waiting.count >= dispatch->settings.queue_limit)
        dispatch_feed(dispatch, ask->type->service);
    if (queue->waiting.count >= dispatch->settings.queue_limit ||
        wait_too_long(dispatch, ask->type, ask->asked_us, ask->deadline_us)) {
        refuse(dispatch, ask, STATUS_BUSY);
        return;
    }
    struct slot *slot =
        slot_new(dispatch, ask->type, buf_str(&dispatch->packed), ask->request_id, ask->asked_us);
    add_ask(slot, &slot->asks, ask);
    if (may_share)
        shares_add(&dispatch->shares, slot, hash);
    enqueue(dispatch, slot, false);
    dispatch_look(dispatch);
}

/* ---- again --------------------------------------------------------------------------------- */

static void to_front(struct dispatch *dispatch, struct slot *slot)
{
    slot_list_remove(&dispatch_queue(dispatch, slot->type)->sent, slot);
    slot->queued_us = clock_us(); /* its time in a pool says nothing of the wait here */
    enqueue(dispatch, slot, true);
}

void dispatch_again(struct dispatch *dispatch, struct slot *slot, const char *why)
{
    struct queue *queue = dispatch_queue(dispatch, slot->type);
    if (slot->traced)
        dispatch_trace_lost(slot, why);
    if (slot->attempt >= DISPATCH_ATTEMPTS || queue->retry_budget < RETRY_COST) {
        refuse_slot(dispatch, slot, STATUS_UNAVAILABLE);
        return;
    }
    log_debug("request_again", L_ID("request", slot->asks.first->request_id),
              L_TEXT("message", slot->type->name), L_TEXT("why", why));
    queue->retry_budget -= RETRY_COST;
    queue->retried++;
    to_front(dispatch, slot);
}

void dispatch_take_back(struct dispatch *dispatch, struct slot *slot)
{
    slot->attempt--; /* never started: as if it had not been sent */
    if (slot->traced)
        dispatch_trace_lost(slot, "given back");
    to_front(dispatch, slot);
}

/* ---- answers of pools ---------------------------------------------------------------------- */

static void measure(struct queue *queue, const struct slot *slot, const struct envelope *envelope)
{
    histogram_add(&queue->wait, HISTOGRAM_TIME, slot->sent_us - slot->queued_us);
    histogram_add(&queue->pool_queue, HISTOGRAM_TIME, envelope->queue_us);
    histogram_add(&queue->pool_service, HISTOGRAM_TIME, envelope->service_us);
    histogram_add(&queue->batch, HISTOGRAM_SIZE, envelope->batch);
    histogram_add(&queue->shared, HISTOGRAM_SIZE, (int64_t)slot->asks.count);
}

/* The answer as pages see it; one that makes no sense is our bug and theirs to see as such. */
static struct dispatch_answer read_answer(struct dispatch *dispatch, const struct slot *slot,
                                          const struct envelope *envelope,
                                          const struct message_type *type, struct str body)
{
    struct dispatch_answer result = {
        .status = (enum status)envelope->status,
        .attempt = slot->attempt,
        .batch = envelope->batch,
        .pool_queue_us = envelope->queue_us,
        .pool_service_us = envelope->service_us,
        .memory = zeroed(sizeof(struct dispatch_reply)),
    };
    result.memory->owners = 1;
    const char *why = "an answer of another type or status";
    void *message = NULL;
    if (status_is_known(envelope->status) &&
        type == (envelope->status == STATUS_OK ? message_reply_type(slot->type)
                                               : message_type_find(MESSAGE_error)))
        message = message_unpack(type->record(), body, &result.memory->arena, &why);
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
    return result;
}

/* To everybody who asked. The slot is free again before, since a page that goes on may ask. */
static void answer_slot(struct dispatch *dispatch, struct slot *slot,
                        struct dispatch_answer *result, int64_t now)
{
    struct queue *queue = dispatch_queue(dispatch, slot->type);
    struct ask_list asks = slot->asks;
    int64_t sent_us = slot->sent_us;
    slot->asks = (struct ask_list){.first = NULL};
    ask_later_ones(dispatch, slot);
    slot_end(dispatch, slot);
    while (asks.first) {
        struct dispatch_ask *ask = asks.first;
        ask_list_remove(&asks, ask);
        result->total_us = now - ask->asked_us;
        result->wait_us = sent_us > ask->asked_us ? sent_us - ask->asked_us : 0;
        histogram_add(&queue->total, HISTOGRAM_TIME, result->total_us);
        result->memory->owners++;
        queue->answered++;
        dispatch->asks--;
        ask->on_answer(ask->owner, result);
    }
    dispatch_reply_free(result->memory);
}

static void give_back(struct pool *pool, enum lane lane, const struct envelope *envelope)
{
    int64_t *in_flight = &pool->lanes[lane].in_flight;
    *in_flight -= envelope->credit < *in_flight ? envelope->credit : *in_flight;
}

/* Is it the answer to what was sent last? One to an earlier attempt may be older than those who
 * joined before the next. */
static bool answers(const struct slot *slot, const struct pool *pool, enum lane lane,
                    const struct envelope *envelope)
{
    return slot->state == SLOT_SENT && slot->pool == pool && slot->type->lane == lane &&
           slot->attempt == envelope->attempt;
}

void dispatch_on_answer(struct dispatch *dispatch, struct pool *pool,
                        const struct envelope *envelope, const struct message_type *type,
                        struct str body)
{
    enum lane lane = (enum lane)(envelope->slot % LANE_COUNT);
    struct slot *slot =
        slots_find(dispatch->slots, envelope->slot / LANE_COUNT, envelope->generation);
    pool->served++;
    give_back(pool, lane, envelope);
    if (!slot || !answers(slot, pool, lane, envelope)) {
        dispatch->services[pool->service].lanes[lane].late++; /* nobody waits for it any more */
    } else if (envelope->status == STATUS_REJECTED && pool->draining) {
        dispatch_take_back(dispatch, slot);
    } else if (envelope->status == STATUS_REJECTED) {
        dispatch_again(dispatch, slot, "refused"); /* it may do so for ever */
    } else {
        if (slot->traced)
            dispatch_trace_answered(slot, envelope, body.size + ENVELOPE_SIZE);
        struct dispatch_answer result = read_answer(dispatch, slot, envelope, type, body);
        pool_answered(pool, lane, pool->heard_us - slot->sent_us);
        measure(dispatch_queue(dispatch, slot->type), slot, envelope);
        answer_slot(dispatch, slot, &result, pool->heard_us);
    }
}

/* ---- time ---------------------------------------------------------------------------------- */

static void expire_asks(struct dispatch *dispatch, struct ask_list *asks, int64_t now)
{
    for (struct dispatch_ask *ask = asks->first, *next; ask; ask = next) {
        next = ask->next;
        if (ask->deadline_us > now)
            continue;
        ask_list_remove(asks, ask);
        refuse(dispatch, ask, STATUS_EXPIRED);
    }
}

static void expire(struct dispatch *dispatch, struct slot_list *list, int64_t now)
{
    for (struct slot *slot = list->first, *next; slot; slot = next) {
        next = slot->next;
        expire_asks(dispatch, &slot->asks, now);
        expire_asks(dispatch, &slot->later, now);
        if (slot->asks.count == 0 || now - slot->sent_us > SHARE_PATIENCE_US)
            ask_later_ones(dispatch, slot);
        if (slot->asks.count == 0)
            slot_end(dispatch, slot);
    }
}

void dispatch_tick_queues(struct dispatch *dispatch, int64_t now)
{
    for (int service = 1; service < SERVICE_COUNT; service++) {
        for (int lane = 0; lane < LANE_COUNT; lane++) {
            struct queue *queue = &dispatch->services[service].lanes[lane];
            expire(dispatch, &queue->sent, now);
            expire(dispatch, &queue->waiting, now);
            while (queue->waiting.first && !may_wait(dispatch, (enum service)service))
                refuse_slot(dispatch, queue->waiting.first, STATUS_UNAVAILABLE);
        }
        dispatch_feed(dispatch, (enum service)service);
    }
}
