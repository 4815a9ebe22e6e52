/* No automatic reconnect, ever; session settings on every connect; statements prepared once a
 * connection; values only as parameters, and never in a log. */
#include "workers/db_conn.h"

#include "proto/base/clock.h"
#include "proto/base/die.h"
#include "proto/base/log.h"
#include "workers/work.h"

#include <mysql.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    AWAY_MIN_MS = 125, /* between attempts to connect, doubled up to… */
    AWAY_MAX_MS = 500, /* … plus as much again at random */
    IDLE_CLOSE_MS = 60000
};

struct column {
    bool is_number;
    long long number;
    char *text;
    unsigned long capacity, size;
    my_bool null;
};

struct statement {
    char *sql; /* owned */
    size_t sql_size;
    MYSQL_STMT *stmt;
    struct column *columns; /* NULL until it was run once */
    size_t column_count;
};

struct db {
    const struct db_settings *settings;
    MYSQL *mysql; /* NULL: not connected */
    bool kept;    /* one of settings->minsize */
    int64_t used_ms;
    struct statement *statements;
    size_t statement_count, statement_capacity;
    struct arena arena;
    bool in_transaction;
    bool begun; /* by the COMMIT before, for the next db_begin; nothing was done in it yet */
    int64_t matched, insert_id;
    int64_t away_until_ms, away_ms; /* no attempt before; how long to wait after the next failure */
    bool said_away;
    struct work *work; /* where to note statements; NULL: nowhere */
    char last_error[512];
};

static void start_library(void)
{
    if (mysql_library_init(0, NULL, NULL))
        die("the MariaDB client library does not start");
}

struct db *db_open(const struct db_settings *settings)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT; /* mysql_init alone would race here */
    pthread_once(&once, start_library);
    mysql_thread_init();
    struct db *db = calloc(1, sizeof *db);
    if (!db)
        die("out of memory");
    db->settings = settings;
    db->kept = settings->opened && (*settings->opened)++ < settings->minsize;
    return db;
}

void db_close(struct db *db)
{
    db_disconnect(db);
    arena_free(&db->arena);
    free(db->statements);
    free(db);
    mysql_thread_end();
}

const char *db_last_error(const struct db *db)
{
    return db->last_error;
}

void db_watch(struct db *db, struct work *work)
{
    db->work = work;
}

struct arena *db_arena(struct db *db)
{
    return &db->arena;
}

void db_arena_reset(struct db *db)
{
    arena_reset(&db->arena);
}

/* ---- errors ------------------------------------------------------------------------------------
 ---- */

static bool is_callers(enum db_error error)
{
    return error == DB_RETRY || error == DB_DUPLICATE || error == DB_FOREIGN_KEY;
}

/* Note what went wrong; a connection that is of no more use is dropped. sql is our own text: it
 * holds no values. The server's message may. */
static enum db_error failed(struct db *db, const char *sql, unsigned number, const char *message)
{
    enum db_error error = db_error_of(number);
    snprintf(db->last_error, sizeof db->last_error, "%s (%u)", message, number);
    if (!is_callers(error) && !db->settings->quiet)
        log_warn("db_error", L_TEXT("class", db_error_name(error)), L_INT("number", number),
                 L_STR("statement", str_make(sql, strnlen(sql, 60))));
    if (error == DB_AWAY) /* of a running session, too: it is over */
        error = DB_LOST;
    if (error == DB_LOST || error == DB_READ_ONLY)
        db_disconnect(db);
    return error;
}

static enum db_error ask_plain(struct db *db, const char *sql)
{
    if (mysql_real_query(db->mysql, sql, strlen(sql)) == 0)
        return DB_OK;
    return failed(db, sql, mysql_errno(db->mysql), mysql_error(db->mysql));
}

static enum db_error run_plain(struct db *db, const char *sql)
{
    int64_t start_us = db->work ? clock_us() : 0;
    enum db_error error = ask_plain(db, sql);
    if (db->work)
        work_add(db->work, "sql", str_from(sql), start_us, 0, error != DB_OK);
    return error;
}

/* ---- connection --------------------------------------------------------------------------------
 ---- */

