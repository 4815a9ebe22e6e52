#include "gateway/tracing.h"

#include "gateway/development.h"
#include "gateway/otlp.h"
#include "proto/base/clock.h"
#include "proto/base/die.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { VALUE_MAX = 1000 }; /* bytes kept of a header or field */

struct tracing {
    struct log_watch watch; /* first: the log knows this place */
    const struct config *config;
    int fd;                      /* of the file; -1: none */
    bool full;                   /* the last append failed, and that was said */
    bool torn;                   /* it left a part of a line */
    int64_t second, this_second; /* traces begun in it */
    uint64_t seen;               /* requests without a traceparent */
    struct trace *under_way;
    struct trace *kept; /* newest first */
    size_t kept_count;
};

/* ---- what is kept of a request ------------------------------------------------------------- */

/* Who sees the toolbar shall not learn whose session it is, or log in with it. */
static bool is_secret(struct str name)
{
    static const char *const parts[] = {"cookie", "authorization", "password",
                                        "secret", "token",         "key"};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        for (size_t size = strlen(parts[i]), at = 0; at + size <= name.size; at++)
            if (str_equal_nocase(str_make(name.data + at, size), str_from(parts[i])))
                return true;
    return false;
}

/* A text for pages: not endless, and UTF-8 whatever was sent. */
static struct str keep(struct arena *arena, struct str text)
{
    struct str kept =
        arena_str(arena, str_make(text.data, text.size < VALUE_MAX ? text.size : VALUE_MAX));
    char *at = (char *)kept.data;
    bool good = str_is_utf8(kept);
    for (size_t i = 0; i < kept.size; i++)
        if ((unsigned char)at[i] < ' ' || (!good && (unsigned char)at[i] >= 0x80))
            at[i] = '?';
    return kept;
}

static struct http_header keep_pair(struct arena *arena, struct str name, struct str value)
{
    return (struct http_header){keep(arena, name),
                                is_secret(name) ? STR("***") : keep(arena, value)};
}

static struct http_header *keep_headers(struct arena *arena, const struct http_header *headers,
                                        size_t count)
{
    struct http_header *kept = arena_array(arena, count, sizeof *kept);
    for (size_t i = 0; i < count; i++)
        kept[i] = keep_pair(arena, headers[i].name, headers[i].value);
    return kept;
}

static void keep_request(struct trace *trace, const struct request *request)
{
    struct arena *arena = &trace->arena;
    const struct http_request *http = request->http;
    trace->client = keep(arena, str_from(request->exchange->client));
    trace->method = keep(arena, http->method_text);
    trace->path = keep(arena, http->path);
    trace->route = request->route ? request->route->path : NULL;
    trace->minor = http->minor;
    if (!trace->shown)
        return;
    trace->target = keep(arena, http->target);
    trace->query = keep(arena, http->query);
    trace->request_headers = keep_headers(arena, http->headers, http->header_count);
    trace->request_header_count = http->header_count;
}

static void keep_form(struct trace *trace, const struct http_form *form)
{
    trace->form = arena_array(&trace->arena, form->count, sizeof *trace->form);
    for (size_t i = 0; i < form->count; i++)
        trace->form[trace->form_count++] =
            keep_pair(&trace->arena, form->fields[i].name, form->fields[i].value);
}

/* ---- which ones ---------------------------------------------------------------------------- */

bool tracing_shows(const struct tracing *tracing, const struct request *request)
{
    return tracing && tracing->config->debug.toolbar && request_is_developer(request);
}

/* The toolbar does not show itself, nor the files of a page, nor who asks whether all is well. */
static bool is_shown(const struct tracing *tracing, const struct request *request)
{
    static const char *const quiet[] = {"/static/", "/healthz", "/readyz"};
    for (size_t i = 0; i < sizeof quiet / sizeof *quiet; i++)
        if (str_starts(request->http->path, str_from(quiet[i])))
            return false;
    return !(request->route && request->route->development) && tracing_shows(tracing, request);
}

static bool has_room(struct tracing *tracing)
{
    int64_t second = clock_us() / 1000000;
    if (second != tracing->second)
        tracing->this_second = 0;
    tracing->second = second;
    return tracing->this_second++ < tracing->config->tracing.per_second;
}

/* parent_sampled: what a traceparent says; NULL: there is none. */
static bool is_exported(struct tracing *tracing, const bool *parent_sampled)
{
    int64_t every = tracing->config->tracing.sample_every;
    if (tracing->fd < 0)
        return false;
    bool wanted = parent_sampled && tracing->config->tracing.follow_parent
                      ? *parent_sampled
                      : every && tracing->seen++ % (uint64_t)every == 0;
    return wanted && has_room(tracing);
}

struct trace *tracing_begin(struct tracing *tracing, struct request *request)
{
    struct traceparent parent;
    struct str text = {0};
    bool has_parent = http_header_count(request->http, "traceparent", &text) == 1 &&
                      traceparent_parse(text, &parent);
    bool exported = is_exported(tracing, has_parent ? &parent.sampled : NULL);
    bool shown = is_shown(tracing, request);
    if (!exported && !shown)
        return NULL;
    struct trace *trace = trace_new(request->id, request->exchange->started_us);
    trace->exported = exported;
    trace->shown = shown;
    if (has_parent)
        trace->context = parent;
    else
        trace->context.trace = request->id;
    keep_request(trace, request);
    trace->next = tracing->under_way;
    tracing->under_way = trace;
    return trace;
}

