/* worker: a pool. One agent thread that alone touches sockets, and N threads that serve. */
#ifndef VOTE_WORKERS_WORKER_H
#define VOTE_WORKERS_WORKER_H

#include "workers/job.h"

enum { WORKER_LINKS = 64 }; /* gateways a pool is connected to at most */

struct channel_keys;

struct worker_settings {
    const char *const
        *gateways; /* endpoints; an ipc:// one may be a glob, looked at every second */
    size_t gateway_count;
    size_t threads;       /* of all lanes together, ≥ 1 (≥ 2 with lanes) */
    size_t credits;       /* requests one gateway may have outstanding here */
    size_t queue_limit;   /* jobs waiting for a thread; one more is answered BUSY */
    size_t batch_max;     /* jobs a thread takes at once; a handler may take fewer */
    int64_t patience_ms;  /* before a second thread takes jobs of a handler that gathers */
    int64_t heartbeat_ms; /* and how often gateways are looked for */
    int64_t drain_ms;     /* after SIGTERM: how long for what waits; then it is rejected back */
    const void *service_settings; /* given to job_service.open */

    const struct channel_keys *keys; /* for gateways behind tcp://; NULL: there are none */
};

/* worker_run: be a pool until SIGTERM or SIGINT, then drain; returns the exit status (0). The
 * calling thread becomes the agent; it must be the only one, since signals are blocked here. */
int worker_run(const struct job_service *service, const struct worker_settings *settings);

#endif
