/* session: the service that keeps log-ins in Redis, in the form aiohttp_session's RedisStorage has:
 * key "<cookie name>_<id>", value as proto/session_value.h. */
#ifndef VOTE_WORKERS_SESSION_H
#define VOTE_WORKERS_SESSION_H

#include "workers/job.h"
#include "workers/redis_conn.h"

struct session_settings {
    struct redis_settings redis;
    const char *cookie_name;
    int64_t idle_s;     /* a session nobody reads for so long is over */
    int64_t absolute_s; /* and so is one this old, in any case */
};

/* session_service: its open takes a struct session_settings. */
extern const struct job_service session_service;

#endif