static void close_statements(struct db *db)
{
    for (size_t i = 0; i < db->statement_count; i++) {
        struct statement *statement = &db->statements[i];
        mysql_stmt_close(statement->stmt);
        for (size_t c = 0; c < statement->column_count; c++)
            free(statement->columns[c].text);
        free(statement->columns);
        free(statement->sql);
    }
    db->statement_count = 0;
}

void db_disconnect(struct db *db)
{
    if (!db->mysql)
        return;
    mysql_close(db->mysql); /* first: then closing the statements says nothing to the server */
    db->mysql = NULL;
    db->in_transaction = db->begun = false;
    close_statements(db);
}

static unsigned whole_seconds(int64_t ms)
{
    return (unsigned)((ms + 999) / 1000);
}

static void set_options(MYSQL *mysql, const struct db_settings *settings)
{
    my_bool off = 0;
    unsigned connect_s = whole_seconds(settings->connect_timeout_ms);
    unsigned read_s = whole_seconds(settings->read_timeout_ms);
    unsigned local_files = 0; /* a server may not ask for files of ours */
    mysql_options(mysql, MYSQL_OPT_RECONNECT, &off);
    mysql_options(mysql, MYSQL_OPT_CONNECT_TIMEOUT, &connect_s);
    mysql_options(mysql, MYSQL_OPT_READ_TIMEOUT, &read_s);
    mysql_options(mysql, MYSQL_OPT_WRITE_TIMEOUT, &read_s);
    mysql_options(mysql, MYSQL_OPT_LOCAL_INFILE, &local_files);
    mysql_options(mysql, MYSQL_SET_CHARSET_NAME, "utf8mb4");
    if (!*settings->socket) {
        unsigned protocol = MYSQL_PROTOCOL_TCP; /* "localhost" is a host, not a socket */
        mysql_options(mysql, MYSQL_OPT_PROTOCOL, &protocol);
    }
}

/* What every session of ours relies on. */
static enum db_error init_session(struct db *db)
{
    const struct db_settings *settings = db->settings;
    char sql[512], lock_wait[64] = "";
    if (settings->lock_wait_s > 0)
        snprintf(lock_wait, sizeof lock_wait, ", innodb_lock_wait_timeout = %lld",
                 (long long)settings->lock_wait_s);
    snprintf(sql, sizeof sql,
             "SET autocommit = 1, time_zone = '+00:00', collation_connection = utf8mb4_bin, "
             "sql_mode = 'STRICT_ALL_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION', "
             "max_error_count = 1024, max_statement_time = %lld%s",
             (long long)settings->statement_timeout_s, lock_wait);
    enum db_error error = run_plain(db, sql);
    return error ?: run_plain(db, "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED");
}

/* An answer after COMMIT is a promise only if COMMIT is on the disk. Said once a process. */
static void check_durability(struct db *db)
{
    static atomic_bool said;
    struct db_rows rows;
    if (db_query(db, "SELECT @@innodb_flush_log_at_trx_commit, @@log_bin, @@sync_binlog",
                 DB_NO_PARAMS, &rows))
        return;
    bool flush = db_at(&rows, 0, 0)->number == 1;
    bool binlog = db_at(&rows, 0, 1)->number == 0 || db_at(&rows, 0, 2)->number == 1;
    if ((flush && binlog) || atomic_exchange(&said, true))
        return;
    char weak[128];
    snprintf(weak, sizeof weak, "%s%s%s", flush ? "" : "innodb_flush_log_at_trx_commit is not 1",
             flush || binlog ? "" : "; ", binlog ? "" : "sync_binlog is not 1");
    log_error("database_not_durable", L_TEXT("weak", weak),
              L_TEXT("means", "a crash of the server may lose votes that were acknowledged"));
}

static bool text_or_null(const char *text, const char **out)
{
    *out = text && *text ? text : NULL;
    return *out;
}

