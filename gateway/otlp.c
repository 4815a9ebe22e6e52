#include "gateway/otlp.h"

#include "gateway/outcome.h"

/* SpanKind of opentelemetry/proto/trace/v1/trace.proto. */
enum span_kind { SPAN_INTERNAL = 1, SPAN_SERVER = 2, SPAN_CLIENT = 3 };

enum { STATUS_CODE_ERROR = 2, HTTP_SERVER_ERROR = 500 };

struct span {
    struct span_id id, parent;
    const char *name;
    struct str detail; /* behind the name, or empty */
    enum span_kind kind;
    int64_t start_us, end_us;
    const char *error; /* NULL: none */
};

/* ---- pieces -------------------------------------------------------------------------------- */

static void add_key(struct buf *out, const char *key)
{
    if (out->data[out->size - 1] != '[')
        buf_add_char(out, ',');
    buf_printf(out, "{\"key\":\"%s\",\"value\":{", key);
}

static void add_text(struct buf *out, const char *key, struct str value)
{
    add_key(out, key);
    buf_add_str(out, STR("\"stringValue\":"));
    json_add_text(out, value);
    buf_add_str(out, STR("}}"));
}

static void add_number(struct buf *out, const char *key, int64_t value)
{
    add_key(out, key);
    buf_printf(out, "\"intValue\":\"%lld\"}}", (long long)value);
}

static void add_id(struct buf *out, const char *key, struct id id)
{
    char text[ID_TEXT + 1];
    add_text(out, key, str_from(id_print(id, text)));
}

static void add_time(struct buf *out, const char *key, const struct trace *trace, int64_t us)
{
    buf_printf(out, ",\"%s\":\"%lld\"", key,
               (long long)(trace->wall_ns + (us - trace->started_us) * 1000));
}

/* Up to its attributes, which the caller adds; then span_end. */
static void span_begin(struct buf *out, const struct trace *trace, const struct span *span)
{
    char trace_id[ID_TEXT + 1], id[SPAN_TEXT + 1];
    if (out->data[out->size - 1] != '[')
        buf_add_char(out, ',');
    buf_printf(out, "{\"traceId\":\"%s\",\"spanId\":\"%s\"",
               id_print(trace->context.trace, trace_id), span_id_print(span->id, id));
    if (!span_id_is_none(span->parent))
        buf_printf(out, ",\"parentSpanId\":\"%s\"", span_id_print(span->parent, id));
    buf_printf(out, ",\"name\":\"%s%s%.*s\",\"kind\":%d", span->name, span->detail.size ? " " : "",
               STR_ARG(span->detail), (int)span->kind);
    add_time(out, "startTimeUnixNano", trace, span->start_us);
    add_time(out, "endTimeUnixNano", trace,
             span->end_us > span->start_us ? span->end_us : span->start_us);
    if (span->error)
        buf_printf(out, ",\"status\":{\"code\":%d,\"message\":\"%s\"}", STATUS_CODE_ERROR,
                   span->error);
    else
        buf_add_str(out, STR(",\"status\":{}"));
    buf_add_str(out, STR(",\"attributes\":["));
}

static void span_end(struct buf *out)
{
    buf_add_str(out, STR("]}"));
}

static void resource_begin(struct buf *out, const char *service)
{
    if (out->data[out->size - 1] != '[')
        buf_add_char(out, ',');
    buf_add_str(out, STR("{\"resource\":{\"attributes\":["));
    add_text(out, "service.name", str_from(service));
}

static void resource_spans(struct buf *out)
{
    buf_add_str(out, STR("]},\"scopeSpans\":[{\"scope\":{\"name\":\"vote\"},\"spans\":["));
}

static void resource_end(struct buf *out)
{
    buf_add_str(out, STR("]}]}"));
}

/* ---- the gateway's spans ------------------------------------------------------------------- */

static void add_request(struct buf *out, const struct trace *trace)
{
    struct span span = {
        .id = trace->span,
        .parent = trace->context.parent,
        .name = trace->method.data,
        .detail = str_from(trace->route),
        .kind = SPAN_SERVER,
        .start_us = trace->started_us,
        .end_us = trace->ended_us,
        .error = trace->status >= HTTP_SERVER_ERROR ? "server error" : NULL,
    };
    span_begin(out, trace, &span);
    add_text(out, "http.request.method", trace->method);
    add_text(out, "url.path", trace->path);
    if (trace->route)
        add_text(out, "http.route", str_from(trace->route));
    add_number(out, "http.response.status_code", trace->status);
    add_number(out, "http.response.size", trace->bytes_sent);
    add_text(out, "network.protocol.version", trace->minor ? STR("1.1") : STR("1.0"));
    add_id(out, "vote.request_id", trace->request_id);
    span_end(out);
}

