/* vote-migrate: bring the configured database to the newest schema; with --samples, fill it. */
#include "proto/config/options.h"
#include "workers/db_settings.h"
#include "workers/migrate.h"

#include <stdio.h>

static bool migrate(const struct config *config, const char *sql, bool samples,
                    struct buf *out_accounts, struct buf *out_error)
{
    struct db_settings settings = db_settings_from(config);
    struct db *db = migrate_connect(&settings, out_error);
    if (!db)
        return false;
    struct migrate_cost cost = {(uint64_t)config->password.opslimit,
                                (size_t)config->password.memlimit};
    bool done = migrate_apply(db, sql, out_error) &&
                (!samples || migrate_samples(db, sql, cost, out_accounts, out_error));
    db_close(db);
    return done;
}

int main(int argc, char **argv)
{
    const char *samples = NULL;
    const struct options_row rows[] = {
        {"sql", "DIR", "directory of the files NNN_name.sql and samples.sql", "sql_dir", NULL},
        {"samples", NULL,
         "load samples.sql, unless there are accounts; prints a line account<TAB>password each",
         .out = &samples},
        {NULL},
    };
    const struct options options = {"[OPTION…]", "Bring the database to the newest schema.", rows,
                                    .secrets = true};
    struct config *config;
    int first;
    int status = options_read(&options, argc, argv, &config, &first);
    if (status >= 0)
        return status;
    struct buf accounts = {0}, error = {0};
    bool done = first == argc;
    if (done)
        done = migrate(config, config->files.sql_dir, samples, &accounts, &error);
    else
        buf_printf(&error, "unexpected argument: %s", argv[first]);
    printf("%.*s", STR_ARG(buf_str(&accounts)));
    if (!done)
        fprintf(stderr, "vote-migrate: %.*s\n", STR_ARG(buf_str(&error)));
    buf_free(&accounts);
    buf_free(&error);
    config_free(config);
    return done ? 0 : 1;
}
