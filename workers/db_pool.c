#include "proto/base/die.h"
#include "workers/db.h"
#include "workers/pool.h"

#include <stdlib.h>

static size_t threads(const struct config *config)
{
    return (size_t)(config->pools.db_threads ? config->pools.db_threads : config->database.maxsize);
}

static void *settings_new(const struct config *config)
{
    struct db_settings *settings = malloc(sizeof *settings);
    if (!settings)
        die("out of memory");
    *settings = db_settings_from(config);
    return settings;
}

const struct pool db_pool = {&db_service, threads, settings_new, free};