static enum db_error connect_now(struct db *db)
{
    const struct db_settings *settings = db->settings;
    const char *host, *socket, *name;
    bool local = text_or_null(settings->socket, &socket);
    text_or_null(settings->name, &name);
    text_or_null(local ? NULL : settings->host, &host);
    MYSQL *mysql = mysql_init(NULL);
    if (!mysql)
        die("out of memory");
    set_options(mysql, settings);
    if (!mysql_real_connect(mysql, host, settings->user, settings->password, name,
                            local ? 0 : (unsigned)settings->port, socket, CLIENT_FOUND_ROWS)) {
        snprintf(db->last_error, sizeof db->last_error, "%s (%u)", mysql_error(mysql),
                 mysql_errno(mysql));
        mysql_close(mysql);
        return DB_AWAY;
    }
    db->mysql = mysql;
    if (init_session(db)) {
        db_disconnect(db);
        return DB_AWAY;
    }
    check_durability(db);
    return db->mysql ? DB_OK : DB_AWAY;
}

static void note_away(struct db *db)
{
    uint16_t random;
    random_bytes(&random, sizeof random);
    db->away_ms = db->away_ms ? db->away_ms * 2 : AWAY_MIN_MS;
    if (db->away_ms > AWAY_MAX_MS)
        db->away_ms = AWAY_MAX_MS;
    db->away_until_ms = clock_ms() + db->away_ms + random % db->away_ms;
    if (!db->said_away && !db->settings->quiet)
        log_error("db_away", L_TEXT("error", db->last_error));
    db->said_away = true;
}

enum db_error db_connect(struct db *db)
{
    db->used_ms = clock_ms();
    if (db->mysql)
        return DB_OK;
    if (clock_ms() < db->away_until_ms)
        return DB_AWAY;
    if (connect_now(db)) {
        note_away(db);
        return DB_AWAY;
    }
    if (db->said_away)
        log_info("db_back");
    db->said_away = false;
    db->away_ms = 0;
    return DB_OK;
}

void db_keep(struct db *db)
{
    if (!db->kept) {
        if (db->mysql && clock_ms() - db->used_ms > IDLE_CLOSE_MS)
            db_disconnect(db);
        return;
    }
    if (db->mysql && mysql_ping(db->mysql))
        db_disconnect(db);
    (void)db_connect(db);
}

/* ---- statements --------------------------------------------------------------------------------
 ---- */

static struct statement *find_statement(struct db *db, struct str sql)
{
    for (size_t i = 0; i < db->statement_count; i++)
        if (str_equal(str_make(db->statements[i].sql, db->statements[i].sql_size), sql))
            return &db->statements[i];
    return NULL;
}

static struct statement *keep_statement(struct db *db, struct str sql, MYSQL_STMT *stmt)
{
    if (db->statement_count == db->statement_capacity) {
        db->statement_capacity = db->statement_capacity ? 2 * db->statement_capacity : 32;
        db->statements = realloc(db->statements, db->statement_capacity * sizeof *db->statements);
        if (!db->statements)
            die("out of memory");
    }
    struct statement *statement = &db->statements[db->statement_count++];
    *statement = (struct statement){.sql = strdup(sql.data), .sql_size = sql.size, .stmt = stmt};
    if (!statement->sql)
        die("out of memory");
    return statement;
}

static enum db_error statement_failed(struct db *db, const char *sql, MYSQL_STMT *stmt)
{
    unsigned number = mysql_stmt_errno(stmt);
    char message[256];
    snprintf(message, sizeof message, "%s", mysql_stmt_error(stmt)); /* failed() may free stmt */
    return failed(db, sql, number, message);
}

static enum db_error prepare(struct db *db, const char *sql, struct statement **out)
{
    struct str text = str_from(sql);
    if ((*out = find_statement(db, text)))
        return DB_OK;
    MYSQL_STMT *stmt = mysql_stmt_init(db->mysql);
    if (!stmt)
        die("out of memory");
    if (mysql_stmt_prepare(stmt, sql, text.size)) {
        unsigned number = mysql_stmt_errno(stmt);
        char message[256];
        snprintf(message, sizeof message, "%s", mysql_stmt_error(stmt));
        mysql_stmt_close(stmt);
        return failed(db, sql, number, message);
    }
    *out = keep_statement(db, text, stmt);
    return DB_OK;
}

