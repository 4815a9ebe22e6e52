#include "workers/crew.h"

#include "proto/base/clock.h"
#include "proto/base/die.h"
#include "tests/unit/test.h"

#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

enum { LONG_MS = 600000, SHORT_MS = 20, THREADS = 3, DEADLINE_S = 60 };

/* A service whose handlers wait until they are let go on, each batch for itself. */
static struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    size_t begun, let_on, ended; /* batches */
    int opened, last;            /* threads; who began last */
} world;

static void world_reset(void)
{
    memset(&world, 0, sizeof world);
    pthread_mutex_init(&world.lock, NULL);
    pthread_cond_init(&world.changed, NULL);
}

static void until(const size_t *count, size_t at_least)
{
    struct timespec deadline;
    clock_gettime(CLOCK_REALTIME, &deadline);
    deadline.tv_sec += DEADLINE_S;
    int rc = 0;
    pthread_mutex_lock(&world.lock);
    while (*count < at_least && rc == 0)
        rc = pthread_cond_timedwait(&world.changed, &world.lock, &deadline);
    pthread_mutex_unlock(&world.lock);
    if (rc != 0)
        die("not %zu in %d s", at_least, DEADLINE_S); /* threads are under way: no next test */
}

static void add(size_t *count)
{
    pthread_mutex_lock(&world.lock);
    ++*count;
    pthread_cond_broadcast(&world.changed);
    pthread_mutex_unlock(&world.lock);
}

static void *open_thread(const void *settings)
{
    (void)settings;
    int *number = malloc(sizeof *number);
    pthread_mutex_lock(&world.lock);
    *number = world.opened++;
    pthread_mutex_unlock(&world.lock);
    return number;
}

static void on_batch(void *thread, struct job **jobs, size_t count)
{
    pthread_mutex_lock(&world.lock);
    world.last = *(int *)thread;
    size_t mine = ++world.begun;
    pthread_cond_broadcast(&world.changed);
    while (world.let_on < mine)
        pthread_cond_wait(&world.changed, &world.lock);
    pthread_mutex_unlock(&world.lock);
    for (size_t i = 0; i < count; i++)
        job_fail(jobs[i], STATUS_NOT_FOUND, NULL);
    add(&world.ended);
}

static const struct job_handler handlers[] = {
    {MESSAGE_question_close, on_batch, 1},
    {MESSAGE_vote_cast, on_batch, 4, .gathers = true},
};

static const struct job_service service = {
    .service = SERVICE_DB,
    .handlers = handlers,
    .handler_count = sizeof handlers / sizeof *handlers,
    .open = open_thread,
    .close = free,
};

static struct crew *start(int64_t patience_ms)
{
    world_reset();
    return crew_start(&service, THREADS, 100, 100, patience_ms, NULL);
}

static void put(struct crew *crew, unsigned message, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct job *job = calloc(1, sizeof *job);
        job->type = message_type_find(message);
        job->received_us = clock_us();
        job->deadline_us = job->received_us + 1000LL * LONG_MS;
        must(crew_submit(crew, &job));
    }
}

/* Returns what crew_wake does. */
static int64_t submit(struct crew *crew, unsigned message, size_t count)
{
    put(crew, message, count);
    return crew_wake(crew);
}

/* Lets all batches end, which must be so many, and ends the crew. Returns the size of the largest.
 */
static size_t finish(struct crew *crew, size_t batches, size_t jobs)
{
    size_t largest = 0;
    pthread_mutex_lock(&world.lock);
    world.let_on = SIZE_MAX;
    pthread_cond_broadcast(&world.changed);
    pthread_mutex_unlock(&world.lock);
    until(&world.ended, batches);
    while (jobs > 0) {
        struct pollfd done = {.fd = crew_fd(crew), .events = POLLIN};
        must(poll(&done, 1, 1000 * DEADLINE_S) == 1);
        for (struct job *job = crew_collect(crew), *next; job; job = next, jobs--) {
            next = job->next;
            largest = job->batch > largest ? job->batch : largest;
            buf_free(&job->body);
            arena_free(&job->arena);
            free(job);
        }
    }
    crew_stop(crew);
    CHECK_INT(world.ended, batches);
    return largest;
}

/* One thread has a vote already, and keeps it until finish(). */
static struct crew *start_busy(int64_t patience_ms)
{
    struct crew *crew = start(patience_ms);
    submit(crew, MESSAGE_vote_cast, 1);
    until(&world.begun, 1);
    return crew;
}

TEST("what gathers waits for the thread that handles such, and is one batch then")
{
    struct crew *crew = start(LONG_MS);
    int64_t due_us = submit(crew, MESSAGE_vote_cast, 1);
    until(&world.begun, 1);
    int64_t first_due_us = submit(crew, MESSAGE_vote_cast, 1);
    int64_t second_due_us = submit(crew, MESSAGE_vote_cast, 2);
    CHECK_INT(finish(crew, 2, 4), 3);
    CHECK_INT(due_us, 0);
    CHECK(first_due_us > clock_us());
    CHECK_INT(second_due_us, first_due_us);
}

TEST("what gathers waits no longer than its patience")
{
    struct crew *crew = start_busy(SHORT_MS);
    int64_t due_us = submit(crew, MESSAGE_vote_cast, 2);
    while (due_us && clock_us() < due_us + 1000LL * SHORT_MS) /* the agent, in time and again */
        crew_wake(crew);
    until(&world.begun, 2); /* while the first is at it */
    CHECK_INT(finish(crew, 2, 3), 2);
}

TEST("what waits to be gathered is taken in time, also when another job came with it")
{
    struct crew *crew = start_busy(SHORT_MS);
    put(crew, MESSAGE_vote_cast, 1);
    submit(crew, MESSAGE_question_close, 1);
    until(&world.begun, 3); /* nobody but the threads themselves looks again */
    CHECK_INT(finish(crew, 3, 3), 1);
}

TEST("what a whole batch left is taken in time")
{
    struct crew *crew = start(SHORT_MS);
    submit(crew, MESSAGE_vote_cast, 5);
    until(&world.begun, 2);
    CHECK_INT(finish(crew, 2, 5), 4);
}

TEST("a whole batch of what gathers does not wait")
{
    struct crew *crew = start_busy(LONG_MS);
    submit(crew, MESSAGE_vote_cast, 3);
    submit(crew, MESSAGE_vote_cast, 1);
    until(&world.begun, 2);
    CHECK_INT(finish(crew, 2, 5), 4);
}

TEST("what waits to be gathered holds up nothing else")
{
    struct crew *crew = start_busy(LONG_MS);
    submit(crew, MESSAGE_vote_cast, 1);
    submit(crew, MESSAGE_question_close, 1);
    until(&world.begun, 2);
    CHECK_INT(finish(crew, 3, 3), 1);
}

/* Each one's end is told a moment before its thread sleeps, so now and then another is needed; were
 * they taken in turn, each would get a third. */
TEST("what comes one by one leaves threads alone that are not needed")
{
    enum { COUNT = 300, FEW = COUNT / 10 };
    struct crew *crew = start(LONG_MS);
    size_t by_thread[THREADS] = {0}, least = COUNT;
    for (size_t i = 1; i <= COUNT; i++) {
        submit(crew, MESSAGE_question_close, 1);
        until(&world.begun, i);
        by_thread[world.last]++;
        add(&world.let_on);
        until(&world.ended, i);
    }
    finish(crew, COUNT, COUNT);
    for (size_t i = 0; i < THREADS; i++)
        least = by_thread[i] < least ? by_thread[i] : least;
    CHECK(least < FEW);
}

TEST_MAIN