/* ---- its life ------------------------------------------------------------------------------ */

/* W3C Server Timing: what is known before the answer goes. */
static void add_server_timing(struct trace *trace, struct http_response *response)
{
    const char *text = "";
    for (size_t i = 0; i + 1 < trace->step_count; i++)
        if (trace->steps[i].phase != TRACE_WAIT)
            text = arena_printf(&trace->arena, "%s%s%s;dur=%.3f", text, *text ? ", " : "",
                                trace_phase_name(trace->steps[i].phase),
                                (double)(trace_end_us(trace, i) - trace->steps[i].start_us) / 1000);
    for (const struct trace_ask *ask = trace->asks; ask; ask = ask->next)
        if (ask->ended_us)
            text = arena_printf(&trace->arena, "%s, %s;dur=%.3f", text, ask->type->name,
                                (double)(ask->ended_us - ask->asked_us) / 1000);
    http_response_add(response, "Server-Timing", str_from(text));
}

void tracing_answer(struct request *request, struct http_response *response)
{
    struct trace *trace = request->trace;
    trace_enter(trace, TRACE_SEND);
    if (trace->shown) {
        add_server_timing(trace, response);
        trace->response_headers =
            keep_headers(&trace->arena, response->headers, response->header_count);
        trace->response_header_count = response->header_count;
        keep_form(trace, &request->form);
    }
    trace->user_id = request->user_id;
}

void tracing_sent(struct request *request, int status, int64_t bytes_sent, int64_t duration_us)
{
    struct trace *trace = request->trace;
    trace->ended_us = trace->started_us + duration_us;
    trace->status = status;
    trace->bytes_sent = bytes_sent;
}

static void export(struct tracing *tracing, const struct trace *trace)
{
    struct buf line = {0};
    if (tracing->torn)
        buf_add_char(&line, '\n'); /* the reader drops one line, not two */
    otlp_print(trace, &line);
    ssize_t written = write(tracing->fd, line.data, line.size);
    bool good = written == (ssize_t)line.size;
    if (!good && !tracing->full)
        log_error("traces_lost", L_TEXT("file", tracing->config->tracing.file),
                  L_TEXT("error", strerror(written < 0 ? errno : ENOSPC)));
    tracing->full = !good;
    if (written > 0)
        tracing->torn = !good;
    buf_free(&line);
}

static void drop_oldest(struct tracing *tracing)
{
    struct trace **link = &tracing->kept;
    while ((*link)->next)
        link = &(*link)->next;
    trace_free(*link);
    *link = NULL;
    tracing->kept_count--;
}

void tracing_end(struct tracing *tracing, struct trace *trace)
{
    struct trace **link = &tracing->under_way;
    while (*link != trace)
        link = &(*link)->next;
    *link = trace->next;
    if (trace->exported)
        export(tracing, trace);
    if (!trace->shown) {
        trace_free(trace);
        return;
    }
    trace->next = tracing->kept;
    tracing->kept = trace;
    if (++tracing->kept_count > (size_t)tracing->config->debug.requests)
        drop_oldest(tracing);
}

const struct trace *tracing_newest(const struct tracing *tracing)
{
    return tracing->kept;
}

const struct trace *tracing_find(const struct tracing *tracing, struct id request_id)
{
    struct trace *trace = tracing->kept;
    while (trace && !id_equal(trace->request_id, request_id))
        trace = trace->next;
    return trace;
}

/* ---- start and stop ------------------------------------------------------------------------ */

static void on_line(struct log_watch *watch, struct id request, struct str text)
{
    struct tracing *tracing = (struct tracing *)watch;
    for (struct trace *trace = tracing->under_way; trace; trace = trace->next)
        if (trace->shown && id_equal(trace->request_id, request))
            trace_log(trace, text);
}

bool tracing_new(const struct config *config, struct tracing **out, const char **out_error)
{
    *out = NULL;
    const char *file = config->tracing.file;
    if (!*file && !config->debug.toolbar)
        return true;
    struct tracing *tracing = calloc(1, sizeof *tracing);
    if (!tracing)
        die("out of memory");
    tracing->config = config;
    tracing->fd =
        *file ? open(file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0640) : -1;
    if (*file && tracing->fd < 0) {
        *out_error = strerror(errno);
        free(tracing);
        return false;
    }
    tracing->watch.line = on_line;
    if (config->debug.toolbar) {
        log_set_watch(&tracing->watch);
        log_warn("debug_toolbar",
                 L_TEXT("means", "this site shows what its users do to debug.hosts"));
    }
    *out = tracing;
    return true;
}

void tracing_free(struct tracing *tracing)
{
    if (!tracing)
        return;
    must(!tracing->under_way);
    log_set_watch(NULL);
    while (tracing->kept)
        drop_oldest(tracing);
    if (tracing->fd >= 0)
        close(tracing->fd);
    free(tracing);
}
