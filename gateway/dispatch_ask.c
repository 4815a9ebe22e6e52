/* dispatch_ask: a request's way from a page to a pool and back.
 *
 *   dispatch_ask → queued → sent → answered
 *                    │        ├──→ queued again (its pool died, or left before it started)
 *                    └────────┴──→ refused → told from the loop (busy, expired, unavailable) */
#include "gateway/dispatch_own.h"
#include "proto/base/clock.h"
#include "proto/base/die.h"
#include "proto/base/log.h"

enum { SEND_MARGIN_US = 1000 }; /* with less time left a request is not sent any more */

/* ---- answers to pages ---------------------------------------------------------------------- */

/* The slot is free again before the page goes on: the page may ask at once. */
static void answer(struct dispatch *dispatch, struct slot *slot, struct slot_list *list,
                   struct dispatch_answer *result)
{
    struct slot done = *slot;
    int64_t now = clock_us();
    result->attempt = slot->attempt;
    result->total_us = now - slot->asked_us;
    result->wait_us = (slot->sent_us ? slot->sent_us : now) - slot->asked_us;
    slot_list_remove(list, slot);
    slots_give(dispatch->slots, slot);
    done.on_answer(done.owner, result);
}

/* Refused ones are told from the loop, so that dispatch_ask never calls back. */
static void refuse_later(struct dispatch *dispatch, struct slot *slot, enum status status)
{
    slot->state = SLOT_REFUSED;
    slot->refusal = status;
    slot_list_append(&dispatch->refused, slot);
    dispatch_queue(dispatch, slot->type)->refused_later++;
    dispatch_look(dispatch);
}

static void answer_refusal(struct dispatch *dispatch, struct slot *slot)
{
    struct queue *queue = dispatch_queue(dispatch, slot->type);
    queue->refused_later--;
    if (slot->refusal == STATUS_EXPIRED)
        queue->expired++;
    else if (slot->attempt == 0)
        queue->busy++;
    else
        queue->lost++;
    answer(dispatch, slot, &dispatch->refused, &(struct dispatch_answer){.status = slot->refusal});
}

void dispatch_answer_refused(struct dispatch *dispatch)
{
    /* Only those that are there now: an answered page may be refused again. */
    for (size_t left = dispatch->refused.count; left > 0; left--)
        answer_refusal(dispatch, dispatch->refused.first);
}

/* ---- requests to pools --------------------------------------------------------------------- */

/* False: the pool is gone or its pipe is full; the slot is as it was, and in no list. */
static bool send_request(struct dispatch *dispatch, struct slot *slot, struct pool *pool)
{
    int64_t now = clock_us();
    struct envelope stamp = {
        .attempt = (uint8_t)(slot->attempt + 1),
        .slot = slot->index,
        .generation = slot->generation,
        .ttl_ms = (uint32_t)((slot->deadline_us - now) / 1000),
    };
    envelope_stamp(&slot->frame, &stamp);
    if (channel_send(dispatch->router, &pool->peer, buf_str(&slot->frame)) != CHANNEL_SENT)
        return false;
    if (now >= slot->deadline_us)
        dispatch->late_starts++;
    pool->lanes[slot->type->lane].in_flight++;
    slot->attempt++;
    slot->pool = pool;
    slot->sent_us = now;
    slot->state = SLOT_SENT;
    slot_list_append(&dispatch_queue(dispatch, slot->type)->sent, slot);
    return true;
}

static void feed_lane(struct dispatch *dispatch, enum service service, enum lane lane)
{
    struct slot_list *waiting = &dispatch->services[service].lanes[lane].waiting;
    bool sent = false;
    while (waiting->first) {
        struct pool *pool = pools_pick(&dispatch->pools, service, lane);
        if (!pool)
            break;
        struct slot *slot = waiting->first;
        slot_list_remove(waiting, slot);
        if (slot->deadline_us - clock_us() < SEND_MARGIN_US) {
            refuse_later(dispatch, slot, STATUS_EXPIRED);
        } else if (send_request(dispatch, slot, pool)) {
            sent = true;
        } else {
            slot_list_prepend(waiting, slot);
            dispatch_lose(dispatch, pool, "its connection does not take messages");
        }
    }
    if (sent)
        dispatch_look(dispatch);
}

