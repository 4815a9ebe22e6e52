#include "workers/crew.h"

#include "proto/base/clock.h"
#include "proto/base/die.h"
#include "workers/work.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

enum { IDLE_S = 1, BATCH_LIMIT = 1024 };

/* A lane: a queue and the threads that take from it. */
struct lane_queue {
    pthread_mutex_t lock;
    struct job *first, **last;
    size_t count;
    size_t *handling; /* by handler: threads at work on a batch */
    bool stop;
};

struct crew_thread {
    struct crew *crew;
    struct lane_queue *lane;
    pthread_t id;
    pthread_cond_t wake;
    bool sleeping;                 /* under the lane's lock */
    _Atomic int64_t busy_since_us; /* 0: idle */
};

struct crew {
    const struct job_service *service;
    const void *settings;
    size_t queue_limit, batch_max;
    int64_t patience_us;
    struct lane_queue lanes[LANE_COUNT]; /* only the first, if the service has no lanes */
    struct crew_thread *threads;
    size_t thread_count;
    pthread_mutex_t done_lock;
    struct job *done, **done_last;
    int done_fd;
};

static const struct job_handler *handler_of(const struct job_service *service, unsigned message)
{
    for (size_t i = 0; i < service->handler_count; i++)
        if (service->handlers[i].message == message)
            return &service->handlers[i];
    return NULL;
}

/* ---- the threads' side --------------------------------------------------------------------- */

static void deliver(struct crew *crew, struct job **jobs, size_t count)
{
    int64_t now = clock_us();
    pthread_mutex_lock(&crew->done_lock);
    bool was_empty = crew->done == NULL;
    for (size_t i = 0; i < count; i++) {
        must(jobs[i]->answered);
        jobs[i]->finished_us = now;
        jobs[i]->batch = count;
        jobs[i]->next = NULL;
        *crew->done_last = jobs[i];
        crew->done_last = &jobs[i]->next;
    }
    pthread_mutex_unlock(&crew->done_lock);
    if (was_empty)
        must(eventfd_write(crew->done_fd, 1) == 0);
}

static size_t most_of(const struct crew *crew, const struct job_handler *handler)
{
    return handler->batch_max < crew->batch_max ? handler->batch_max : crew->batch_max;
}

static size_t *handling(const struct crew *crew, const struct lane_queue *lane,
                        const struct job_handler *handler)
{
    return &lane->handling[handler - crew->service->handlers];
}

/* Called with the lock held: who handles the oldest job that a thread may take now; NULL: there is
 * none. *out_due_us: when the first before it may be taken (0: nothing waits for time to pass). A
 * job whose handler gathers is left to the thread that handles such already, unless that one takes
 * long, or there are enough for both. */
static const struct job_handler *next_handler(const struct crew *crew,
                                              const struct lane_queue *lane, int64_t *out_due_us)
{
    int64_t now = 0;
    *out_due_us = 0;
    for (const struct job *job = lane->first; job; job = job->next) {
        const struct job_handler *handler = handler_of(crew->service, job->type->number);
        if (!handler->gathers || *handling(crew, lane, handler) == 0 ||
            lane->count >= most_of(crew, handler))
            return handler;
        now = now ? now : clock_us();
        int64_t due_us = job->received_us + crew->patience_us;
        if (due_us <= now)
            return handler;
        if (*out_due_us == 0 || due_us < *out_due_us)
            *out_due_us = due_us;
    }
    return NULL;
}

/* Called with the lock held. The rest keep their order. */
static size_t take_batch(struct lane_queue *lane, const struct crew *crew,
                         const struct job_handler *handler, struct job **out_jobs)
{
    size_t count = 0, most = most_of(crew, handler);
    for (struct job **link = &lane->first; *link && count < most;) {
        struct job *job = *link;
        if (job->type->number != handler->message) {
            link = &job->next;
            continue;
        }
        *link = job->next;
        out_jobs[count++] = job;
    }
    lane->last = &lane->first;
    while (*lane->last)
        lane->last = &(*lane->last)->next;
    lane->count -= count;
    return count;
}

/* Expired jobs are answered here, moved behind the live ones; returns how many are alive. */
static size_t answer_expired(struct job **jobs, size_t count)
{
    size_t alive = 0;
    for (size_t i = 0; i < count; i++) {
        struct job *job = jobs[i];
        if (job_expired(job)) {
            job_fail(job, STATUS_EXPIRED, "waited too long in the pool");
            continue;
        }
        jobs[i] = jobs[alive];
        jobs[alive++] = job;
    }
    return alive;
}

static void handle_traced(const struct job_service *service, const struct job_handler *handler,
                          void *state, struct job **jobs, size_t count)
{
    struct work *work = work_begin(jobs[0]->started_us);
    if (service->watch)
        service->watch(state, work);
    handler->handle(state, jobs, count);
    if (service->watch)
        service->watch(state, NULL);
    work_end(work, jobs, count);
}

static bool any_traced(struct job *const *jobs, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (jobs[i]->traced)
            return true;
    return false;
}

