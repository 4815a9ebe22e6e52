#include "workers/db_settings.h"

#include "proto/config/config.h"

struct db_settings db_settings_from(const struct config *config)
{
    return (struct db_settings){
        .host = config->database.host,
        .port = config->database.port,
        .socket = config->database.socket,
        .user = config->database.user,
        .password = config->database.password,
        .name = config->database.name,
        .connect_timeout_ms = config->database.connect_timeout_ms,
        .read_timeout_ms = config->database.read_timeout_ms,
        .lock_wait_s = config->database.lock_wait_s,
        .statement_timeout_s = config->database.statement_timeout_s,
        .minsize = config->database.minsize,
    };
}
