/* The toolbar's list of the last requests, its button on every page, and redirects it holds up. */
#include "gateway/pages/debug.h"

#include "gateway/timeline.h"
#include "gateway/tracing.h"
#include "gateway/view.h"

#include <time.h>

static size_t count_steps(const struct trace *trace)
{
    size_t count = 0;
    for (const struct trace_ask *ask = trace->asks; ask; ask = ask->next)
        count += ask->report ? ask->report->steps_count : 0;
    return count;
}

static const char *print_id(struct request *request, const struct trace *trace)
{
    char text[ID_TEXT + 1];
    return arena_cstr(&request->arena, str_from(id_print(trace->request_id, text)));
}

/* ---- the list ------------------------------------------------------------------------------ */

static struct tpl_value history_row(struct request *request, const struct trace *trace)
{
    struct tpl_value row = tpl_dict(&request->arena);
    char at[16];
    struct tm utc;
    time_t second = trace->wall_ns / 1000000000;
    strftime(at, sizeof at, "%H:%M:%S", gmtime_r(&second, &utc));
    view_set(request, &row, "id", tpl_text(print_id(request, trace)));
    view_set(request, &row, "at", tpl_text(arena_cstr(&request->arena, str_from(at))));
    view_set(request, &row, "method", tpl_str(trace->method));
    view_set(request, &row, "target", tpl_str(trace->target));
    view_set(request, &row, "status", tpl_int(trace->status));
    view_set(request, &row, "ms",
             timeline_ms(&request->arena, trace->ended_us - trace->started_us));
    view_set(request, &row, "messages", tpl_int((int64_t)trace->ask_count));
    view_set(request, &row, "steps", tpl_int((int64_t)count_steps(trace)));
    return row;
}

static void show_list(struct request *request, const char *template)
{
    struct tpl_value page = view_page(request, "history"), rows = tpl_list(&request->arena);
    const struct trace *trace = tracing_newest(request->gateway->tracing);
    for (; trace; trace = trace->next)
        tpl_list_add(&request->arena, &rows, history_row(request, trace));
    view_set(request, &page, "requests", rows);
    view_render(request, 200, template, &page);
}

void debug_history_get(struct request *request)
{
    show_list(request, "debug/history.html");
}

void debug_rows_get(struct request *request)
{
    show_list(request, "debug/rows.html");
}

/* ---- on other pages ------------------------------------------------------------------------ */

bool debug_wanted(const struct config *config)
{
    return config->debug.toolbar;
}

void debug_add_button(struct request *request, struct buf *out)
{
    const struct trace *trace = request->trace;
    if (!trace || !trace->shown)
        return;
    struct tpl_value page = tpl_dict(&request->arena);
    struct buf problem = {0};
    int64_t elapsed_us = trace->steps[trace->step_count - 1].start_us - trace->started_us;
    view_set(request, &page, "id", tpl_text(print_id(request, trace)));
    view_set(request, &page, "ms", timeline_ms(&request->arena, elapsed_us));
    view_set(request, &page, "messages", tpl_int((int64_t)trace->ask_count));
    view_set(request, &page, "steps", tpl_int((int64_t)count_steps(trace)));
    (void)tpl_render(request->gateway->templates, "debug/button.html", &page, &request->arena, out,
                     &problem);
    buf_free(&problem);
}

bool debug_intercept(struct request *request, int http_status, const char *location)
{
    if (!request->trace || !request->trace->shown || request_wants(request) != WANTS_HTML ||
        !request->gateway->config->debug.intercept_redirects)
        return false;
    struct tpl_value page = view_page(request, "redirect");
    view_set(request, &page, "status", tpl_int(http_status));
    view_set(request, &page, "location", tpl_text(location));
    view_render(request, 200, "debug/redirect.html", &page);
    return true;
}