static void handle(const struct crew *crew, void *state, struct job **jobs, size_t count)
{
    const struct job_handler *handler = handler_of(crew->service, jobs[0]->type->number);
    if (any_traced(jobs, count))
        handle_traced(crew->service, handler, state, jobs, count);
    else
        handler->handle(state, jobs, count);
}

static void serve(struct crew_thread *self, void *state, struct job **jobs, size_t count)
{
    int64_t now = clock_us();
    atomic_store(&self->busy_since_us, now);
    for (size_t i = 0; i < count; i++)
        jobs[i]->started_us = now;
    size_t alive = answer_expired(jobs, count);
    if (alive)
        handle(self->crew, state, jobs, alive);
    deliver(self->crew, jobs, count);
    atomic_store(&self->busy_since_us, 0);
}

/* Called with the lock held: what to do next; NULL when it is time to end. */
static const struct job_handler *wait_for_work(struct crew_thread *self, void *state)
{
    struct lane_queue *lane = self->lane;
    const struct job_handler *handler;
    int64_t due_us;
    while (!(handler = next_handler(self->crew, lane, &due_us)) && !lane->stop) {
        int64_t until_us = clock_us() + IDLE_S * 1000000;
        until_us = due_us && due_us < until_us ? due_us : until_us;
        struct timespec until = {until_us / 1000000, until_us % 1000000 * 1000};
        self->sleeping = true;
        int rc = pthread_cond_timedwait(&self->wake, &lane->lock, &until);
        self->sleeping = false;
        if (rc == ETIMEDOUT && !due_us && self->crew->service->idle && !lane->first) {
            pthread_mutex_unlock(&lane->lock);
            self->crew->service->idle(state);
            pthread_mutex_lock(&lane->lock);
        }
    }
    return handler;
}

/* Always the first that sleeps, so that a quiet lane uses few connections, and warm ones. */
static void wake_one(const struct crew *crew, const struct lane_queue *lane)
{
    for (size_t i = 0; i < crew->thread_count; i++) {
        struct crew_thread *thread = &crew->threads[i];
        if (thread->lane != lane || !thread->sleeping)
            continue;
        thread->sleeping = false;
        pthread_cond_signal(&thread->wake);
        return;
    }
}

/* Called with the lock held: one more thread, if there is work for it. Returns when there will be
 * more; 0: no need to look. */
static int64_t wake_next(const struct crew *crew, const struct lane_queue *lane)
{
    int64_t due_us = 0;
    if (lane->first && next_handler(crew, lane, &due_us))
        wake_one(crew, lane);
    return due_us;
}

static void *thread_main(void *argument)
{
    struct crew_thread *self = argument;
    struct crew *crew = self->crew;
    struct lane_queue *lane = self->lane;
    struct job **jobs = calloc(BATCH_LIMIT, sizeof(struct job *));
    if (!jobs)
        die("out of memory");
    void *state = crew->service->open(crew->settings);
    pthread_mutex_lock(&lane->lock);
    const struct job_handler *handler;
    while ((handler = wait_for_work(self, state))) {
        size_t count = take_batch(lane, crew, handler, jobs);
        ++*handling(crew, lane, handler);
        if (wake_next(crew, lane)) /* somebody has to be there in time for what is left */
            wake_one(crew, lane);
        pthread_mutex_unlock(&lane->lock);
        serve(self, state, jobs, count);
        pthread_mutex_lock(&lane->lock);
        --*handling(crew, lane, handler);
    }
    pthread_mutex_unlock(&lane->lock);
    crew->service->close(state);
    free(jobs);
    return NULL;
}

/* ---- the agent's side ---------------------------------------------------------------------- */

static void lane_init(struct lane_queue *lane, size_t handler_count)
{
    lane->handling = calloc(handler_count, sizeof *lane->handling);
    if (!lane->handling)
        die("out of memory");
    pthread_mutex_init(&lane->lock, NULL);
    lane->last = &lane->first;
}

static void thread_start(struct crew *crew, size_t number)
{
    struct crew_thread *thread = &crew->threads[number];
    pthread_condattr_t monotonic;
    thread->crew = crew;
    thread->lane = &crew->lanes[crew->service->lanes ? number % LANE_COUNT : 0];
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&thread->wake, &monotonic);
    pthread_condattr_destroy(&monotonic);
    int rc = pthread_create(&thread->id, NULL, thread_main, thread);
    if (rc != 0)
        die("cannot start thread %zu of %zu: %s", number + 1, crew->thread_count, strerror(rc));
}

struct crew *crew_start(const struct job_service *service, size_t threads, size_t queue_limit,
                        size_t batch_max, int64_t patience_ms, const void *service_settings)
{
    must(batch_max >= 1);
    must(threads >= (service->lanes ? LANE_COUNT : 1));
    for (size_t i = 0; i < service->handler_count; i++)
        must(service->handlers[i].batch_max >= 1 && service->handlers[i].batch_max <= BATCH_LIMIT);
    struct crew *crew = calloc(1, sizeof *crew);
    struct crew_thread *rows = calloc(threads, sizeof *rows);
    if (!crew || !rows)
        die("out of memory");
    crew->service = service;
    crew->settings = service_settings;
    crew->queue_limit = queue_limit;
    crew->batch_max = batch_max;
    crew->patience_us = patience_ms * 1000;
    crew->threads = rows;
    crew->thread_count = threads;
    crew->done_last = &crew->done;
    pthread_mutex_init(&crew->done_lock, NULL);
    crew->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (crew->done_fd < 0)
        die("eventfd: %s", strerror(errno));
    for (int i = 0; i < LANE_COUNT; i++)
        lane_init(&crew->lanes[i], service->handler_count);
    for (size_t i = 0; i < threads; i++)
        thread_start(crew, i);
    return crew;
}

