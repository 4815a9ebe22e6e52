/* session: the service that keeps log-ins in Redis, in the form aiohttp_session's RedisStorage has:
 * key "<cookie name>_<id>", value as proto/session_value.h.
 *
 * Logging out everywhere sets the user's epoch: key "<cookie name>:epoch:<user id>", value the time
 * in whole seconds. A session created then or before is over, whoever made it; another service that
 * shares log-ins compares likewise. Clocks of hosts agree to the second (NTP). */
#ifndef VOTE_WORKERS_SESSION_H
#define VOTE_WORKERS_SESSION_H

#include "workers/attempts.h"
#include "workers/job.h"
#include "workers/redis_conn.h"

struct session_settings {
    struct redis_settings redis;
    const char *cookie_name;
    int64_t idle_s;     /* a session nobody reads for so long is over */
    int64_t absolute_s; /* and so is one this old, in any case */
    struct attempts_settings attempts;
};

/* session_service: its open takes a struct session_settings. */
extern const struct job_service session_service;

#endif
