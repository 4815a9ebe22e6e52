/* pool: what `vote-worker NAME` can be. A service is a row of the table in worker_main.c and a file
 * NAME_pool.c, which alone knows both the configuration and the service's settings. */
#ifndef VOTE_WORKERS_POOL_H
#define VOTE_WORKERS_POOL_H

#include "proto/config/config.h"
#include "workers/job.h"

struct pool {
    const struct job_service *service;

    /* threads: as configured, ≥ 1. */
    size_t (*threads)(const struct config *config);

    /* settings_new: what the service's open takes; borrows from config. May take time, and die()
     * with a line for the operator. settings_free: when no thread uses it any more. */
    void *(*settings_new)(const struct config *config);
    void (*settings_free)(void *settings);
};

extern const struct pool db_pool;
extern const struct pool session_pool;
extern const struct pool password_pool;

#endif