static struct lane_queue *lane_of(struct crew *crew, const struct job *job)
{
    return &crew->lanes[crew->service->lanes ? job->type->lane : 0];
}

static size_t queue_limit_now(const struct crew *crew)
{
    if (!crew->service->queue_limit)
        return crew->queue_limit;
    size_t limit = crew->service->queue_limit(crew->settings, crew->thread_count);
    return limit < crew->queue_limit ? limit : crew->queue_limit;
}

bool crew_submit(struct crew *crew, struct job **job)
{
    struct lane_queue *lane = lane_of(crew, *job);
    size_t limit = queue_limit_now(crew);
    must(handler_of(crew->service, (*job)->type->number));
    pthread_mutex_lock(&lane->lock);
    bool room = lane->count < limit;
    if (room) {
        (*job)->next = NULL;
        *lane->last = *job;
        lane->last = &(*job)->next;
        lane->count++;
        *job = NULL;
    }
    pthread_mutex_unlock(&lane->lock);
    return room;
}

int64_t crew_wake(struct crew *crew)
{
    int64_t due_us = 0;
    for (int i = 0; i < LANE_COUNT; i++) {
        struct lane_queue *lane = &crew->lanes[i];
        pthread_mutex_lock(&lane->lock);
        int64_t lane_due_us = wake_next(crew, lane);
        pthread_mutex_unlock(&lane->lock);
        if (lane_due_us && (due_us == 0 || lane_due_us < due_us))
            due_us = lane_due_us;
    }
    return due_us;
}

int crew_fd(const struct crew *crew)
{
    return crew->done_fd;
}

struct job *crew_collect(struct crew *crew)
{
    eventfd_t ignored;
    (void)eventfd_read(crew->done_fd, &ignored);
    pthread_mutex_lock(&crew->done_lock);
    struct job *jobs = crew->done;
    crew->done = NULL;
    crew->done_last = &crew->done;
    pthread_mutex_unlock(&crew->done_lock);
    return jobs;
}

struct job *crew_reject(struct crew *crew)
{
    struct job *jobs = NULL, **last = &jobs;
    for (int i = 0; i < LANE_COUNT; i++) {
        struct lane_queue *lane = &crew->lanes[i];
        pthread_mutex_lock(&lane->lock);
        *last = lane->first;
        while (*last)
            last = &(*last)->next;
        lane->first = NULL;
        lane->last = &lane->first;
        lane->count = 0;
        pthread_mutex_unlock(&lane->lock);
    }
    return jobs;
}

struct crew_progress crew_progress(struct crew *crew)
{
    struct crew_progress progress = {0};
    int64_t now = clock_us();
    for (size_t i = 0; i < crew->thread_count; i++) {
        int64_t since = atomic_load(&crew->threads[i].busy_since_us);
        int64_t *oldest_ms = &progress.oldest_ms[crew->threads[i].lane - crew->lanes];
        if (since == 0)
            continue;
        progress.busy++;
        if ((now - since) / 1000 > *oldest_ms)
            *oldest_ms = (now - since) / 1000;
    }
    if (!crew->service->lanes)
        progress.oldest_ms[LANE_WRITE] = progress.oldest_ms[LANE_READ];
    for (int i = 0; i < LANE_COUNT; i++) {
        pthread_mutex_lock(&crew->lanes[i].lock);
        progress.queued += (int64_t)crew->lanes[i].count;
        pthread_mutex_unlock(&crew->lanes[i].lock);
    }
    return progress;
}

void crew_stop(struct crew *crew)
{
    for (int i = 0; i < LANE_COUNT; i++) {
        struct lane_queue *lane = &crew->lanes[i];
        pthread_mutex_lock(&lane->lock);
        must(!lane->first);
        lane->stop = true;
        for (size_t t = 0; t < crew->thread_count; t++)
            if (crew->threads[t].lane == lane)
                pthread_cond_signal(&crew->threads[t].wake);
        pthread_mutex_unlock(&lane->lock);
    }
    for (size_t i = 0; i < crew->thread_count; i++) {
        pthread_join(crew->threads[i].id, NULL);
        pthread_cond_destroy(&crew->threads[i].wake);
    }
    must(!crew->done);
    for (int i = 0; i < LANE_COUNT; i++) {
        pthread_mutex_destroy(&crew->lanes[i].lock);
        free(crew->lanes[i].handling);
    }
    pthread_mutex_destroy(&crew->done_lock);
    close(crew->done_fd);
    free(crew->threads);
    free(crew);
}
