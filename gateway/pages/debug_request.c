/* GET /_debugtoolbar/requests/{id}: everything kept of one request. */
#include "gateway/pages/debug.h"

#include "gateway/timeline.h"
#include "gateway/tracing.h"
#include "gateway/view.h"

static void set_text(struct request *request, struct tpl_value *dict, const char *key,
                     const char *text)
{
    view_set(request, dict, key, tpl_text(text));
}

static void set_ms(struct request *request, struct tpl_value *dict, const char *key, int64_t us)
{
    view_set(request, dict, key, timeline_ms(&request->arena, us));
}

static void add(struct request *request, struct tpl_value *list, struct tpl_value item)
{
    tpl_list_add(&request->arena, list, item);
}

/* ---- what was said ------------------------------------------------------------------------- */

static struct tpl_value pairs(struct request *request, const struct http_header *headers,
                              size_t count)
{
    struct tpl_value list = tpl_list(&request->arena);
    for (size_t i = 0; i < count; i++) {
        struct tpl_value pair = tpl_dict(&request->arena);
        view_set(request, &pair, "name", tpl_str(headers[i].name));
        view_set(request, &pair, "value", tpl_str(headers[i].value));
        add(request, &list, pair);
    }
    return list;
}

static struct tpl_value query_pairs(struct request *request, const struct trace *trace)
{
    struct http_form query;
    struct http_form_limits limits = HTTP_FORM_LIMITS_DEFAULT;
    if (http_form_parse_query(&request->arena, &limits, trace->query, &query) != 0)
        query.count = 0;
    struct http_header *fields = arena_array(&request->arena, query.count, sizeof *fields);
    size_t count = 0;
    for (size_t i = 0; i < query.count; i++)
        if (query.fields[i].valid)
            fields[count++] = (struct http_header){query.fields[i].name, query.fields[i].value};
    return pairs(request, fields, count);
}

/* ---- what was done ------------------------------------------------------------------------- */

static struct tpl_value phases(struct request *request, const struct trace *trace)
{
    struct tpl_value list = tpl_list(&request->arena);
    for (size_t i = 0; i < trace->step_count; i++) {
        const struct trace_step *step = &trace->steps[i];
        struct tpl_value row = tpl_dict(&request->arena);
        set_text(request, &row, "name", trace_phase_name(step->phase));
        set_ms(request, &row, "start", step->start_us - trace->started_us);
        set_ms(request, &row, "ms", trace_end_us(trace, i) - step->start_us);
        add(request, &list, row);
    }
    return list;
}

static struct tpl_value hops(struct request *request, const struct trace *trace,
                             const struct trace_ask *ask)
{
    struct tpl_value list = tpl_list(&request->arena);
    struct hop *items;
    size_t count = timeline_hops(ask, &request->arena, &items);
    for (size_t i = 0; i < count; i++) {
        const struct trace_attempt *attempt = items[i].attempt;
        struct tpl_value row = tpl_dict(&request->arena);
        set_text(request, &row, "name", hop_name(items[i].kind));
        set_ms(request, &row, "start", items[i].start_us - trace->started_us);
        set_ms(request, &row, "ms", items[i].end_us - items[i].start_us);
        view_set(request, &row, "pid", tpl_int(attempt ? attempt->pid : 0));
        set_text(request, &row, "host", attempt ? attempt->host : "");
        set_text(request, &row, "lost", attempt && attempt->lost ? attempt->lost : "");
        add(request, &list, row);
    }
    return list;
}

static struct tpl_value attempts(struct request *request, const struct trace_ask *ask)
{
    struct tpl_value list = tpl_list(&request->arena);
    for (const struct trace_attempt *attempt = ask->attempts; attempt; attempt = attempt->next) {
        struct tpl_value row = tpl_dict(&request->arena);
        view_set(request, &row, "pid", tpl_int(attempt->pid));
        set_text(request, &row, "host", attempt->host);
        set_ms(request, &row, "left", attempt->left_us);
        set_text(request, &row, "outcome", attempt->lost ? attempt->lost : "answered");
        add(request, &list, row);
    }
    return list;
}

static struct tpl_value steps(struct request *request, const struct work_report *report)
{
    struct tpl_value list = tpl_list(&request->arena);
    for (size_t i = 0; report && i < report->steps_count; i++) {
        const struct work_step *step = &report->steps[i];
        struct tpl_value row = tpl_dict(&request->arena);
        view_set(request, &row, "kind", tpl_str(step->kind));
        view_set(request, &row, "text", tpl_str(step->text));
        set_ms(request, &row, "start", step->start_us);
        set_ms(request, &row, "ms", step->us);
        view_set(request, &row, "rows", tpl_int(step->rows));
        view_set(request, &row, "failed", tpl_bool(step->failed));
        add(request, &list, row);
    }
    return list;
}

