/* The rules of the new schema are checked by itself: each row is inserted, and what the database or
 * proto/account.h refuses is a problem to tell. Passwords, which cost time, are hashed only when no
 * problem was found. */
#include "workers/import.h"

#include "proto/account.h"
#include "proto/base/log.h"
#include "workers/migrate.h"
#include "workers/password_hash.h"

enum {
    TURN = 500,        /* rows in memory at one time */
    PROBLEMS_MAX = 50, /* told; more are counted */
    TEXT_MAX = 200,    /* characters, of questions and choices */
    CHOICES_MAX = 20,  /* of a question, as in messages.def */
    COLUMNS_MAX = 8,
};

struct import {
    struct db *db;
    const struct import_settings *settings;
    struct arena arena; /* statements */
    int64_t problems;
    struct buf *out_error;
};

/* ---- problems ------------------------------------------------------------------------------ */

static void tell(struct import *import, const char *table, int64_t id, const char *column,
                 const char *what)
{
    if (++import->problems <= PROBLEMS_MAX)
        buf_printf(import->out_error, "%s%s %lld: %s %s", import->problems > 1 ? "\n" : "", table,
                   (long long)id, column, what);
}

static bool no_problems(struct import *import)
{
    if (import->problems > PROBLEMS_MAX)
        buf_printf(import->out_error, "\n… and %lld more",
                   (long long)(import->problems - PROBLEMS_MAX));
    return import->problems == 0;
}

static void check_account(struct import *import, int64_t id, const char *column,
                          enum account_error error)
{
    if (error)
        tell(import, "user", id, column, account_error_text(error));
}

static void check_user(struct import *import, const struct db_value *row)
{
    check_account(import, row[0].number, "name", account_name(row[2].text));
    check_account(import, row[0].number, "phone", account_phone(row[3].text));
    check_account(import, row[0].number, "email", account_email(row[4].text));
}

static void check_text(struct import *import, const char *table, const struct db_value *row,
                       const char *column)
{
    struct str text = row[2].text;
    if (!row[2].null && (str_has_control(text) || str_utf8_length(text) > TEXT_MAX))
        tell(import, table, row[0].number, column, "is too long or holds control characters");
}

static void check_question(struct import *import, const struct db_value *row)
{
    check_text(import, "question", row, "question_text");
    if (str_is_blank(row[2].text))
        tell(import, "question", row[0].number, "question_text", "is empty");
}

static void check_choice(struct import *import, const struct db_value *row)
{
    check_text(import, "choice", row, "choice_text");
    if (row[3].number < 0 || row[3].number > INT32_MAX)
        tell(import, "choice", row[0].number, "votes", "is out of range");
}

/* ---- copying rows -------------------------------------------------------------------------- */

static const struct table {
    const char *name;
    const char *columns; /* as they are there; the parameter is the offset of times */
    const char *insert;
    const char *kinds; /* of the columns: i a number, t a text */
    void (*check)(struct import *import, const struct db_value *row);
    const char *duplicate, *orphan; /* what it means when a key refuses the row */
} tables[] = {
    {"user",
     "id, COALESCE(delete_flag, 0) <> 0, name, NULLIF(CAST(phone AS CHAR), ''), email,"
     " COALESCE(DATE_SUB(create_time, INTERVAL ? MINUTE), UTC_TIMESTAMP())",
     "INSERT INTO user (id, delete_flag, name, phone, email, create_time, password, request_id)"
     " VALUES (?, ?, ?, ?, ?, ?, '*', RANDOM_BYTES(16))",
     "iitttt", check_user, "or phone is another's, too", NULL},
    {"question",
     "id, COALESCE(delete_flag, 0) <> 0, question_text, CAST(COALESCE(user_id, 0) AS SIGNED),"
     " COALESCE(DATE_SUB(create_time, INTERVAL ? MINUTE), UTC_TIMESTAMP())",
     "INSERT INTO question (id, delete_flag, question_text, user_id, create_time, request_id)"
     " VALUES (?, ?, ?, ?, ?, RANDOM_BYTES(16))",
     "iitit", check_question, NULL, "user_id"},
    {"choice",
     "id, COALESCE(delete_flag, 0) <> 0, choice_text, CAST(COALESCE(votes, 0) AS SIGNED),"
     " CAST(COALESCE(question_id, 0) AS SIGNED),"
     " COALESCE(DATE_SUB(create_time, INTERVAL ? MINUTE), UTC_TIMESTAMP())",
     "INSERT INTO choice (id, delete_flag, choice_text, imported_votes, question_id, create_time)"
     " VALUES (?, ?, ?, ?, ?, ?)",
     "iitiit", check_choice, NULL, "question_id"},
};

