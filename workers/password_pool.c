#include "proto/base/die.h"
#include "workers/password.h"
#include "workers/pool.h"

#include <stdlib.h>
#include <unistd.h>

/* Half the cores: the other half is for everybody else. */
static size_t threads(const struct config *config)
{
    if (config->pools.password_threads > 0)
        return (size_t)config->pools.password_threads;
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    return cores >= 4 ? (size_t)cores / 2 : 1;
}

static void *settings_new(const struct config *config)
{
    struct password_settings *settings = malloc(sizeof *settings);
    struct password_measure *measure = calloc(1, sizeof *measure);
    if (!settings || !measure)
        die("out of memory");
    *settings = (struct password_settings){
        .opslimit = (uint64_t)config->password.opslimit,
        .memlimit = (size_t)config->password.memlimit,
        .queue_us = config->password.queue_s * 1000000,
        .measure = measure,
    };
    password_measure(settings);
    return settings;
}

static void settings_free(void *argument)
{
    struct password_settings *settings = argument;
    free(settings->measure);
    free(settings);
}

const struct pool password_pool = {&password_service, threads, settings_new, settings_free};
