/* worker_own: what the parts of the agent share, and nobody else sees.
 *
 *   worker.c        messages, the loop, start and stop
 *   worker_links.c  gateways come and go */
#ifndef VOTE_WORKERS_WORKER_OWN_H
#define VOTE_WORKERS_WORKER_OWN_H

#include "proto/bundle.h"
#include "workers/crew.h"
#include "workers/worker.h"

enum { LINKS = WORKER_LINKS };

/* A gateway this pool is connected to. */
struct link {
    char *endpoint; /* NULL: a free place */
    bool globbed;   /* found by a glob: goes away with its socket file */
    struct channel *dealer;
    bool announced;               /* ready was sent on this connection */
    bool drained;                 /* drain_ok came: nothing more will be asked */
    size_t in_flight[LANE_COUNT]; /* jobs of this gateway not yet answered */
    int64_t up_us;                /* when its gateway was seen to be there, or looked for anew */
    struct bundle bundle;         /* answers for the dealer */
};

struct worker {
    const struct job_service *service;
    const struct worker_settings *settings;
    struct id pool_id;
    struct channel_context *context;
    struct link links[LINKS];
    struct crew *crew;
    int signal_fd;
    size_t in_flight;
    int64_t next_tick_us;
    int64_t turned_us;      /* when the last wait ended */
    int64_t asleep_us;      /* how long this process did not run, shortly after a stop; else 0 */
    int64_t woke_us;        /* when that was over */
    int64_t drain_until_us; /* 0: not leaving */
    int64_t crew_due_us;    /* when the crew wants to be woken again; 0: never */
    bool stopping;
    int64_t bad_frames, lost_answers;
    struct arena arena;  /* of one handler call */
    struct buf outgoing; /* a message in the making */
};

/* worker_send_bundle: the answers that wait for this gateway; what its dealer does not take is
 * counted as lost. */
void worker_send_bundle(struct worker *worker, struct link *link);

/* worker_look_for_gateways: connect to those that came, close the links of those that went for good
 * and owe nothing, try again where a connection cannot recover by itself. */
void worker_look_for_gateways(struct worker *worker);

/* worker_link_close: nothing of its gateway may be under way. */
void worker_link_close(struct worker *worker, struct link *link);

#endif
