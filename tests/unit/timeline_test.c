#include "gateway/timeline.h"
#include "tests/unit/test.h"

/* An ask of 1000 µs that was answered at its only attempt, whose pool says this of itself. */
static int64_t sum_of_hops(int64_t pool_queue_us, int64_t pool_service_us, int64_t received_us,
                           size_t *out_count)
{
    struct trace trace = {.started_us = 5000};
    struct trace_attempt attempt = {.sent_us = 5100, .ended_us = 5900};
    struct work_report report = {.received_us = received_us};
    struct trace_ask ask = {.trace = &trace,
                            .asked_us = 5000,
                            .ended_us = 6000,
                            .attempts = &attempt,
                            .pool_queue_us = pool_queue_us,
                            .pool_service_us = pool_service_us,
                            .report = &report};
    struct arena arena = {0};
    struct hop *hops;
    int64_t sum = 0, at_us = ask.asked_us;
    *out_count = timeline_hops(&ask, &arena, &hops);
    for (size_t i = 0; i < *out_count; i++) {
        CHECK_INT(hops[i].start_us, at_us);
        CHECK(hops[i].end_us >= hops[i].start_us);
        at_us = hops[i].end_us;
        sum += hops[i].end_us - hops[i].start_us;
    }
    arena_free(&arena);
    return sum;
}

TEST("hops follow each other without a gap, whatever a pool says of its times and its clock")
{
    static const struct {
        int64_t queue_us, service_us, received_us;
    } rows[] = {
        {100, 200, 5200},        /* of this host */
        {100, 200, 900000000},   /* a clock of its own */
        {100, 200, 0},           /* likewise */
        {100, 200, 5890},        /* ours, but it would have answered later than it did */
        {UINT32_MAX, 200, 5200}, /* nonsense */
        {100, UINT32_MAX, 5200}, /* likewise */
        {0, 0, 5100},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        size_t count;
        CHECK_INT(sum_of_hops(rows[i].queue_us, rows[i].service_us, rows[i].received_us, &count),
                  1000);
        CHECK_INT(count, 6);
    }
}

TEST("a pool of this host tells how long each way was; of another host both count alike")
{
    struct trace_attempt attempt = {.sent_us = 100, .ended_us = 200};
    struct work_report report = {.received_us = 110};
    struct trace_ask ask = {.pool_service_us = 40, .report = &report};
    CHECK_INT(trace_received_us(&ask, &attempt), 110);
    report.received_us = 99;
    CHECK_INT(trace_received_us(&ask, &attempt), 130);
    ask.report = NULL;
    CHECK_INT(trace_received_us(&ask, &attempt), 130);
}

TEST("the steps of a record are the time elapsed, and no more than it has room for")
{
    struct trace *trace = trace_new((struct id){{1}}, 0);
    for (int i = 0; i < 3 * TRACE_STEPS; i++)
        trace_enter(trace, i % 2 ? TRACE_WAIT : TRACE_PAGE);
    CHECK_INT(trace->step_count, TRACE_STEPS);
    trace->ended_us = trace->steps[TRACE_STEPS - 1].start_us + 7;
    int64_t sum = 0;
    for (size_t i = 0; i < trace->step_count; i++)
        sum += trace_end_us(trace, i) - trace->steps[i].start_us;
    CHECK_INT(sum, trace->ended_us - trace->started_us);
    for (int i = 0; i < 2 * TRACE_ASKS; i++)
        CHECK((trace_ask(trace, message_type_find(MESSAGE_user_get)) != NULL) == (i < TRACE_ASKS));
    for (int i = 0; i < 2 * TRACE_LINES; i++)
        trace_log(trace, STR("line"));
    CHECK_INT(trace->line_count, TRACE_LINES);
    trace_free(trace);
}

TEST_MAIN
