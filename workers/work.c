#include "workers/work.h"

#include "proto/base/clock.h"
#include "proto/base/die.h"
#include "proto/base/log.h"
#include "proto/traceparent.h"

#include <stdlib.h>

enum { STEPS = 64, LINES = 32, TEXT_MAX = 1000, LINE_MAX_BYTES = 500 }; /* as in messages.def */

struct work {
    struct log_watch watch; /* first: the log knows this place */
    int64_t began_us;
    struct arena arena;
    struct work_step steps[STEPS];
    size_t step_count;
    struct work_line lines[LINES];
    size_t line_count;
};

/* No more than `most` bytes of it, and no part of a character. */
static struct str keep(struct work *work, struct str text, size_t most)
{
    size_t size = text.size < most ? text.size : most;
    while (size > 0 && size < text.size && ((unsigned char)text.data[size] & 0xc0) == 0x80)
        size--;
    return arena_str(&work->arena, str_make(text.data, size));
}

static int64_t since(const struct work *work, int64_t us)
{
    return us > work->began_us ? us - work->began_us : 0;
}

static void on_line(struct log_watch *watch, struct id request, struct str text)
{
    struct work *work = (struct work *)watch;
    (void)request;
    if (work->line_count < LINES)
        work->lines[work->line_count++] = (struct work_line){
            .at_us = since(work, clock_us()), .line = keep(work, text, LINE_MAX_BYTES)};
}

bool work_is_wanted(struct str trace)
{
    struct traceparent context;
    return trace.size > 0 && traceparent_parse(trace, &context) && context.sampled;
}

struct work *work_begin(int64_t began_us)
{
    struct work *work = calloc(1, sizeof *work);
    if (!work)
        die("out of memory");
    work->began_us = began_us;
    work->watch.line = on_line;
    log_set_watch(&work->watch);
    return work;
}

void work_add(struct work *work, const char *kind, struct str text, int64_t start_us, int64_t rows,
              bool failed)
{
    if (work->step_count == STEPS)
        return;
    work->steps[work->step_count++] = (struct work_step){
        .kind = str_from(kind),
        .text = keep(work, text, TEXT_MAX),
        .start_us = since(work, start_us),
        .us = clock_us() - start_us,
        .rows = rows,
        .failed = failed,
    };
}

void work_end(struct work *work, struct job **jobs, size_t count)
{
    struct work_report report = {
        .steps = work->steps,
        .steps_count = work->step_count,
        .lines = work->lines,
        .lines_count = work->line_count,
    };
    log_set_watch(NULL);
    for (size_t i = 0; i < count; i++) {
        report.received_us = jobs[i]->received_us;
        if (jobs[i]->traced)
            message_pack(record_work_report(), &report, &jobs[i]->report);
    }
    arena_free(&work->arena);
    free(work);
}
