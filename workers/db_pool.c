#include "proto/base/die.h"
#include "workers/db.h"
#include "workers/pool.h"

#include <stdlib.h>

static size_t threads(const struct config *config)
{
    return (size_t)(config->pools.db_threads ? config->pools.db_threads : config->database.maxsize);
}

struct pool_settings {
    struct db_settings db; /* first: what the service's open takes */
    _Atomic int64_t opened;
};

static void *settings_new(const struct config *config)
{
    struct pool_settings *settings = calloc(1, sizeof *settings);
    if (!settings)
        die("out of memory");
    settings->db = db_settings_from(config);
    settings->db.opened = &settings->opened;
    return settings;
}

const struct pool db_pool = {&db_service, threads, settings_new, free};