static struct tpl_value messages(struct request *request, const struct trace *trace)
{
    struct tpl_value list = tpl_list(&request->arena);
    for (const struct trace_ask *ask = trace->asks; ask; ask = ask->next) {
        struct tpl_value row = tpl_dict(&request->arena);
        set_text(request, &row, "name", ask->type->name);
        set_text(request, &row, "service", service_name(ask->type->service));
        set_text(request, &row, "status", status_name(ask->status));
        set_ms(request, &row, "ms", ask->ended_us - ask->asked_us);
        view_set(request, &row, "request_bytes", tpl_int((int64_t)ask->request_bytes));
        view_set(request, &row, "answer_bytes", tpl_int((int64_t)ask->answer_bytes));
        view_set(request, &row, "batch", tpl_int(ask->batch));
        view_set(request, &row, "sharers", tpl_int(ask->sharers));
        view_set(request, &row, "joined", tpl_bool(ask->joined));
        view_set(request, &row, "attempts", attempts(request, ask));
        view_set(request, &row, "hops", hops(request, trace, ask));
        view_set(request, &row, "steps", steps(request, ask->report));
        add(request, &list, row);
    }
    return list;
}

/* ---- what was logged ----------------------------------------------------------------------- */

static void add_line(struct request *request, struct tpl_value *list, const char *who, int64_t us,
                     struct str text)
{
    struct tpl_value row = tpl_dict(&request->arena);
    set_text(request, &row, "who", who);
    set_ms(request, &row, "at", us);
    view_set(request, &row, "text", tpl_str(text));
    add(request, list, row);
}

static struct tpl_value log_lines(struct request *request, const struct trace *trace)
{
    struct tpl_value list = tpl_list(&request->arena);
    for (size_t i = 0; i < trace->line_count; i++)
        add_line(request, &list, "gateway", trace->lines[i].at_us - trace->started_us,
                 trace->lines[i].text);
    for (const struct trace_ask *ask = trace->asks; ask; ask = ask->next)
        for (size_t i = 0; ask->report && i < ask->report->lines_count; i++)
            add_line(request, &list, service_name(ask->type->service),
                     ask->asked_us - trace->started_us + ask->report->lines[i].at_us,
                     ask->report->lines[i].line);
    return list;
}

/* ---- the page ------------------------------------------------------------------------------ */

static struct tpl_value everything(struct request *request, const struct trace *trace)
{
    struct tpl_value page = view_page(request, "request");
    char id[TRACEPARENT_TEXT + 1];
    struct arena *arena = &request->arena;
    view_set(request, &page, "id",
             tpl_text(arena_cstr(arena, str_from(id_print(trace->request_id, id)))));
    view_set(request, &page, "trace_id",
             tpl_text(arena_cstr(arena, str_from(id_print(trace->context.trace, id)))));
    view_set(request, &page, "method", tpl_str(trace->method));
    view_set(request, &page, "target", tpl_str(trace->target));
    set_text(request, &page, "route", trace->route ? trace->route : "");
    view_set(request, &page, "client", tpl_str(trace->client));
    view_set(request, &page, "status", tpl_int(trace->status));
    view_set(request, &page, "bytes", tpl_int(trace->bytes_sent));
    view_set(request, &page, "user_id", tpl_int(trace->user_id));
    set_ms(request, &page, "ms", trace->ended_us - trace->started_us);
    view_set(request, &page, "phases", phases(request, trace));
    view_set(request, &page, "messages", messages(request, trace));
    view_set(request, &page, "timeline", timeline_drawing(trace, arena));
    view_set(request, &page, "log", log_lines(request, trace));
    view_set(request, &page, "query", query_pairs(request, trace));
    view_set(request, &page, "form", pairs(request, trace->form, trace->form_count));
    view_set(request, &page, "request_headers",
             pairs(request, trace->request_headers, trace->request_header_count));
    view_set(request, &page, "response_headers",
             pairs(request, trace->response_headers, trace->response_header_count));
    return page;
}

void debug_request_get(struct request *request)
{
    struct id id;
    const struct trace *trace =
        id_parse(request->param, &id) ? tracing_find(request->gateway->tracing, id) : NULL;
    if (!trace) {
        request_fail_http(request, 404);
        return;
    }
    struct tpl_value page = everything(request, trace);
    view_render(request, 200, "debug/request.html", &page);
}
