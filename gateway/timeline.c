#include "gateway/timeline.h"

#include "proto/base/die.h"

enum { TICKS = 5, TOP = 24 };

const char *hop_name(enum hop_kind kind)
{
    static const char *const names[] = {"queue", "lost", "out", "pool-queue",
                                        "work",  "back", "read"};
    must(kind < HOP_KINDS);
    return names[kind];
}

/* ---- hops ---------------------------------------------------------------------------------- */

struct hops {
    struct hop *items;
    size_t count;
};

static void add(struct hops *hops, enum hop_kind kind, int64_t start_us, int64_t end_us,
                const struct trace_attempt *attempt)
{
    hops->items[hops->count++] = (struct hop){kind, start_us, end_us, attempt};
}

static int64_t not_after(int64_t us, int64_t end_us)
{
    return us < end_us ? us : end_us;
}

/* What a pool says of itself may not fit between there and back: a clock of its own, a bug. */
static void add_answered(struct hops *hops, const struct trace_ask *ask,
                         const struct trace_attempt *attempt)
{
    int64_t end_us = attempt->ended_us;
    int64_t received_us = not_after(trace_received_us(ask, attempt), end_us);
    int64_t began_us = not_after(received_us + ask->pool_queue_us, end_us);
    int64_t finished_us = not_after(began_us + ask->pool_service_us, end_us);
    add(hops, HOP_OUT, attempt->sent_us, received_us, attempt);
    add(hops, HOP_POOL, received_us, began_us, attempt);
    add(hops, HOP_WORK, began_us, finished_us, attempt);
    add(hops, HOP_BACK, finished_us, end_us, attempt);
}

size_t timeline_hops(const struct trace_ask *ask, struct arena *arena, struct hop **out_hops)
{
    size_t attempts = 0;
    for (const struct trace_attempt *attempt = ask->attempts; attempt; attempt = attempt->next)
        attempts++;
    struct hops hops = {.items = arena_array(arena, 5 * attempts + 1, sizeof *hops.items)};
    int64_t at_us = ask->asked_us;
    for (const struct trace_attempt *attempt = ask->attempts; attempt; attempt = attempt->next) {
        add(&hops, HOP_QUEUE, at_us, attempt->sent_us, NULL);
        if (attempt->lost)
            add(&hops, HOP_LOST, attempt->sent_us, attempt->ended_us, attempt);
        else
            add_answered(&hops, ask, attempt);
        at_us = attempt->ended_us;
    }
    bool answered = hops.count && hops.items[hops.count - 1].kind == HOP_BACK;
    if (answered || ask->ended_us > at_us)
        add(&hops, answered ? HOP_READ : HOP_QUEUE, at_us, ask->ended_us, NULL);
    *out_hops = hops.items;
    return hops.count;
}

/* ---- drawing ------------------------------------------------------------------------------- */

struct tpl_value timeline_ms(struct arena *arena, int64_t us)
{
    return tpl_text(arena_printf(arena, "%.3f", (double)us / 1000));
}

struct drawing {
    struct arena *arena;
    const struct trace *trace;
    int64_t span_us;
    int64_t y;
    struct tpl_value rows;
};

static double place(const struct drawing *drawing, int64_t us)
{
    double share = (double)(us - drawing->trace->started_us) / (double)drawing->span_us;
    return TIMELINE_LEFT + share * (TIMELINE_WIDTH - TIMELINE_LEFT);
}

static void set(struct drawing *drawing, struct tpl_value *dict, const char *key, const char *text)
{
    tpl_dict_set(drawing->arena, dict, key, tpl_text(text));
}

/* Too short to be seen is still drawn. */
static void add_bar(struct drawing *drawing, struct tpl_value *bars, const char *kind,
                    int64_t start_us, int64_t end_us, const char *title)
{
    struct tpl_value bar = tpl_dict(drawing->arena);
    double x = place(drawing, start_us), width = place(drawing, end_us) - x;
    set(drawing, &bar, "x", arena_printf(drawing->arena, "%.1f", x));
    set(drawing, &bar, "width", arena_printf(drawing->arena, "%.1f", width > 0.5 ? width : 0.5));
    set(drawing, &bar, "kind", kind);
    set(drawing, &bar, "title",
        arena_printf(drawing->arena, "%s: %.3f ms", title, (double)(end_us - start_us) / 1000));
    tpl_list_add(drawing->arena, bars, bar);
}

