#include "proto/base/die.h"
#include "workers/pool.h"
#include "workers/session.h"

#include <stdlib.h>

static size_t threads(const struct config *config)
{
    return (size_t)config->pools.session_threads;
}

static void *settings_new(const struct config *config)
{
    struct session_settings *settings = malloc(sizeof *settings);
    if (!settings)
        die("out of memory");
    *settings = (struct session_settings){
        .redis = {.socket = config->cache.socket,
                  .host = config->cache.host,
                  .port = (int)config->cache.port,
                  .db = (int)config->cache.db,
                  .user = config->cache.user,
                  .password = config->cache.password,
                  .connect_timeout_ms = config->cache.connect_timeout_ms,
                  .timeout_ms = config->cache.timeout_ms},
        .cookie_name = config->session.cookie_name,
        .idle_s = config->session.idle_s,
        .absolute_s = config->session.absolute_s,
        .attempts = {.prefix = config->session.cookie_name,
                     .secret = config->throttle.secret,
                     .login = {.both = config->throttle.login_attempts,
                               .account = config->throttle.login_account,
                               .address = config->throttle.login_address,
                               .window_s = config->throttle.login_window_s},
                     .registration = {.address = config->throttle.register_address,
                                      .window_s = config->throttle.register_window_s},
                     .known_s = config->throttle.known_s},
    };
    return settings;
}

const struct pool session_pool = {&session_service, threads, settings_new, free};
