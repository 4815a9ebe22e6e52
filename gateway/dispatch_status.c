#include "gateway/dispatch_own.h"
#include "proto/base/clock.h"

static const char *const lane_names[] = {[LANE_READ] = "read", [LANE_WRITE] = "write"};

static int64_t count_asks(const struct slot_list *slots, bool now)
{
    size_t count = 0;
    for (const struct slot *slot = slots->first; slot; slot = slot->next)
        count += now ? slot->asks.count : slot->later.count;
    return (int64_t)count;
}

static int64_t count_refused(const struct dispatch *dispatch, enum service service, int lane)
{
    int64_t count = 0;
    for (const struct dispatch_ask *ask = dispatch->refused.first; ask; ask = ask->next)
        count += ask->type->service == service && (int)ask->type->lane == lane;
    return count;
}

static void fill_queues(struct dispatch *dispatch, struct gateway_status_reply *status,
                        struct arena *arena)
{
    size_t count = 0;
    status->queues = arena_array(arena, SERVICE_COUNT * LANE_COUNT, sizeof *status->queues);
    for (int service = 1; service < SERVICE_COUNT; service++)
        for (int lane = 0; lane < LANE_COUNT; lane++) {
            const struct queue *queue = &dispatch->services[service].lanes[lane];
            status->queues[count++] = (struct queue_status){
                .service = str_from(service_name((enum service)service)),
                .lane = str_from(lane_names[lane]),
                .queued = count_asks(&queue->waiting, true) + count_asks(&queue->sent, false) +
                          count_refused(dispatch, (enum service)service, lane),
                .in_flight = count_asks(&queue->sent, true),
                .asked = queue->asked,
                .answered = queue->answered,
                .busy = queue->busy,
                .expired = queue->expired,
                .lost = queue->lost,
                .retried = queue->retried,
                .late = queue->late,
            };
        }
    status->queues_count = count;
}

static void fill_buckets(const struct histogram *histogram, struct hop_status *hop,
                         struct arena *arena)
{
    if (histogram_total(histogram) == 0)
        return;
    hop->buckets_count = HISTOGRAM_BUCKETS + 1;
    hop->buckets = arena_array(arena, hop->buckets_count, sizeof *hop->buckets);
    for (size_t i = 0; i < hop->buckets_count; i++)
        hop->buckets[i] =
            (struct hop_bucket){histogram_limit(HISTOGRAM_TIME, i), histogram->counts[i]};
}

static void fill_hops(struct dispatch *dispatch, struct gateway_status_reply *status,
                      struct arena *arena)
{
    static const struct {
        const char *name;
        size_t offset;
    } rows[] = {
        {"wait", offsetof(struct queue, wait)},
        {"queue", offsetof(struct queue, pool_queue)},
        {"service", offsetof(struct queue, pool_service)},
        {"total", offsetof(struct queue, total)},
    };
    enum { ROWS = sizeof rows / sizeof *rows };
    status->hops = arena_array(arena, SERVICE_COUNT * LANE_COUNT * ROWS, sizeof *status->hops);
    for (int service = 1; service < SERVICE_COUNT; service++)
        for (int lane = 0; lane < LANE_COUNT; lane++)
            for (size_t i = 0; i < ROWS; i++) {
                const char *queue = (const char *)&dispatch->services[service].lanes[lane];
                struct hop_status *hop = &status->hops[status->hops_count++];
                hop->service = str_from(service_name((enum service)service));
                hop->lane = str_from(lane_names[lane]);
                hop->hop = str_from(rows[i].name);
                fill_buckets((const struct histogram *)(queue + rows[i].offset), hop, arena);
            }
}

static void fill_pools(struct dispatch *dispatch, struct gateway_status_reply *status,
                       struct arena *arena)
{
    size_t count = 0;
    for (struct pool *pool = dispatch->pools.first; pool; pool = pool->next)
        count++;
    status->pools = arena_array(arena, count, sizeof *status->pools);
    int64_t now = clock_us();
    for (struct pool *pool = dispatch->pools.first; pool; pool = pool->next)
        status->pools[status->pools_count++] = (struct pool_status){
            .pool_id = pool->id,
            .service = str_from(service_name(pool->service)),
            .host = str_from(pool->host),
            .pid = pool->pid,
            .threads = pool->threads,
            .capacity = pool->capacity,
            .reads_in_flight = pool->lanes[LANE_READ].in_flight,
            .writes_in_flight = pool->lanes[LANE_WRITE].in_flight,
            .served = pool->served,
            .silent_ms = (now - pool->heard_us) / 1000,
            .draining = pool->draining,
            .stuck = pool->lanes[LANE_READ].stuck || pool->lanes[LANE_WRITE].stuck,
        };
}

