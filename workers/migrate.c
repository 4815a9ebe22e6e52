#include "workers/migrate.h"

#include "proto/base/die.h"
#include "proto/base/log.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum { LOCK_WAIT_S = 120 };

struct migration {
    int64_t number;
    const char *name; /* of the file */
    struct str sql;
    const char *sha256; /* hex */
    bool applied;
};

struct migrations {
    struct migration *items;
    size_t count;
};

bool migrate_refuse(struct db *db, struct buf *out_error, const char *what)
{
    buf_printf(out_error, "%s: %s", what, db_last_error(db));
    return false;
}

/* ---- the connection ----------------------------------------------------------------------------
 ---- */

/* Choose the database, made if it is missing. A name is the one thing that no parameter can carry:
 * it is quoted, from the configuration and not from a request. */
static bool choose_database(struct db *db, struct str name, struct buf *out_error)
{
    struct db_rows rows;
    struct buf quoted = {0}, sql = {0};
    size_t statement;
    for (size_t i = 0; i < name.size; i++)
        buf_add(&quoted, name.data[i] == '`' ? "``" : name.data + i, name.data[i] == '`' ? 2 : 1);
    bool done =
        !db_query(db, "SELECT schema_name FROM information_schema.schemata WHERE schema_name = ?",
                  DB_PARAMS(P_TEXT(name)), &rows);
    if (done && rows.count == 0)
        buf_printf(&sql,
                   "CREATE DATABASE IF NOT EXISTS `%.*s` CHARACTER SET utf8mb4 COLLATE "
                   "utf8mb4_bin;",
                   STR_ARG(buf_str(&quoted)));
    buf_printf(&sql, "USE `%.*s`", STR_ARG(buf_str(&quoted)));
    done = done && !db_script(db, buf_str(&sql), &statement);
    buf_free(&quoted);
    buf_free(&sql);
    return done || migrate_refuse(db, out_error, "the database cannot be made");
}

static bool lock(struct db *db, struct buf *out_error)
{
    struct db_rows rows;
    if (db_query(db, "SELECT GET_LOCK('vote-migrate', ?)", DB_PARAMS(P_INT(LOCK_WAIT_S)), &rows))
        return migrate_refuse(db, out_error, "the lock of migrations");
    if (db_at(&rows, 0, 0)->number == 1)
        return true;
    buf_printf(out_error, "another vote-migrate has been at work for %d s", LOCK_WAIT_S);
    return false;
}

struct db *migrate_connect(struct db_settings *settings, struct buf *out_error)
{
    struct str name = str_from(settings->name);
    settings->name = "";
    settings->read_timeout_ms = 24 * 3600 * 1000;
    settings->statement_timeout_s = 0;
    settings->lock_wait_s = 0;
    settings->quiet = true;
    struct db *db = db_open(settings);
    bool connected =
        !db_connect(db) || migrate_refuse(db, out_error, "no connection to the database");
    if (connected && choose_database(db, name, out_error) && lock(db, out_error))
        return db;
    db_close(db);
    return NULL;
}

/* ---- files -------------------------------------------------------------------------------------
 ---- */

bool migrate_read_file(const char *directory, const char *name, struct arena *arena,
                       struct str *out, struct buf *out_error)
{
    struct buf content = {0};
    const char *path = arena_printf(arena, "%s/%s", directory, name);
    FILE *file = fopen(path, "re");
    size_t n = file ? 1 : 0;
    while (n > 0) {
        n = fread(buf_reserve(&content, 65536), 1, 65536, file);
        content.size += n;
    }
    bool done = file && !ferror(file);
    if (!done)
        buf_printf(out_error, "%s: %s", path, strerror(errno));
    *out = arena_str(arena, buf_str(&content));
    buf_free(&content);
    if (file)
        fclose(file);
    return done;
}

/* "001_tables.sql" is 1; -1: no such name. */
static int64_t number_of(const char *name)
{
    size_t digits = strspn(name, "0123456789");
    int64_t number;
    bool good = digits >= 3 && name[digits] == '_' && str_ends(str_from(name), STR(".sql")) &&
                str_to_int64(str_make(name, digits), &number);
    return good ? number : -1;
}

static int by_number(const void *a, const void *b)
{
    const struct migration *x = a, *y = b;
    return (x->number > y->number) - (x->number < y->number);
}

static bool list_files(const char *directory, struct arena *arena, struct migrations *out,
                       struct buf *out_error)
{
    struct dirent **entries;
    int count = scandir(directory, &entries, NULL, alphasort);
    if (count < 0) {
        buf_printf(out_error, "%s: %s", directory, strerror(errno));
        return false;
    }
    out->items = arena_array(arena, (size_t)count, sizeof *out->items);
    for (int i = 0; i < count; i++) {
        int64_t number = number_of(entries[i]->d_name);
        if (number >= 0)
            out->items[out->count++] = (struct migration){
                .number = number, .name = arena_cstr(arena, str_from(entries[i]->d_name))};
        free(entries[i]);
    }
    free(entries);
    qsort(out->items, out->count, sizeof *out->items, by_number);
    return true;
}

