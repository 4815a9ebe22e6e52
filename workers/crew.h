/* crew: the threads of a pool and the bounded queues that feed them.
 *
 * The agent submits jobs and collects answered ones; threads take late: a thread that becomes free
 * takes the oldest job and with it everything of the same type that waits (at most batch_max). So a
 * batch is 1 when idle and large under load, and no timer delays the first. One wake-up serves a
 * burst: a thread that leaves work behind wakes the next.
 *
 * Jobs whose handler gathers are left to the thread that has a batch of them already and will be
 * free in a moment: two threads would take halves, each at the price of a whole. If it takes longer
 * than patience_ms, or a whole batch waits, the next thread takes them. */
#ifndef VOTE_WORKERS_CREW_H
#define VOTE_WORKERS_CREW_H

#include "workers/job.h"

struct crew;

/* crew_start: start the threads; returns when all run. The agent thread owns the crew. batch_max:
 * jobs a thread takes at once, if its handler does not take fewer. */
struct crew *crew_start(const struct job_service *service, size_t threads, size_t queue_limit,
                        size_t batch_max, int64_t patience_ms, const void *service_settings);

/* crew_submit: hand jobs over; *job is nulled. False: the queue is full, the job stays the
 * caller's. Threads start on it at crew_wake, once for a burst, which returns when to call it again
 * (clock_us) if nothing else happens before; 0: no need. */
bool crew_submit(struct crew *crew, struct job **job);
int64_t crew_wake(struct crew *crew);

/* crew_fd: readable when answered jobs wait. crew_collect: all of them as a list, or NULL. */
int crew_fd(const struct crew *crew);
struct job *crew_collect(struct crew *crew);

/* crew_reject: take back every job that no thread has started, as a list. */
struct job *crew_reject(struct crew *crew);

struct crew_progress {
    int64_t oldest_ms[LANE_COUNT]; /* age of the oldest running batch; 0 when idle. The same twice,
                                      if the service has no lanes */
    int64_t busy;                  /* threads at work */
    int64_t queued;
};
struct crew_progress crew_progress(struct crew *crew);

/* crew_stop: wait for what runs, end the threads, free everything. Queued jobs must be gone. Blocks
 * as long as a handler may. */
void crew_stop(struct crew *crew);

#endif
