#include "gateway/trace.h"

#include "proto/base/clock.h"
#include "proto/base/die.h"

#include <stdlib.h>

const char *trace_phase_name(enum trace_phase phase)
{
    static const char *const names[] = {"parse", "page", "wait", "render", "send"};
    must(phase < TRACE_PHASES);
    return names[phase];
}

struct trace *trace_new(struct id request_id, int64_t started_us)
{
    struct trace *trace = calloc(1, sizeof *trace);
    if (!trace)
        die("out of memory");
    int64_t now = clock_us();
    trace->request_id = request_id;
    trace->span = span_id_random();
    trace->started_us = started_us;
    trace->wall_ns = (clock_wall_ms() * 1000 - (now - started_us)) * 1000;
    trace->last_ask = &trace->asks;
    trace->steps[0] = (struct trace_step){TRACE_PARSE, started_us};
    trace->step_count = 1;
    trace_enter(trace, TRACE_PAGE);
    return trace;
}

void trace_free(struct trace *trace)
{
    if (!trace)
        return;
    arena_free(&trace->arena);
    free(trace);
}

void trace_enter(struct trace *trace, enum trace_phase phase)
{
    struct trace_step *last = &trace->steps[trace->step_count - 1];
    if (last->phase == phase || trace->step_count == TRACE_STEPS)
        return;
    trace->steps[trace->step_count++] = (struct trace_step){phase, clock_us()};
}

int64_t trace_end_us(const struct trace *trace, size_t step)
{
    return step + 1 < trace->step_count ? trace->steps[step + 1].start_us : trace->ended_us;
}

/* ---- asks ---------------------------------------------------------------------------------- */

struct trace_ask *trace_ask(struct trace *trace, const struct message_type *type)
{
    if (trace->ask_count == TRACE_ASKS)
        return NULL;
    struct trace_ask *ask = arena_new(&trace->arena, struct trace_ask);
    ask->trace = trace;
    ask->span = span_id_random();
    ask->type = type;
    ask->asked_us = clock_us();
    ask->last = &ask->attempts;
    *trace->last_ask = ask;
    trace->last_ask = &ask->next;
    trace->ask_count++;
    return ask;
}

void trace_sent(struct trace_ask *ask, struct id pool, const char *host, int64_t pid,
                int64_t sent_us, int64_t deadline_us, size_t frame)
{
    struct arena *arena = &ask->trace->arena;
    struct trace_attempt *attempt = arena_new(arena, struct trace_attempt);
    attempt->span = span_id_random();
    attempt->pool = pool;
    attempt->host = arena_cstr(arena, str_from(host));
    attempt->pid = pid;
    attempt->sent_us = sent_us;
    attempt->left_us = deadline_us - sent_us;
    ask->request_bytes = frame;
    *ask->last = attempt;
    ask->last = &attempt->next;
}

static struct trace_attempt *last_attempt(const struct trace_ask *ask)
{
    struct trace_attempt *attempt = ask->attempts;
    while (attempt && attempt->next)
        attempt = attempt->next;
    return attempt;
}

void trace_lost(struct trace_ask *ask, const char *why)
{
    struct trace_attempt *attempt = last_attempt(ask);
    if (!attempt)
        return;
    attempt->ended_us = clock_us();
    attempt->lost = why;
}

void trace_answered(struct trace_ask *ask, const struct envelope *envelope, size_t frame,
                    unsigned sharers)
{
    const char *error;
    struct trace_attempt *attempt = last_attempt(ask);
    if (attempt)
        attempt->ended_us = clock_us();
    ask->answer_bytes = frame;
    ask->batch = envelope->batch;
    ask->sharers = sharers;
    ask->pool_queue_us = envelope->queue_us;
    ask->pool_service_us = envelope->service_us;
    if (envelope->trace.size)
        ask->report =
            message_unpack(record_work_report(), envelope->trace, &ask->trace->arena, &error);
}

void trace_done(struct trace_ask *ask, enum status status)
{
    struct trace_attempt *attempt = last_attempt(ask);
    ask->ended_us = clock_us();
    ask->status = status;
    if (attempt && !attempt->ended_us) {
        attempt->ended_us = ask->ended_us;
        attempt->lost = "no answer in time";
    }
}

int64_t trace_received_us(const struct trace_ask *ask, const struct trace_attempt *attempt)
{
    int64_t in_pool = ask->pool_queue_us + ask->pool_service_us;
    int64_t on_way = attempt->ended_us - attempt->sent_us - in_pool;
    if (ask->report) {
        int64_t at = ask->report->received_us;
        if (at >= attempt->sent_us && at + in_pool <= attempt->ended_us)
            return at;
    }
    return attempt->sent_us + (on_way > 0 ? on_way / 2 : 0);
}

/* ---- log ----------------------------------------------------------------------------------- */

void trace_log(struct trace *trace, struct str line)
{
    if (trace->line_count < TRACE_LINES)
        trace->lines[trace->line_count++] =
            (struct trace_line){clock_us(), arena_str(&trace->arena, line)};
}
