/* db: the service of the db pool: who answers which message, each thread on its own connection.
 * Its settings (job_service.open) are a struct db_settings that outlives the pool. */
#ifndef VOTE_WORKERS_DB_H
#define VOTE_WORKERS_DB_H

#include "workers/db_conn.h"
#include "workers/job.h"

extern const struct job_service db_service;

#endif
