/* db_conn: a connection to MariaDB and its prepared statements; the only door to <mysql.h>.
 *
 * A connection belongs to one thread and blocks it, within connect_timeout and read_timeout. It
 * never reconnects by itself: half a transaction must not go on in a fresh session. What a query
 * returns lives in the connection's arena until the next db_arena_reset. */
#ifndef VOTE_WORKERS_DB_CONN_H
#define VOTE_WORKERS_DB_CONN_H

#include "proto/base/arena.h"
#include "proto/base/id.h"
#include "workers/db_error.h"
#include "workers/db_settings.h"

struct db;
struct work;

/* db_open: no connection yet; the settings must outlive it. Never NULL. db_close: and its
 * connection. Both in the thread that uses it. */
struct db *db_open(const struct db_settings *settings);
void db_close(struct db *db);

/* db_connect: DB_OK when there is a connection (it may turn out to be lost). Otherwise connects and
 * prepares the session; after a failure, DB_AWAY without trying for up to a second. */
enum db_error db_connect(struct db *db);

/* db_disconnect: drop the connection, and with it any transaction. */
void db_disconnect(struct db *db);

/* db_keep: nothing to do right now. One of the kept (settings, minsize): see that the connection
 * still stands, or get a new one. Any other is closed after a minute without use. */
void db_keep(struct db *db);

/* db_last_error: the database's own words about the last failure, for start-up messages of tools.
 * Never to be logged or answered: it may hold values (an e-mail in a duplicate key). */
const char *db_last_error(const struct db *db);

/* db_arena: where rows live; callers may use it for what lasts as long. */
struct arena *db_arena(struct db *db);

/* db_watch: note every statement there, until NULL. */
void db_watch(struct db *db, struct work *work);
void db_arena_reset(struct db *db);

struct db_param {
    enum { DB_NULL_PARAM, DB_INT_PARAM, DB_TEXT_PARAM, DB_BYTES_PARAM } kind;
    int64_t number;
    struct str text; /* borrowed */
};

#define P_NULL         ((struct db_param){.kind = DB_NULL_PARAM})
#define P_INT(value_)  ((struct db_param){.kind = DB_INT_PARAM, .number = (value_)})
#define P_TEXT(value_) ((struct db_param){.kind = DB_TEXT_PARAM, .text = (value_)})
/* P_ID: 16 bytes; id_ is a variable that lives until the query is done. */
#define P_ID(id_)                              \
    ((struct db_param){.kind = DB_BYTES_PARAM, \
                       .text = {(const char *)(id_).bytes, sizeof(id_).bytes}})

struct db_value {
    bool null;
    int64_t number;  /* of an integer column; 0 if null */
    struct str text; /* of any other: text, bytes, "YYYY-MM-DD HH:MM:SS"; empty if null */
};

struct db_rows {
    size_t count, columns;
    struct db_value *values; /* row by row */
};

static inline const struct db_value *db_at(const struct db_rows *rows, size_t row, size_t column)
{
    return &rows->values[row * rows->columns + column];
}

/* db_query: run one statement with its parameters, prepared the first time this connection sees the
 * text. out_rows: NULL if the statement returns none. On any error but DB_LOST (which closes the
 * connection) a transaction stays open: db_rollback. Errors are logged here, without values, but
 * for DB_RETRY, DB_DUPLICATE and DB_FOREIGN_KEY, which are their caller's to judge. */
enum db_error db_query(struct db *db, const char *sql, const struct db_param *params,
                       size_t param_count, struct db_rows *out_rows);

/* DB_PARAMS: the two arguments of a list written in place. */
#define DB_PARAMS(...)                      \
    (const struct db_param[]){__VA_ARGS__}, \
        sizeof((const struct db_param[]){__VA_ARGS__}) / sizeof(struct db_param)
#define DB_NO_PARAMS NULL, 0

/* db_matched: rows the last statement found to change (changed or not). db_insert_id: the id the
 * last INSERT was given. */
int64_t db_matched(const struct db *db);
int64_t db_insert_id(const struct db *db);

/* db_only_duplicates: *out: every warning of the last statement was a duplicate key (INSERT IGNORE
 * turns worse into warnings, too). */
enum db_error db_only_duplicates(struct db *db, bool *out);

/* db_begin, db_commit, db_rollback. COMMIT begins the next transaction too, which saves db_begin
 * its round trip; in it nothing is seen or locked before its first statement. When COMMIT fails
 * with DB_LOST its outcome is not known: the same INSERT with the same request id on a new
 * connection tells. db_rollback may be called at any time. */
enum db_error db_begin(struct db *db);
enum db_error db_commit(struct db *db);
void db_rollback(struct db *db);

/* db_script: run a text of statements separated by ';', for migrations. On failure
 * *out_statement is the number, from 1, of the one that failed. */
enum db_error db_script(struct db *db, struct str sql, size_t *out_statement);

#endif