static void add_row(struct drawing *drawing, const char *label, struct tpl_value bars)
{
    struct tpl_value row = tpl_dict(drawing->arena);
    set(drawing, &row, "label", label);
    tpl_dict_set(drawing->arena, &row, "y", tpl_int(drawing->y));
    tpl_dict_set(drawing->arena, &row, "text_y", tpl_int(drawing->y + TIMELINE_ROW - 9));
    tpl_dict_set(drawing->arena, &row, "bars", bars);
    tpl_list_add(drawing->arena, &drawing->rows, row);
    drawing->y += TIMELINE_ROW;
}

static void draw_gateway(struct drawing *drawing)
{
    const struct trace *trace = drawing->trace;
    struct tpl_value bars = tpl_list(drawing->arena);
    for (size_t i = 0; i < trace->step_count; i++) {
        const char *name = trace_phase_name(trace->steps[i].phase);
        add_bar(drawing, &bars, name, trace->steps[i].start_us, trace_end_us(trace, i), name);
    }
    add_row(drawing, "gateway", bars);
}

static void draw_ask(struct drawing *drawing, const struct trace_ask *ask)
{
    struct hop *hops;
    size_t count = timeline_hops(ask, drawing->arena, &hops);
    struct tpl_value bars = tpl_list(drawing->arena);
    for (size_t i = 0; i < count; i++) {
        const struct trace_attempt *attempt = hops[i].attempt;
        const char *title = hop_name(hops[i].kind);
        if (attempt)
            title = arena_printf(drawing->arena, "%s, pid %lld%s%s", title, (long long)attempt->pid,
                                 attempt->lost ? ", " : "", attempt->lost ? attempt->lost : "");
        add_bar(drawing, &bars, hop_name(hops[i].kind), hops[i].start_us, hops[i].end_us, title);
    }
    add_row(
        drawing,
        arena_printf(drawing->arena, "%s: %s", service_name(ask->type->service), ask->type->name),
        bars);
}

static void draw_work(struct drawing *drawing, const struct trace_ask *ask)
{
    const struct trace_attempt *attempt = ask->attempts;
    while (attempt && attempt->next)
        attempt = attempt->next;
    if (!attempt || attempt->lost || !ask->report || ask->report->steps_count == 0)
        return;
    struct tpl_value bars = tpl_list(drawing->arena);
    int64_t began_us = trace_received_us(ask, attempt) + ask->pool_queue_us;
    for (size_t i = 0; i < ask->report->steps_count; i++) {
        const struct work_step *step = &ask->report->steps[i];
        int64_t start_us = began_us + step->start_us;
        add_bar(drawing, &bars, str_equal(step->kind, STR("sql")) ? "sql" : "redis", start_us,
                start_us + step->us, arena_cstr(drawing->arena, step->text));
    }
    bool sql = str_equal(ask->report->steps[0].kind, STR("sql"));
    add_row(drawing, sql ? "MariaDB" : "Redis", bars);
}

static struct tpl_value draw_ticks(struct drawing *drawing)
{
    struct tpl_value ticks = tpl_list(drawing->arena);
    for (int i = 0; i <= TICKS; i++) {
        int64_t us = drawing->span_us * i / TICKS;
        struct tpl_value tick = tpl_dict(drawing->arena);
        set(drawing, &tick, "x",
            arena_printf(drawing->arena, "%.1f", place(drawing, drawing->trace->started_us + us)));
        set(drawing, &tick, "label", arena_printf(drawing->arena, "%.2f ms", (double)us / 1000));
        tpl_list_add(drawing->arena, &ticks, tick);
    }
    return ticks;
}

struct tpl_value timeline_drawing(const struct trace *trace, struct arena *arena)
{
    struct drawing drawing = {.arena = arena, .trace = trace, .y = TOP, .rows = tpl_list(arena)};
    int64_t end_us = trace->ended_us; /* of a client that left, the last answer comes later */
    for (const struct trace_ask *ask = trace->asks; ask; ask = ask->next)
        end_us = ask->ended_us > end_us ? ask->ended_us : end_us;
    drawing.span_us = end_us > trace->started_us ? end_us - trace->started_us : 1;
    draw_gateway(&drawing);
    for (const struct trace_ask *ask = trace->asks; ask; ask = ask->next) {
        draw_ask(&drawing, ask);
        draw_work(&drawing, ask);
    }
    struct tpl_value dict = tpl_dict(arena);
    tpl_dict_set(arena, &dict, "rows", drawing.rows);
    tpl_dict_set(arena, &dict, "ticks", draw_ticks(&drawing));
    tpl_dict_set(arena, &dict, "bottom", tpl_int(drawing.y));
    tpl_dict_set(arena, &dict, "height", tpl_int(drawing.y + 4));
    return dict;
}