struct gateway_status_reply dispatch_status(struct dispatch *dispatch, struct arena *arena)
{
    struct gateway_status_reply status = {
        .bad_messages = dispatch->bad_messages + channel_malformed(dispatch->router),
        .missed_edges = dispatch->missed_edges,
        .late_starts = dispatch->late_starts,
        .pools_refused = dispatch->pools_refused,
        .tcp_refused = channel_refused(dispatch->router),
    };
    fill_queues(dispatch, &status, arena);
    fill_hops(dispatch, &status, arena);
    fill_pools(dispatch, &status, arena);
    dispatch->settings.fill_status(dispatch->settings.owner, &status);
    return status;
}

static void answer(struct dispatch *dispatch, struct channel_peer peer, struct envelope *envelope,
                   const struct record *record, const void *reply)
{
    envelope->credit = 1;
    buf_reset(&dispatch->outgoing);
    envelope_begin(envelope, &dispatch->outgoing);
    message_pack(record, reply, &dispatch->outgoing);
    envelope_end(&dispatch->outgoing, 0);
    (void)channel_send(dispatch->router, &peer, buf_str(&dispatch->outgoing));
    dispatch_look(dispatch);
}

void dispatch_on_status(struct dispatch *dispatch, struct channel_peer peer,
                        struct envelope envelope)
{
    struct arena arena = {0};
    struct gateway_status_reply status = dispatch_status(dispatch, &arena);
    envelope.type = MESSAGE_gateway_status_reply;
    answer(dispatch, peer, &envelope, record_gateway_status_reply(), &status);
    arena_free(&arena);
}

bool dispatch_on_refresh(struct dispatch *dispatch, struct channel_peer peer,
                         struct envelope envelope, struct str body)
{
    struct arena arena = {0};
    const char *error;
    const struct gateway_refresh *refresh =
        dispatch->settings.refresh ? message_unpack(record_gateway_refresh(), body, &arena, &error)
                                   : NULL;
    struct gateway_refresh_reply reply = {0};
    if (refresh) {
        dispatch->settings.refresh(dispatch->settings.owner, refresh, &reply);
        envelope.type = MESSAGE_gateway_refresh_reply;
        answer(dispatch, peer, &envelope, record_gateway_refresh_reply(), &reply);
    }
    arena_free(&arena);
    return refresh;
}

/* ---- metrics ------------------------------------------------------------------------------- */

