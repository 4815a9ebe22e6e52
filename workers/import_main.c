/* vote-import: take over a database of the older schema into the configured one. */
#include "proto/config/options.h"
#include "workers/db_settings.h"
#include "workers/import.h"
#include "workers/migrate.h"

#include <stdio.h>

/* It becomes part of statements, where no parameter can stand. */
static bool is_plain_name(const char *name)
{
    return *name && strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_"
                                 "$") == strlen(name);
}

static bool run(const struct config *config, const char *sql, const char *source,
                struct import_counts *out_counts, struct buf *out_error)
{
    struct db_settings settings = db_settings_from(config);
    struct import_settings import = {source, config->site.utc_offset_minutes,
                                     (uint64_t)config->password.opslimit,
                                     (size_t)config->password.memlimit};
    struct db *db = migrate_connect(&settings, out_error);
    bool done =
        db && migrate_apply(db, sql, out_error) && import_run(db, &import, out_counts, out_error);
    if (db)
        db_close(db);
    return done;
}

static void tell(const struct import_counts *counts)
{
    printf("%s %lld users, %lld questions, %lld choices; %lld votes without rows stand apart\n",
           counts->before ? "nothing to do, it was imported before:" : "imported",
           (long long)counts->users, (long long)counts->questions, (long long)counts->choices,
           (long long)counts->votes);
}

int main(int argc, char **argv)
{
    const char *sql = "sql";
    const struct options_row rows[] = {
        {"sql", "DIR", "directory of the files NNN_name.sql (sql)", .out = &sql},
        {NULL},
    };
    const struct options options = {
        "[OPTION…] DATABASE",
        "Take over DATABASE, of the older schema and on the same server, whole or not at all. Its "
        "times are those of site.utc_offset_minutes.",
        rows, .secrets = true};
    struct config *config;
    int first;
    int status = options_read(&options, argc, argv, &config, &first);
    if (status >= 0)
        return status;
    struct buf error = {0};
    struct import_counts counts;
    bool done = first + 1 == argc && is_plain_name(argv[first]);
    if (done)
        done = run(config, sql, argv[first], &counts, &error);
    else
        buf_printf(&error, "expected the name of one database: letters, digits, _ and $");
    if (done)
        tell(&counts);
    struct str left = buf_str(&error);
    for (struct str line; str_cut(&left, '\n', &line);)
        fprintf(stderr, "vote-import: %.*s\n", STR_ARG(line));
    buf_free(&error);
    config_free(config);
    return done ? 0 : 1;
}