/* The next rows behind an id, which is the last parameter. */
static const char *select_turn(struct import *import, const char *columns, const char *table)
{
    return arena_printf(&import->arena,
                        "SELECT %s FROM `%s`.`%s` WHERE id > ? ORDER BY id LIMIT %d", columns,
                        import->settings->source, table, TURN);
}

static bool insert_row(struct import *import, const struct table *table, const struct db_value *row)
{
    struct db_param params[COLUMNS_MAX];
    size_t count = strlen(table->kinds);
    for (size_t i = 0; i < count; i++)
        params[i] = table->kinds[i] == 'i' ? P_INT(row[i].number)
                    : row[i].null          ? P_NULL
                                           : P_TEXT(row[i].text);
    switch (db_query(import->db, table->insert, params, count, NULL)) {
    case DB_OK:
        return true;
    case DB_DUPLICATE:
        tell(import, table->name, row[0].number, "email", table->duplicate ?: "is there twice");
        return true;
    case DB_FOREIGN_KEY:
        tell(import, table->name, row[0].number, table->orphan ?: "a key", "leads nowhere");
        return true;
    default:
        return migrate_refuse(import->db, import->out_error, table->name);
    }
}

static bool copy_table(struct import *import, const struct table *table, int64_t *out_count)
{
    const char *select = select_turn(import, table->columns, table->name);
    struct db_rows rows = {.count = TURN};
    for (int64_t last = INT64_MIN; rows.count == TURN; *out_count += (int64_t)rows.count) {
        db_arena_reset(import->db);
        if (db_query(import->db, select,
                     DB_PARAMS(P_INT(import->settings->utc_offset_minutes), P_INT(last)), &rows))
            return migrate_refuse(import->db, import->out_error, table->name);
        for (size_t i = 0; i < rows.count; i++) {
            const struct db_value *row = db_at(&rows, i, 0);
            int64_t before = import->problems;
            if (row[0].number < 1)
                tell(import, table->name, row[0].number, "id", "is below 1");
            table->check(import, row);
            if (import->problems == before && !insert_row(import, table, row))
                return false;
            last = row[0].number;
        }
    }
    return true;
}

static bool check_choice_counts(struct import *import)
{
    struct db_rows rows;
    if (db_query(import->db,
                 "SELECT question_id FROM choice WHERE delete_flag = 0 GROUP BY question_id"
                 " HAVING COUNT(*) > ?",
                 DB_PARAMS(P_INT(CHOICES_MAX)), &rows))
        return migrate_refuse(import->db, import->out_error, "choice");
    for (size_t i = 0; i < rows.count; i++)
        tell(import, "question", db_at(&rows, i, 0)->number, "has", "more than 20 choices");
    return true;
}

/* ---- passwords ----------------------------------------------------------------------------- */

/* An empty one stays '*', which fits no password. */
static bool hash_password(struct import *import, int64_t user_id, struct str password)
{
    char hash[PASSWORD_HASH_SIZE];
    if (password.size == 0)
        return true;
    if (!password_hash_make(password, import->settings->opslimit, import->settings->memlimit,
                            hash)) {
        buf_printf(import->out_error, "no memory to hash a password");
        return false;
    }
    password_wipe(password);
    return !db_query(import->db, "UPDATE user SET password = ? WHERE id = ?",
                     DB_PARAMS(P_TEXT(str_from(hash)), P_INT(user_id)), NULL) ||
           migrate_refuse(import->db, import->out_error, "user");
}

static bool hash_passwords(struct import *import)
{
    const char *select = select_turn(import, "id, CAST(COALESCE(password, '') AS CHAR)", "user");
    struct db_rows rows = {.count = TURN};
    for (int64_t last = 0; rows.count == TURN;) {
        db_arena_reset(import->db);
        if (db_query(import->db, select, DB_PARAMS(P_INT(last)), &rows))
            return migrate_refuse(import->db, import->out_error, "user");
        for (size_t i = 0; i < rows.count; i++) {
            last = db_at(&rows, i, 0)->number;
            if (!hash_password(import, last, db_at(&rows, i, 1)->text))
                return false;
        }
        log_info("passwords_hashed", L_INT("up_to_user", last));
    }
    return true;
}