static void add_type(struct buf *out, const char *name, const char *type, const char *help)
{
    buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void add_queue_counters(const struct gateway_status_reply *status, struct buf *out)
{
    static const struct {
        const char *name, *type, *help;
        size_t offset;
    } rows[] = {
#define ROW(field, name, type, help) {name, type, help, offsetof(struct queue_status, field)}
        ROW(queued, "vote_queue_depth", "gauge", "Requests waiting for credit in this gateway."),
        ROW(in_flight, "vote_in_flight", "gauge", "Requests sent to a pool and not answered."),
        ROW(asked, "vote_asked_total", "counter", "Requests made of pools."),
        ROW(answered, "vote_answered_total", "counter", "Answers of any status from pools."),
        ROW(busy, "vote_busy_total", "counter", "Requests refused at once."),
        ROW(expired, "vote_expired_total", "counter", "Requests whose deadline passed."),
        ROW(lost, "vote_lost_total", "counter", "Requests given up because pools died."),
        ROW(retried, "vote_retried_total", "counter", "Requests sent again to another pool."),
        ROW(late, "vote_late_total", "counter", "Answers nobody waited for any more."),
#undef ROW
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        add_type(out, rows[i].name, rows[i].type, rows[i].help);
        for (size_t j = 0; j < status->queues_count; j++) {
            const struct queue_status *queue = &status->queues[j];
            int64_t value;
            memcpy(&value, (const char *)queue + rows[i].offset, sizeof value);
            buf_printf(out, "%s{service=\"%.*s\",lane=\"%.*s\"} %lld\n", rows[i].name,
                       STR_ARG(queue->service), STR_ARG(queue->lane), (long long)value);
        }
    }
}

static void add_histograms(struct dispatch *dispatch, struct buf *out)
{
    static const struct {
        const char *name, *help;
        enum histogram_kind kind;
        size_t offset;
    } rows[] = {
#define ROW(field, name, kind, help) {name, help, kind, offsetof(struct queue, field)}
        ROW(wait, "vote_gateway_wait_seconds", HISTOGRAM_TIME, "Wait for credit in the gateway."),
        ROW(pool_queue, "vote_pool_queue_seconds", HISTOGRAM_TIME, "Wait for a thread in a pool."),
        ROW(pool_service, "vote_pool_service_seconds", HISTOGRAM_TIME, "Work of a pool's thread."),
        ROW(total, "vote_answer_seconds", HISTOGRAM_TIME, "From the ask to its answer."),
        ROW(batch, "vote_batch_size", HISTOGRAM_SIZE, "Requests a thread handled together."),
        ROW(shared, "vote_shared_reads", HISTOGRAM_SIZE, "Asks that one answer served."),
#undef ROW
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        add_type(out, rows[i].name, "histogram", rows[i].help);
        for (int service = 1; service < SERVICE_COUNT; service++)
            for (int lane = 0; lane < LANE_COUNT; lane++) {
                const char *queue = (const char *)&dispatch->services[service].lanes[lane];
                char labels[64];
                snprintf(labels, sizeof labels, "service=\"%s\",lane=\"%s\"",
                         service_name((enum service)service), lane_names[lane]);
                histogram_print((const struct histogram *)(queue + rows[i].offset), rows[i].kind,
                                rows[i].name, labels, out);
            }
    }
}

static void add_pools(const struct gateway_status_reply *status, struct buf *out)
{
    add_type(out, "vote_pools", "gauge", "Pools that can be asked.");
    for (int service = 1; service < SERVICE_COUNT; service++) {
        const char *name = service_name((enum service)service);
        size_t count = 0;
        for (size_t i = 0; i < status->pools_count; i++)
            count +=
                str_equal(status->pools[i].service, str_from(name)) && !status->pools[i].draining;
        buf_printf(out, "vote_pools{service=\"%s\"} %zu\n", name, count);
    }
    add_type(out, "vote_pool_credit", "gauge", "Credit granted by a pool, for each lane.");
    for (size_t i = 0; i < status->pools_count; i++) {
        const struct pool_status *pool = &status->pools[i];
        char id[ID_TEXT + 1];
        buf_printf(out, "vote_pool_credit{service=\"%.*s\",pool=\"%s\"} %lld\n",
                   STR_ARG(pool->service), id_print(pool->pool_id, id), (long long)pool->capacity);
    }
}

void dispatch_metrics(struct dispatch *dispatch, struct buf *out)
{
    struct arena arena = {0};
    struct gateway_status_reply status = dispatch_status(dispatch, &arena);
    const struct {
        const char *name, *type, *help;
        int64_t value;
    } rows[] = {
        {"vote_http_connections", "gauge", "Client connections open.", status.connections},
        {"vote_http_requests_total", "counter", "HTTP requests answered.", status.requests},
        {"vote_access_log_dropped_total", "counter",
         "Lines of the access log that nobody read in time.", status.access_log_dropped},
        {"vote_bad_messages_total", "counter", "Frames that made no sense.", status.bad_messages},
        {"vote_missed_edges_total", "counter", "Messages found late by the safety timer; stays 0.",
         status.missed_edges},
        {"vote_late_starts_total", "counter", "Requests sent after their deadline; stays 0.",
         status.late_starts},
        {"vote_pools_refused_total", "counter", "Pools not believed.", status.pools_refused},
        {"vote_tcp_refused_total", "counter", "Connections of other hosts that were not let in.",
         status.tcp_refused},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        add_type(out, rows[i].name, rows[i].type, rows[i].help);
        buf_printf(out, "%s %lld\n", rows[i].name, (long long)rows[i].value);
    }
    add_pools(&status, out);
    add_queue_counters(&status, out);
    add_histograms(dispatch, out);
    arena_free(&arena);
}
