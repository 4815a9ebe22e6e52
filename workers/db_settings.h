/* db_settings: where the database is and how long to wait for it. */
#ifndef VOTE_WORKERS_DB_SETTINGS_H
#define VOTE_WORKERS_DB_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

struct config;

struct db_settings {
    const char *host; /* with port, when there is no socket */
    int64_t port;
    const char *socket; /* path, or empty */
    const char *user, *password;
    const char *name;           /* of the database; empty: none chosen */
    int64_t connect_timeout_ms; /* rounded up to whole seconds, as are all of these */
    int64_t read_timeout_ms;
    int64_t lock_wait_s;         /* 0: the server's own */
    int64_t statement_timeout_s; /* 0: none */
    int64_t minsize;             /* of the connections opened with these settings, so many are kept
                                  * while there is nothing to do */
    _Atomic int64_t *opened;     /* counts them; NULL: none is kept */
    bool quiet; /* errors are not logged: the caller tells them, by db_last_error */
};

/* db_settings_from: databases.default of the configuration, from which the texts are borrowed. */
struct db_settings db_settings_from(const struct config *config);

#endif