static void bind_param(MYSQL_BIND *bind, const struct db_param *param)
{
    switch (param->kind) {
    case DB_NULL_PARAM:
        bind->buffer_type = MYSQL_TYPE_NULL;
        break;
    case DB_INT_PARAM:
        bind->buffer_type = MYSQL_TYPE_LONGLONG;
        bind->buffer = (void *)(uintptr_t)&param->number;
        break;
    case DB_TEXT_PARAM:
    case DB_BYTES_PARAM:
        bind->buffer_type = param->kind == DB_TEXT_PARAM ? MYSQL_TYPE_STRING : MYSQL_TYPE_BLOB;
        bind->buffer = (void *)(uintptr_t)(param->text.data ? param->text.data : "");
        bind->buffer_length = param->text.size;
        bind->length_value = param->text.size;
        break;
    }
}

static bool is_integer(enum enum_field_types type)
{
    return type == MYSQL_TYPE_TINY || type == MYSQL_TYPE_SHORT || type == MYSQL_TYPE_INT24 ||
           type == MYSQL_TYPE_LONG || type == MYSQL_TYPE_LONGLONG;
}

/* Give every column of the result a place to be fetched to, as large as its type allows. */
static bool bind_columns(struct statement *statement, struct arena *arena)
{
    MYSQL_RES *meta = mysql_stmt_result_metadata(statement->stmt);
    if (!meta)
        return false;
    statement->column_count = mysql_num_fields(meta);
    statement->columns = calloc(statement->column_count, sizeof *statement->columns);
    MYSQL_BIND *binds = arena_array(arena, statement->column_count, sizeof *binds);
    if (!statement->columns)
        die("out of memory");
    for (size_t i = 0; i < statement->column_count; i++) {
        const MYSQL_FIELD *field = mysql_fetch_field_direct(meta, (unsigned)i);
        struct column *column = &statement->columns[i];
        column->is_number = is_integer(field->type);
        binds[i].is_null = &column->null;
        binds[i].length = &column->size;
        if (column->is_number) {
            binds[i].buffer_type = MYSQL_TYPE_LONGLONG;
            binds[i].buffer = &column->number;
            continue;
        }
        column->capacity = field->length + 1;
        column->text = malloc(column->capacity);
        if (!column->text)
            die("out of memory");
        binds[i].buffer_type = MYSQL_TYPE_STRING;
        binds[i].buffer = column->text;
        binds[i].buffer_length = column->capacity;
    }
    mysql_free_result(meta);
    return mysql_stmt_bind_result(statement->stmt, binds) == 0;
}

static void take_row(const struct statement *statement, struct arena *arena, struct db_value *out)
{
    for (size_t i = 0; i < statement->column_count; i++) {
        const struct column *column = &statement->columns[i];
        out[i].null = column->null;
        if (column->null)
            continue;
        if (column->is_number)
            out[i].number = column->number;
        else
            out[i].text = arena_str(arena, str_make(column->text, column->size));
    }
}

static enum db_error read_rows(struct db *db, struct statement *statement, struct db_rows *out)
{
    MYSQL_STMT *stmt = statement->stmt;
    if (!statement->columns && !bind_columns(statement, &db->arena))
        return statement_failed(db, statement->sql, stmt);
    if (mysql_stmt_store_result(stmt))
        return statement_failed(db, statement->sql, stmt);
    out->columns = statement->column_count;
    out->count = mysql_stmt_num_rows(stmt);
    out->values = arena_array(&db->arena, out->count * out->columns, sizeof *out->values);
    for (size_t row = 0; row < out->count; row++) {
        if (mysql_stmt_fetch(stmt)) {
            mysql_stmt_free_result(stmt);
            return failed(db, statement->sql, 0, "a row does not fit its columns");
        }
        take_row(statement, &db->arena, out->values + row * out->columns);
    }
    mysql_stmt_free_result(stmt);
    return DB_OK;
}

static enum db_error ask_prepared(struct db *db, const char *sql, const struct db_param *params,
                                  size_t param_count, struct db_rows *out_rows)
{
    struct db_rows none;
    struct statement *statement;
    if (!db->mysql)
        return DB_LOST;
    enum db_error error = prepare(db, sql, &statement);
    if (error)
        return error;
    must(mysql_stmt_param_count(statement->stmt) == param_count);
    MYSQL_BIND *binds = arena_array(&db->arena, param_count, sizeof *binds);
    for (size_t i = 0; i < param_count; i++)
        bind_param(&binds[i], &params[i]);
    if ((param_count && mysql_stmt_bind_param(statement->stmt, binds)) ||
        mysql_stmt_execute(statement->stmt))
        return statement_failed(db, sql, statement->stmt);
    if (mysql_stmt_field_count(statement->stmt))
        return read_rows(db, statement, out_rows ? out_rows : &none);
    db->matched = (int64_t)mysql_stmt_affected_rows(statement->stmt);
    db->insert_id = (int64_t)mysql_stmt_insert_id(statement->stmt);
    return DB_OK;
}

