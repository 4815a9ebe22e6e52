/* password: the service that makes and checks Argon2id hashes. CPU and memory only, in a pool of
 * its own, so that a flood of log-ins slows nothing else. */
#ifndef VOTE_WORKERS_PASSWORD_H
#define VOTE_WORKERS_PASSWORD_H

#include "workers/job.h"
#include "workers/password_hash.h"

/* What all threads of a pool share. */
struct password_measure {
    _Atomic int64_t hash_us; /* how long one takes, a moving average */
    char dummy[PASSWORD_HASH_SIZE];
};

struct password_settings {
    uint64_t opslimit;
    size_t memlimit;
    int64_t queue_us; /* so much work may wait; what comes then is BUSY */
    struct password_measure *measure;
};

/* password_measure: make the hash that unknown accounts are checked against, and take the time of
 * it. die()s if memlimit bytes are not to be had. Call once before the pool starts. */
void password_measure(const struct password_settings *settings);

/* password_service: its open takes a struct password_settings. */
extern const struct job_service password_service;

#endif