void dispatch_feed(struct dispatch *dispatch, enum service service)
{
    for (int lane = 0; lane < LANE_COUNT; lane++)
        feed_lane(dispatch, service, (enum lane)lane);
}

static bool may_wait(const struct dispatch *dispatch, enum service service)
{
    return pools_count(&dispatch->pools, service) > 0 ||
           clock_us() - dispatch->services[service].last_pool_us <
               dispatch->settings.rejoin_ms * 1000;
}

/* Would it still be in time? At the rate of late, half of the time left must be enough for what is
 * before it: what waits longer ends as work done for nobody. */
static bool wait_too_long(const struct queue *queue, int64_t left_us)
{
    double before = (double)(queue->waiting.count + queue->sent.count);
    return queue->waiting.count > 0 && queue->rate > 0 &&
           before / queue->rate * 1e6 > (double)left_us / 2;
}

static void enqueue(struct dispatch *dispatch, struct slot *slot)
{
    slot->state = SLOT_QUEUED;
    slot->pool = NULL;
    slot_list_append(&dispatch_queue(dispatch, slot->type)->waiting, slot);
}

void dispatch_ask(struct dispatch *dispatch, const struct dispatch_request *request)
{
    const struct message_type *type = message_type_find(request->message);
    must(type && type->kind == MESSAGE_REQUEST && type->service != SERVICE_GATEWAY);
    struct queue *queue = dispatch_queue(dispatch, type);
    struct slot *slot = slots_take(dispatch->slots);
    must(slot); /* the gateway takes no more requests than there are slots for */
    queue->asked++;
    if (queue->retry_budget < (int64_t)dispatch->settings.queue_limit * RETRY_COST)
        queue->retry_budget++;
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
    } else if (queue->waiting.count >= dispatch->settings.queue_limit ||
               wait_too_long(queue, slot->deadline_us - slot->asked_us)) {
        refuse_later(dispatch, slot, STATUS_BUSY);
    } else {
        enqueue(dispatch, slot);
        feed_lane(dispatch, type->service, type->lane);
    }
}

/* ---- again --------------------------------------------------------------------------------- */

void dispatch_again(struct dispatch *dispatch, struct slot *slot)
{
    struct queue *queue = dispatch_queue(dispatch, slot->type);
    slot_list_remove(&queue->sent, slot);
    if (slot->attempt >= DISPATCH_ATTEMPTS || queue->retry_budget < RETRY_COST) {
        refuse_later(dispatch, slot, STATUS_UNAVAILABLE);
        return;
    }
    queue->retry_budget -= RETRY_COST;
    queue->retried++;
    slot->state = SLOT_QUEUED;
    slot->pool = NULL;
    slot_list_prepend(&queue->waiting, slot);
}

void dispatch_take_back(struct dispatch *dispatch, struct slot *slot)
{
    struct queue *queue = dispatch_queue(dispatch, slot->type);
    slot_list_remove(&queue->sent, slot);
    slot->attempt--; /* never started: as if it had not been sent */
    slot->state = SLOT_QUEUED;
    slot->pool = NULL;
    slot_list_prepend(&queue->waiting, slot);
}

/* ---- answers of pools ---------------------------------------------------------------------- */

static void measure(struct queue *queue, const struct slot *slot, const struct envelope *envelope)
{
    histogram_add(&queue->wait, HISTOGRAM_TIME, slot->sent_us - slot->asked_us);
    histogram_add(&queue->pool_queue, HISTOGRAM_TIME, envelope->queue_us);
    histogram_add(&queue->pool_service, HISTOGRAM_TIME, envelope->service_us);
    histogram_add(&queue->total, HISTOGRAM_TIME, clock_us() - slot->asked_us);
    histogram_add(&queue->batch, HISTOGRAM_SIZE, envelope->batch);
}