/* All files with their content and hash; the hash is the server's, one library less here. */
static bool load_files(struct db *db, const char *directory, struct migrations *out,
                       struct buf *out_error)
{
    struct db_rows rows;
    struct arena *arena = db_arena(db);
    if (!list_files(directory, arena, out, out_error))
        return false;
    if (out->count == 0) {
        buf_printf(out_error, "%s: no file NNN_name.sql in it", directory);
        return false;
    }
    for (size_t i = 0; i < out->count; i++) {
        struct migration *file = &out->items[i];
        if (i > 0 && file->number == out->items[i - 1].number) {
            buf_printf(out_error, "%s and %s have the same number", out->items[i - 1].name,
                       file->name);
            return false;
        }
        if (!migrate_read_file(directory, file->name, arena, &file->sql, out_error))
            return false;
        if (db_query(db, "SELECT SHA2(?, 256)",
                     DB_PARAMS((struct db_param){.kind = DB_BYTES_PARAM, .text = file->sql}),
                     &rows))
            return migrate_refuse(db, out_error, file->name);
        file->sha256 = db_at(&rows, 0, 0)->text.data;
    }
    return true;
}

/* ---- applying ----------------------------------------------------------------------------------
 ---- */

static const char make_table[] = "CREATE TABLE IF NOT EXISTS schema_version ("
                                 "  number BIGINT NOT NULL PRIMARY KEY,"
                                 "  name VARCHAR(255) NOT NULL,"
                                 "  size BIGINT NOT NULL,"
                                 "  sha256 CHAR(64) NOT NULL,"
                                 "  create_time DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP"
                                 ") ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE "
                                 "utf8mb4_bin";

static struct migration *find_file(const struct migrations *files, int64_t number)
{
    for (size_t i = 0; i < files->count; i++)
        if (files->items[i].number == number)
            return &files->items[i];
    return NULL;
}

/* What was applied is still there, the same, and comes before what was not. */
static bool check_applied(struct db *db, struct migrations *files, struct buf *out_error)
{
    struct db_rows applied;
    int64_t last = -1;
    if (db_query(db, "SELECT number, name, sha256 FROM schema_version ORDER BY number",
                 DB_NO_PARAMS, &applied))
        return migrate_refuse(db, out_error, "schema_version");
    for (size_t i = 0; i < applied.count; i++) {
        struct migration *file = find_file(files, last = db_at(&applied, i, 0)->number);
        struct str name = db_at(&applied, i, 1)->text, sha256 = db_at(&applied, i, 2)->text;
        if (!file || !str_equal(sha256, str_from(file->sha256))) {
            buf_printf(out_error, "%.*s was applied and is %s: applied files stay as they were",
                       STR_ARG(name), file ? "changed" : "missing");
            return false;
        }
        file->applied = true;
    }
    for (size_t i = 0; i < files->count; i++)
        if (!files->items[i].applied && files->items[i].number < last) {
            buf_printf(out_error, "%s is new, but its number is below %lld, which is applied",
                       files->items[i].name, (long long)last);
            return false;
        }
    return true;
}

static bool apply_file(struct db *db, const struct migration *file, struct buf *out_error)
{
    size_t statement;
    if (db_script(db, file->sql, &statement)) {
        buf_printf(out_error, "%s: statement %zu: %s", file->name, statement, db_last_error(db));
        return false;
    }
    if (db_query(db, "INSERT INTO schema_version (number, name, size, sha256) VALUES (?, ?, ?, ?)",
                 DB_PARAMS(P_INT(file->number), P_TEXT(str_from(file->name)),
                           P_INT((int64_t)file->sql.size), P_TEXT(str_from(file->sha256))),
                 NULL))
        return migrate_refuse(db, out_error, file->name);
    log_info("migration_applied", L_TEXT("file", file->name));
    return true;
}

bool migrate_apply(struct db *db, const char *directory, struct buf *out_error)
{
    struct migrations files = {0};
    size_t statement;
    if (!load_files(db, directory, &files, out_error))
        return false;
    if (db_script(db, str_from(make_table), &statement))
        return migrate_refuse(db, out_error, "schema_version");
    if (!check_applied(db, &files, out_error))
        return false;
    for (size_t i = 0; i < files.count; i++)
        if (!files.items[i].applied && !apply_file(db, &files.items[i], out_error))
            return false;
    return true;
}
