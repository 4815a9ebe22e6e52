/* redis_conn: one thread's connection to Redis; the only door to hiredis.h.
 *
 * A connection that failed, timed out, or holds a byte nobody asked for is closed and never used
 * again: a late reply on it would be another user's. While Redis is away every run is UNAVAILABLE
 * at once, but for one attempt to connect after 50 ms, 100 ms … at most 1 s. */
#ifndef VOTE_WORKERS_REDIS_CONN_H
#define VOTE_WORKERS_REDIS_CONN_H

#include "proto/base/str.h"
#include "proto/status.h"

struct work;

struct redis_settings {
    const char *socket; /* path of a unix socket; "": host and port */
    const char *host;
    int port;
    int db;
    const char *user, *password; /* "": none */
    int64_t connect_timeout_ms;  /* for a connection, its AUTH and SELECT together */
    int64_t timeout_ms;          /* for all replies of a run together */
};

struct redis_reply {
    enum { REDIS_NIL, REDIS_TEXT, REDIS_INT, REDIS_LIST, REDIS_ERROR } kind;
    struct str text;    /* of a REDIS_TEXT or REDIS_ERROR */
    int64_t number;     /* of a REDIS_INT */
    enum status status; /* OK, or what this error (the first in a REDIS_LIST) means to who asked */
};

struct redis_conn;

/* redis_conn_new: connects at the first run. Settings are borrowed for its life. */
struct redis_conn *redis_conn_new(const struct redis_settings *settings);
void redis_conn_free(struct redis_conn *conn);

/* redis_conn_watch: note every run there, until NULL: its commands, and of a key the part before
 * the first ':' or '_', for the rest may be a session. */
void redis_conn_watch(struct redis_conn *conn, struct work *work);

/* redis_conn_add: a command of the next run, as its words; copied. Words may hold any bytes. */
void redis_conn_add(struct redis_conn *conn, const struct str *words, size_t count);
#define redis_conn_command(conn, ...)                         \
    redis_conn_add((conn), (const struct str[]){__VA_ARGS__}, \
                   sizeof((const struct str[]){__VA_ARGS__}) / sizeof(struct str))

/* redis_conn_run: send the commands added, in one write, and wait for all replies. OK: *out_replies
 * has one for each, valid until the next run. UNAVAILABLE: whether any was carried out is unknown.
 * repeatable: doing them twice is like doing them once; they are sent again, once, when an idle
 * connection turns out to be closed. Blocks up to connect_timeout_ms + timeout_ms. */
enum status redis_conn_run(struct redis_conn *conn, bool repeatable,
                           const struct redis_reply **out_replies);

#endif