/* ---- the whole ----------------------------------------------------------------------------- */

/* What the older database holds, as one text: the same content has the same. */
static bool name_source(struct import *import, const char **out)
{
    struct db_rows rows;
    if (db_query(import->db,
                 arena_printf(&import->arena,
                              "CHECKSUM TABLE `%1$s`.user, `%1$s`.question, `%1$s`.choice",
                              import->settings->source),
                 DB_NO_PARAMS, &rows))
        return migrate_refuse(import->db, import->out_error, "no database of the older schema");
    *out = "";
    for (size_t i = 0; i < rows.count; i++) {
        if (db_at(&rows, i, 1)->null) {
            buf_printf(import->out_error, "no database of the older schema: there is no table %.*s",
                       STR_ARG(db_at(&rows, i, 0)->text));
            return false;
        }
        *out = arena_printf(&import->arena, "%s%s%lld", *out, i ? " " : "",
                            (long long)db_at(&rows, i, 1)->number);
    }
    return true;
}

static bool was_done(struct import *import, const char *source, struct import_counts *out)
{
    struct db_rows rows;
    if (db_query(import->db,
                 "SELECT users, questions, choices, imported_votes FROM import WHERE source = ?",
                 DB_PARAMS(P_TEXT(str_from(source))), &rows))
        return migrate_refuse(import->db, import->out_error, "import");
    if (rows.count)
        *out = (struct import_counts){db_at(&rows, 0, 0)->number, db_at(&rows, 0, 1)->number,
                                      db_at(&rows, 0, 2)->number, db_at(&rows, 0, 3)->number, true};
    return true;
}

static bool is_empty(struct import *import)
{
    struct db_rows rows;
    if (db_query(import->db, "SELECT id FROM user LIMIT 1", DB_NO_PARAMS, &rows))
        return migrate_refuse(import->db, import->out_error, "user");
    if (rows.count)
        buf_printf(import->out_error, "there are accounts already; only an empty database, without "
                                      "samples, can take over another");
    return rows.count == 0;
}

static bool keep_record(struct import *import, const char *source, struct import_counts *counts)
{
    struct db_rows rows;
    bool done =
        !db_query(import->db, "SELECT CAST(COALESCE(SUM(imported_votes), 0) AS SIGNED) FROM choice",
                  DB_NO_PARAMS, &rows);
    counts->votes = done ? db_at(&rows, 0, 0)->number : 0;
    done =
        done &&
        !db_query(import->db,
                  "INSERT INTO import (source, users, questions, choices, imported_votes)"
                  " VALUES (?, ?, ?, ?, ?)",
                  DB_PARAMS(P_TEXT(str_from(source)), P_INT(counts->users),
                            P_INT(counts->questions), P_INT(counts->choices), P_INT(counts->votes)),
                  NULL);
    return done || migrate_refuse(import->db, import->out_error, "import");
}

static bool take_over(struct import *import, const char *source, struct import_counts *counts)
{
    int64_t *const copied[] = {&counts->users, &counts->questions, &counts->choices};
    if (db_begin(import->db))
        return migrate_refuse(import->db, import->out_error, "import");
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
        if (!copy_table(import, &tables[i], copied[i]))
            return false;
    return check_choice_counts(import) && no_problems(import) && hash_passwords(import) &&
           keep_record(import, source, counts) &&
           (!db_commit(import->db) || migrate_refuse(import->db, import->out_error, "import"));
}

bool import_run(struct db *db, const struct import_settings *settings,
                struct import_counts *out_counts, struct buf *out_error)
{
    const char *source = NULL;
    struct import import = {.db = db, .settings = settings, .out_error = out_error};
    *out_counts = (struct import_counts){0};
    bool done = name_source(&import, &source) && was_done(&import, source, out_counts);
    if (done && !out_counts->before) {
        done = is_empty(&import) && take_over(&import, source, out_counts);
        if (!done)
            db_rollback(db);
    }
    arena_free(&import.arena);
    return done;
}