/* The answer as pages see it; one that makes no sense is our bug and theirs to see as such. */
static struct dispatch_answer read_answer(struct dispatch *dispatch, const struct slot *slot,
                                          const struct envelope *envelope,
                                          const struct message_type *type, struct str body)
{
    struct dispatch_answer result = {
        .status = (enum status)envelope->status,
        .batch = envelope->batch,
        .pool_queue_us = envelope->queue_us,
        .pool_service_us = envelope->service_us,
    };
    const char *why = "an answer of another type or status";
    void *message = NULL;
    if (status_is_known(envelope->status) &&
        type == (envelope->status == STATUS_OK ? message_reply_type(slot->type)
                                               : message_type_find(MESSAGE_error)))
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
    return result;
}

/* Nobody waits for it any more; which lane gave the credit only its type can say. */
static void late_answer(struct dispatch *dispatch, struct pool *pool,
                        const struct envelope *envelope, const struct message_type *type)
{
    const struct message_type *request =
        type->kind == MESSAGE_REPLY ? message_type_find(type->number - 1U) : NULL;
    struct pool_lane *lane = &pool->lanes[request ? request->lane : LANE_READ];
    if (!request && lane->in_flight == 0)
        lane = &pool->lanes[LANE_WRITE];
    lane->in_flight -= envelope->credit < lane->in_flight ? envelope->credit : lane->in_flight;
    dispatch->services[pool->service].lanes[lane - pool->lanes].late++;
}

void dispatch_on_answer(struct dispatch *dispatch, struct pool *pool,
                        const struct envelope *envelope, const struct message_type *type,
                        struct str body)
{
    struct slot *slot = slots_find(dispatch->slots, envelope->slot, envelope->generation);
    enum service service = pool->service;
    pool->served++;
    if (!slot || slot->state != SLOT_SENT || slot->pool != pool) {
        late_answer(dispatch, pool, envelope, type);
        dispatch_feed(dispatch, service);
        return;
    }
    struct queue *queue = dispatch_queue(dispatch, slot->type);
    int64_t *in_flight = &pool->lanes[slot->type->lane].in_flight;
    *in_flight -= envelope->credit < *in_flight ? envelope->credit : *in_flight;
    if (envelope->status == STATUS_REJECTED) {
        dispatch_take_back(dispatch, slot);
    } else {
        struct dispatch_answer result = read_answer(dispatch, slot, envelope, type, body);
        pool_answered(pool, slot->type->lane, clock_us() - slot->sent_us);
        measure(queue, slot, envelope);
        queue->answered++;
        answer(dispatch, slot, &queue->sent, &result);
    }
    dispatch_feed(dispatch, service);
}

/* ---- time ---------------------------------------------------------------------------------- */

static void expire(struct dispatch *dispatch, struct slot_list *list, int64_t now)
{
    for (struct slot *slot = list->first, *next; slot; slot = next) {
        next = slot->next;
        if (slot->deadline_us > now)
            continue;
        slot_list_remove(list, slot);
        refuse_later(dispatch, slot, STATUS_EXPIRED);
    }
}

static void refuse_waiting(struct dispatch *dispatch, struct slot_list *waiting)
{
    while (waiting->first) {
        struct slot *slot = waiting->first;
        slot_list_remove(waiting, slot);
        refuse_later(dispatch, slot, STATUS_UNAVAILABLE);
    }
}

static void take_rate(struct queue *queue, int64_t elapsed_us)
{
    double now = (double)(queue->answered - queue->rate_of) * 1e6 / (double)elapsed_us;
    queue->rate_of = queue->answered;
    queue->rate = queue->rate > 0 ? queue->rate * 0.9 + now * 0.1 : now;
}

void dispatch_tick_queues(struct dispatch *dispatch, int64_t now, int64_t elapsed_us)
{
    for (int service = 1; service < SERVICE_COUNT; service++)
        for (int lane = 0; lane < LANE_COUNT; lane++) {
            struct queue *queue = &dispatch->services[service].lanes[lane];
            expire(dispatch, &queue->waiting, now);
            expire(dispatch, &queue->sent, now);
            take_rate(queue, elapsed_us);
            if (!may_wait(dispatch, (enum service)service))
                refuse_waiting(dispatch, &queue->waiting);
        }
}