/* A statement outside of transactions must not fall into the one that COMMIT began. */
static enum db_error end_begun(struct db *db)
{
    if (!db->begun)
        return DB_OK;
    db->begun = false;
    return run_plain(db, "ROLLBACK");
}

enum db_error db_query(struct db *db, const char *sql, const struct db_param *params,
                       size_t param_count, struct db_rows *out_rows)
{
    enum db_error ended = end_begun(db);
    if (ended)
        return ended;
    int64_t start_us = db->work ? clock_us() : 0;
    enum db_error error = ask_prepared(db, sql, params, param_count, out_rows);
    if (db->work) {
        int64_t rows = error ? 0 : out_rows ? (int64_t)out_rows->count : db->matched;
        work_add(db->work, "sql", str_from(sql), start_us, rows, error != DB_OK);
    }
    return error;
}

int64_t db_matched(const struct db *db)
{
    return db->matched;
}

int64_t db_insert_id(const struct db *db)
{
    return db->insert_id;
}

/* ---- transactions ------------------------------------------------------------------------------
 ---- */

enum db_error db_only_duplicates(struct db *db, bool *out)
{
    *out = true;
    if (mysql_warning_count(db->mysql) == 0)
        return DB_OK;
    enum db_error error = run_plain(db, "SHOW WARNINGS");
    if (error)
        return error;
    MYSQL_RES *warnings = mysql_store_result(db->mysql);
    if (!warnings)
        return failed(db, "SHOW WARNINGS", mysql_errno(db->mysql), mysql_error(db->mysql));
    for (MYSQL_ROW row; (row = mysql_fetch_row(warnings));)
        *out &= db_error_of((unsigned)strtoul(row[1], NULL, 10)) == DB_DUPLICATE;
    mysql_free_result(warnings);
    return DB_OK;
}

enum db_error db_begin(struct db *db)
{
    if (!db->mysql)
        return DB_LOST;
    enum db_error error = db->begun ? DB_OK : run_plain(db, "START TRANSACTION");
    db->begun = false;
    db->in_transaction = !error;
    return error;
}

enum db_error db_commit(struct db *db)
{
    must(db->mysql && db->in_transaction);
    enum db_error error = run_plain(db, "COMMIT AND CHAIN");
    if (!error) {
        db->in_transaction = false;
        db->begun = true;
        return DB_OK;
    }
    if (error == DB_RETRY)
        return error;
    db_disconnect(db); /* whatever it said: only the table tells whether it was done */
    return DB_LOST;
}

void db_rollback(struct db *db)
{
    if (!db->mysql || !db->in_transaction)
        return;
    int64_t start_us = db->work ? clock_us() : 0;
    bool good = !mysql_rollback(db->mysql);
    if (db->work)
        work_add(db->work, "sql", STR("ROLLBACK"), start_us, 0, !good);
    if (!good)
        db_disconnect(db);
    db->in_transaction = false;
}

enum db_error db_script(struct db *db, struct str sql, size_t *out_statement)
{
    *out_statement = 1;
    enum db_error ended = end_begun(db);
    if (ended)
        return ended;
    if (mysql_set_server_option(db->mysql, MYSQL_OPTION_MULTI_STATEMENTS_ON))
        return failed(db, "multi statements", mysql_errno(db->mysql), mysql_error(db->mysql));
    int more = mysql_real_query(db->mysql, sql.data, sql.size);
    for (; more == 0; ++*out_statement, more = mysql_next_result(db->mysql))
        mysql_free_result(mysql_store_result(db->mysql));
    if (more > 0)
        return failed(db, "a script", mysql_errno(db->mysql), mysql_error(db->mysql));
    mysql_set_server_option(db->mysql, MYSQL_OPTION_MULTI_STATEMENTS_OFF);
    return DB_OK;
}