/* Waiting is what the spans of asks show. */
static void add_phases(struct buf *out, const struct trace *trace)
{
    for (size_t i = 0; i < trace->step_count; i++) {
        const struct trace_step *step = &trace->steps[i];
        if (step->phase == TRACE_WAIT)
            continue;
        span_begin(out, trace,
                   &(struct span){.id = span_id_random(),
                                  .parent = trace->span,
                                  .name = trace_phase_name(step->phase),
                                  .kind = SPAN_INTERNAL,
                                  .start_us = step->start_us,
                                  .end_us = trace_end_us(trace, i)});
        span_end(out);
    }
}

static void add_attempt(struct buf *out, const struct trace_ask *ask,
                        const struct trace_attempt *attempt, int64_t number)
{
    span_begin(out, ask->trace,
               &(struct span){.id = attempt->span,
                              .parent = ask->span,
                              .name = ask->type->name,
                              .detail = STR("attempt"),
                              .kind = SPAN_CLIENT,
                              .start_us = attempt->sent_us,
                              .end_us = attempt->ended_us,
                              .error = attempt->lost});
    add_number(out, "vote.attempt", number);
    add_number(out, "vote.deadline_left_us", attempt->left_us);
    add_id(out, "vote.pool", attempt->pool);
    span_end(out);
}

static void add_ask(struct buf *out, const struct trace_ask *ask)
{
    bool failed = outcome_http(ask->status) >= HTTP_SERVER_ERROR;
    span_begin(out, ask->trace,
               &(struct span){.id = ask->span,
                              .parent = ask->trace->span,
                              .name = ask->type->name,
                              .kind = SPAN_INTERNAL,
                              .start_us = ask->asked_us,
                              .end_us = ask->ended_us,
                              .error = failed ? status_name(ask->status) : NULL});
    add_text(out, "vote.service", str_from(service_name(ask->type->service)));
    add_text(out, "vote.status", str_from(status_name(ask->status)));
    add_number(out, "vote.request_bytes", (int64_t)ask->request_bytes);
    add_number(out, "vote.answer_bytes", (int64_t)ask->answer_bytes);
    add_number(out, "vote.sharers", ask->sharers);
    span_end(out);
    int64_t number = 1;
    for (const struct trace_attempt *attempt = ask->attempts; attempt; attempt = attempt->next)
        add_attempt(out, ask, attempt, number++);
}

/* ---- a pool's spans ------------------------------------------------------------------------ */

static void add_work_step(struct buf *out, const struct trace_ask *ask, struct span_id parent,
                          int64_t began_us, const struct work_step *step)
{
    bool sql = str_equal(step->kind, STR("sql"));
    span_begin(out, ask->trace,
               &(struct span){.id = span_id_random(),
                              .parent = parent,
                              .name = sql ? "sql" : "redis",
                              .kind = SPAN_CLIENT,
                              .start_us = began_us + step->start_us,
                              .end_us = began_us + step->start_us + step->us,
                              .error = step->failed ? "failed" : NULL});
    add_text(out, "db.system.name", sql ? STR("mariadb") : STR("redis"));
    add_text(out, "db.query.text", step->text);
    add_number(out, "db.response.returned_rows", step->rows);
    span_end(out);
}

static void add_pool(struct buf *out, const struct trace_ask *ask,
                     const struct trace_attempt *attempt)
{
    int64_t received_us = trace_received_us(ask, attempt);
    int64_t began_us = received_us + ask->pool_queue_us;
    struct span work = {.id = span_id_random(),
                        .parent = attempt->span,
                        .name = ask->type->name,
                        .kind = SPAN_SERVER,
                        .start_us = received_us,
                        .end_us = began_us + ask->pool_service_us};
    resource_begin(out, "vote-worker");
    add_text(out, "service.namespace", str_from(service_name(ask->type->service)));
    add_id(out, "service.instance.id", attempt->pool);
    add_text(out, "host.name", str_from(attempt->host));
    add_number(out, "process.pid", attempt->pid);
    resource_spans(out);
    span_begin(out, ask->trace, &work);
    add_number(out, "vote.queue_us", ask->pool_queue_us);
    add_number(out, "vote.batch", ask->batch);
    span_end(out);
    for (size_t i = 0; ask->report && i < ask->report->steps_count; i++)
        add_work_step(out, ask, work.id, began_us, &ask->report->steps[i]);
    resource_end(out);
}

/* ---- the line ------------------------------------------------------------------------------ */

void otlp_print(const struct trace *trace, struct buf *out)
{
    buf_add_str(out, STR("{\"resourceSpans\":["));
    resource_begin(out, "vote-gateway");
    resource_spans(out);
    add_request(out, trace);
    add_phases(out, trace);
    for (const struct trace_ask *ask = trace->asks; ask; ask = ask->next)
        add_ask(out, ask);
    resource_end(out);
    for (const struct trace_ask *ask = trace->asks; ask; ask = ask->next)
        for (const struct trace_attempt *attempt = ask->attempts; attempt; attempt = attempt->next)
            if (!attempt->lost)
                add_pool(out, ask, attempt);
    buf_add_str(out, STR("]}\n"));
}
