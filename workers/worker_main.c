/* vote-worker: one process of one pool. */
#include "proto/base/die.h"
#include "proto/channel_curve.h"
#include "proto/config/options.h"
#include "workers/pool.h"
#include "workers/worker.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

static const struct pool *const pools[] = {
    &db_pool,
    &session_pool,
    &password_pool,
};

enum { THREADS_MAX = 1024, FILES_OF_A_THREAD = 2, FILES_OF_A_LINK = 8, FILES_BESIDES = 32 };

/* "session|password" */
static const char *pool_names(struct arena *arena)
{
    const char *names = "";
    for (size_t i = 0; i < sizeof pools / sizeof *pools; i++)
        names = arena_printf(arena, "%s%s%s", names, i ? "|" : "",
                             service_name(pools[i]->service->service));
    return names;
}

static const struct pool *find_pool(const char *name)
{
    for (size_t i = 0; i < sizeof pools / sizeof *pools; i++)
        if (strcmp(service_name(pools[i]->service->service), name) == 0)
            return pools[i];
    return NULL;
}

static size_t choose_threads(const struct pool *pool, const struct config *config,
                             const char *option)
{
    int64_t least = pool->service->lanes ? LANE_COUNT : 1, threads;
    if (!option)
        threads = (int64_t)pool->threads(config);
    else if (!str_to_int64(str_from(option), &threads) || threads < least || threads > THREADS_MAX)
        die("--threads: expected a whole number from %lld to %d", (long long)least, THREADS_MAX);
    return (size_t)(threads < least ? least : threads);
}

/* libzmq aborts when descriptors run out, so there must be enough for the worst case at once. */
static void check_open_files(size_t threads)
{
    struct rlimit limit;
    rlim_t need = FILES_BESIDES + FILES_OF_A_THREAD * threads + FILES_OF_A_LINK * WORKER_LINKS;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= need)
        return;
    if (limit.rlim_max < need)
        die("%llu open files are allowed, this pool may need %llu: raise the limit (ulimit -n)",
            (unsigned long long)limit.rlim_max, (unsigned long long)need);
    limit.rlim_cur = need;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
        die("cannot raise the limit of open files to %llu", (unsigned long long)need);
}

/* NULL: no gateway is behind tcp://, or the configuration would have been refused. */
static const struct channel_keys *read_keys(const struct config *config, struct channel_keys *keys)
{
    struct arena arena = {0};
    const char *error;
    if (!*config->pools.curve_secret_file || !*config->pools.curve_server_file)
        return NULL;
    if (!channel_keys_read(config->pools.curve_secret_file, config->pools.curve_server_file, keys,
                           &arena, &error))
        die("%s", error);
    arena_free(&arena);
    return keys;
}

static int run_pool(const struct pool *pool, const struct config *config, const char *threads)
{
    struct channel_keys keys;
    struct worker_settings settings = {
        .gateways = config->pools.gateways.items,
        .gateway_count = config->pools.gateways.count,
        .keys = read_keys(config, &keys),
        .threads = choose_threads(pool, config, threads),
        .credits = (size_t)config->pools.credits,
        .queue_limit = (size_t)config->pools.queue_limit,
        .batch_max = (size_t)config->pools.batch_max,
        .patience_ms = config->pools.patience_ms,
        .heartbeat_ms = config->pools.heartbeat_ms,
        .drain_ms = config->pools.drain_ms,
    };
    check_open_files(settings.threads);
    log_set_level(config->log.level);
    log_set_format(config->log.format);
    void *service_settings = pool->settings_new(config);
    settings.service_settings = service_settings;
    int status = worker_run(pool->service, &settings);
    pool->settings_free(service_settings);
    explicit_bzero(&keys, sizeof keys);
    return status;
}

int main(int argc, char **argv)
{
    struct arena arena = {0};
    const char *names = pool_names(&arena);
    const char *threads = NULL;
    const struct options_row rows[] = {
        {"threads", "N", "threads that serve, not the number configured", NULL, &threads},
        {"gateway", "ENDPOINT", "a gateway to serve, or an ipc:// glob; may be given again",
         "pools.gateways", NULL},
        {.name = NULL},
    };
    const struct options options = {
        .usage = arena_printf(&arena, "[OPTION…] %s", names),
        .summary = "Serve one kind of request until SIGTERM, then finish what is under way.",
        .rows = rows,
        .secrets = true,
    };
    struct config *config = NULL;
    int first, status = options_read(&options, argc, argv, &config, &first);
    if (status < 0) {
        const struct pool *pool = first + 1 == argc ? find_pool(argv[first]) : NULL;
        if (!pool)
            die("expected one service, %s", names);
        status = run_pool(pool, config, threads);
    }
    config_free(config);
    arena_free(&arena);
    return status;
}
