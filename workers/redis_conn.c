/* A context that failed in any way is freed, whatever hiredis could still do with it. */
#include "workers/redis_conn.h"

#include "proto/base/buf.h"
#include "proto/base/clock.h"
#include "proto/base/die.h"
#include "proto/base/log.h"
#include "workers/work.h"

#include <errno.h>
#include <hiredis/hiredis.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

enum { BACKOFF_MIN_MS = 50, BACKOFF_MAX_MS = 1000, ERROR_WORD = 32 };

struct redis_conn {
    const struct redis_settings *settings;
    redisContext *context; /* NULL: not connected */
    struct buf commands;   /* of the next run, as they go over the wire */
    size_t command_count;
    redisReply **raw; /* of the last run, owners of what `replies` points to */
    struct redis_reply *replies;
    size_t reply_count, reply_capacity;
    int64_t backoff_ms, retry_at_us; /* while Redis is away; backoff 0: it is not */
    struct work *work;               /* where to note runs; NULL: nowhere */
    struct buf noted;                /* of the next run, its commands in words */
    char last_error[ERROR_WORD];     /* the error reply logged last, so that a flood is one line */
};

/* What an error reply means, by its first word. */
static const struct error_row {
    const char *word;
    enum status status;
    bool leave; /* this connection will not get better: the next may reach another server */
} error_rows[] = {
    {"LOADING", STATUS_UNAVAILABLE, false},    /* reading its file after a start */
    {"READONLY", STATUS_UNAVAILABLE, true},    /* became a replica */
    {"MASTERDOWN", STATUS_UNAVAILABLE, true},  /* a replica that lost its primary */
    {"NOAUTH", STATUS_UNAVAILABLE, true},      /* wants a password since it was restarted */
    {"OOM", STATUS_UNAVAILABLE, false},        /* full: reads still work */
    {"MISCONF", STATUS_UNAVAILABLE, false},    /* cannot write its disk */
    {"NOREPLICAS", STATUS_UNAVAILABLE, false}, /* too few of them for a write */
    {"BUSY", STATUS_BUSY, false},              /* runs a script */
    {"CLUSTERDOWN", STATUS_UNAVAILABLE, false},
    {"WRONGTYPE", STATUS_INVALID, false},  /* a key that is no text */
    {"NOSCRIPT", STATUS_NOT_FOUND, false}, /* a script it does not have: redis_script.c */
};

/* ---- failing ------------------------------------------------------------------------------- */

static void disconnect(struct redis_conn *conn)
{
    if (conn->context)
        redisFree(conn->context);
    conn->context = NULL;
}

static void went_away(struct redis_conn *conn, const char *why)
{
    if (conn->backoff_ms == 0)
        log_error("redis_away", L_TEXT("error", why));
    conn->backoff_ms = conn->backoff_ms ? 2 * conn->backoff_ms : BACKOFF_MIN_MS;
    if (conn->backoff_ms > BACKOFF_MAX_MS)
        conn->backoff_ms = BACKOFF_MAX_MS;
    conn->retry_at_us = clock_us() + conn->backoff_ms * 1000;
    disconnect(conn);
}

static void came_back(struct redis_conn *conn)
{
    if (conn->backoff_ms)
        log_info("redis_back");
    conn->backoff_ms = 0;
}

static struct str first_word(struct str text)
{
    struct str word = {0};
    str_cut(&text, ' ', &word);
    return word;
}

/* Only the word is logged: the text can quote the command, and with it a session id. */
static void log_error_word(struct redis_conn *conn, struct str word)
{
    char text[ERROR_WORD];
    snprintf(text, sizeof text, "%.*s", STR_ARG(word));
    if (strcmp(text, conn->last_error) == 0)
        return;
    memcpy(conn->last_error, text, sizeof text);
    log_error("redis_error", L_TEXT("error", text));
}

static enum status error_status(struct redis_conn *conn, struct str text, bool *out_leave)
{
    struct str word = first_word(text);
    if (!str_equal(word, STR("NOSCRIPT"))) /* a matter of course after its restart */
        log_error_word(conn, word);
    for (size_t i = 0; i < sizeof error_rows / sizeof *error_rows; i++)
        if (str_equal(word, str_from(error_rows[i].word))) {
            *out_leave |= error_rows[i].leave;
            return error_rows[i].status;
        }
    return STATUS_INTERNAL;
}

/* ---- replies ------------------------------------------------------------------------------- */

static void forget_replies(struct redis_conn *conn)
{
    for (size_t i = 0; i < conn->reply_count; i++)
        freeReplyObject(conn->raw[i]);
    conn->reply_count = 0;
}

static void reserve_replies(struct redis_conn *conn, size_t count)
{
    if (count <= conn->reply_capacity)
        return;
    redisReply **raw = realloc(conn->raw, count * sizeof *raw);
    if (raw)
        conn->raw = raw;
    struct redis_reply *replies = realloc(conn->replies, count * sizeof *replies);
    if (replies)
        conn->replies = replies;
    if (!raw || !replies)
        die("out of memory");
    conn->reply_capacity = count;
}

static struct redis_reply translate(struct redis_conn *conn, const redisReply *raw, bool *out_leave)
{
    struct redis_reply reply = {.kind = REDIS_NIL};
    switch (raw->type) {
    case REDIS_REPLY_STRING:
    case REDIS_REPLY_STATUS:
        reply.kind = REDIS_TEXT;
        reply.text = str_make(raw->str, raw->len);
        break;
    case REDIS_REPLY_INTEGER:
        reply.kind = REDIS_INT;
        reply.number = raw->integer;
        break;
    case REDIS_REPLY_ARRAY:
        for (size_t i = 0; i < raw->elements && reply.status == STATUS_OK; i++)
            reply.status = translate(conn, raw->element[i], out_leave).status;
        reply.kind = REDIS_LIST;
        break;
    case REDIS_REPLY_ERROR:
        reply.kind = REDIS_ERROR;
        reply.text = str_make(raw->str, raw->len);
        reply.status = error_status(conn, reply.text, out_leave);
        break;
    default:
        break;
    }
    return reply;
}

/* ---- sending and waiting ------------------------------------------------------------------- */

enum exchange {
    EXCHANGE_DONE,
    EXCHANGE_CLOSED, /* by the server, before it answered anything */
    EXCHANGE_FAILED
};

static bool wait_readable(redisContext *context, int64_t until_us)
{
    struct pollfd fd = {.fd = context->fd, .events = POLLIN};
    for (;;) {
        int64_t left_ms = (until_us - clock_us() + 999) / 1000;
        int rc = left_ms > 0 ? poll(&fd, 1, (int)left_ms) : 0;
        if (rc > 0)
            return true;
        if (rc == 0 || errno != EINTR)
            return false;
    }
}

static redisReply *read_reply(redisContext *context, int64_t until_us, const char **out_error)
{
    void *reply = NULL;
    *out_error = context->errstr;
    while (redisGetReplyFromReader(context, &reply) == REDIS_OK && !reply) {
        if (!wait_readable(context, until_us)) {
            *out_error = "no answer in time";
            return NULL;
        }
        if (redisBufferRead(context) != REDIS_OK)
            return NULL;
    }
    return reply;
}

static bool was_closed(const redisContext *context)
{
    return context->err == REDIS_ERR_EOF ||
           (context->err == REDIS_ERR_IO && (errno == EPIPE || errno == ECONNRESET));
}

static bool write_all(redisContext *context, struct str bytes)
{
    int done = 0;
    if (redisAppendFormattedCommand(context, bytes.data, bytes.size) != REDIS_OK)
        die("out of memory");
    while (!done)
        if (redisBufferWrite(context, &done) != REDIS_OK)
            return false;
    return true;
}

/* On DONE conn->raw holds `count` replies; otherwise what came is forgotten and *out_error tells.
 */
static enum exchange exchange(struct redis_conn *conn, struct str bytes, size_t count,
                              int64_t until_us, const char **out_error)
{
    redisContext *context = conn->context;
    forget_replies(conn);
    reserve_replies(conn, count);
    bool good = write_all(context, bytes);
    *out_error = context->errstr;
    while (good && conn->reply_count < count) {
        redisReply *reply = read_reply(context, until_us, out_error);
        good = reply != NULL;
        if (good)
            conn->raw[conn->reply_count++] = reply;
    }
#ifndef VOTE_SEEDED_BUG_REDIS_AFTER_TIMEOUT
    if (good && context->reader->len > context->reader->pos) {
        /* One reply too many: none of them can be trusted to be ours. */
        *out_error = "more replies than commands";
        good = false;
    }
#endif
    if (good)
        return EXCHANGE_DONE;
    enum exchange failed =
        conn->reply_count == 0 && was_closed(context) ? EXCHANGE_CLOSED : EXCHANGE_FAILED;
    forget_replies(conn);
    return failed;
}

/* ---- connecting ---------------------------------------------------------------------------- */

/* A command as it goes over the wire (RESP): "*2\r\n$3\r\nGET\r\n$1\r\nk\r\n". hiredis would make
 * each in memory of its own. */
static void add_words(struct buf *out, const struct str *words, size_t count)
{
    buf_add_char(out, '*');
    buf_add_int(out, (int64_t)count);
    for (size_t i = 0; i < count; i++) {
        buf_add_str(out, STR("\r\n$"));
        buf_add_int(out, (int64_t)words[i].size);
        buf_add_str(out, STR("\r\n"));
        buf_add_str(out, words[i]);
    }
    buf_add_str(out, STR("\r\n"));
}

static struct timeval timeval_of(int64_t ms)
{
    return (struct timeval){.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};
}

/* AUTH and SELECT as configured, and a PING: a server that hangs or loads is found out here. */
static size_t greeting(const struct redis_settings *settings, struct buf *out)
{
    char db[12];
    size_t count = 1;
    struct str password = str_from(settings->password);
    if (settings->user[0]) {
        add_words(out, (struct str[]){STR("AUTH"), str_from(settings->user), password}, 3);
        count++;
    } else if (settings->password[0]) {
        add_words(out, (struct str[]){STR("AUTH"), password}, 2);
        count++;
    }
    if (settings->db) {
        snprintf(db, sizeof db, "%d", settings->db);
        add_words(out, (struct str[]){STR("SELECT"), str_from(db)}, 2);
        count++;
    }
    add_words(out, (struct str[]){STR("PING")}, 1);
    return count;
}

static bool greet(struct redis_conn *conn, int64_t until_us, const char **out_error)
{
    struct buf commands = {0};
    size_t count = greeting(conn->settings, &commands);
    bool good = exchange(conn, buf_str(&commands), count, until_us, out_error) == EXCHANGE_DONE;
    for (size_t i = 0; good && i < count; i++)
        if (conn->raw[i]->type == REDIS_REPLY_ERROR) {
            log_error_word(conn, first_word(str_make(conn->raw[i]->str, conn->raw[i]->len)));
            *out_error = "refused";
            good = false;
        }
    buf_free(&commands);
    return good;
}

static bool dial(struct redis_conn *conn)
{
    const struct redis_settings *settings = conn->settings;
    if (conn->backoff_ms && clock_us() < conn->retry_at_us)
        return false;
    int64_t until_us = clock_us() + settings->connect_timeout_ms * 1000;
    struct timeval patience = timeval_of(settings->connect_timeout_ms);
    conn->context = settings->socket[0]
                        ? redisConnectUnixWithTimeout(settings->socket, patience)
                        : redisConnectWithTimeout(settings->host, settings->port, patience);
    if (!conn->context)
        die("out of memory");
    const char *error = conn->context->errstr;
    if (!conn->context->err &&
        redisSetTimeout(conn->context, timeval_of(settings->timeout_ms)) == REDIS_OK &&
        greet(conn, until_us, &error))
        return true;
    went_away(conn, error);
    return false;
}

/* An idle connection has nothing to say: readable means closed, or a reply that nobody asked for.
 */
static void drop_if_stale(struct redis_conn *conn)
{
    if (!conn->context)
        return;
    struct pollfd fd = {.fd = conn->context->fd, .events = POLLIN};
    if (poll(&fd, 1, 0) != 0)
        disconnect(conn);
}

/* ---- the door ------------------------------------------------------------------------------ */

struct redis_conn *redis_conn_new(const struct redis_settings *settings)
{
    struct redis_conn *conn = calloc(1, sizeof *conn);
    if (!conn)
        die("out of memory");
    conn->settings = settings;
    return conn;
}

void redis_conn_free(struct redis_conn *conn)
{
    if (!conn)
        return;
    disconnect(conn);
    forget_replies(conn);
    buf_free(&conn->commands);
    buf_free(&conn->noted);
    free(conn->raw);
    free(conn->replies);
    free(conn);
}

void redis_conn_watch(struct redis_conn *conn, struct work *work)
{
    conn->work = work;
    buf_reset(&conn->noted);
}

static void note_command(struct buf *noted, const struct str *words, size_t count)
{
    buf_add_str(noted, noted->size ? STR("; ") : STR(""));
    buf_add_str(noted, words[0]);
    if (count < 2)
        return;
    size_t plain = 0;
    while (plain < words[1].size && words[1].data[plain] != ':' && words[1].data[plain] != '_')
        plain++;
    buf_add_char(noted, ' ');
    if (plain < words[1].size)
        buf_add_str(noted, str_make(words[1].data, plain + 1));
    buf_add_str(noted, STR("..."));
}

void redis_conn_add(struct redis_conn *conn, const struct str *words, size_t count)
{
    add_words(&conn->commands, words, count);
    conn->command_count++;
    if (conn->work)
        note_command(&conn->noted, words, count);
}

/* What one attempt on an open connection gave; CLOSED may be tried again on a new one. */
static enum exchange run_once(struct redis_conn *conn)
{
    const char *error = NULL;
    int64_t until_us = clock_us() + conn->settings->timeout_ms * 1000;
    enum exchange result =
        exchange(conn, buf_str(&conn->commands), conn->command_count, until_us, &error);
#ifdef VOTE_SEEDED_BUG_REDIS_AFTER_TIMEOUT
    if (result == EXCHANGE_FAILED && !conn->context->err)
        return result;
#endif
    if (result == EXCHANGE_CLOSED)
        disconnect(conn);
    else if (result == EXCHANGE_FAILED)
        went_away(conn, error);
    return result;
}

static void finish_run(struct redis_conn *conn)
{
    bool leave = false, clean = true;
    for (size_t i = 0; i < conn->reply_count; i++) {
        conn->replies[i] = translate(conn, conn->raw[i], &leave);
        clean &= conn->replies[i].status == STATUS_OK;
    }
    if (clean)
        conn->last_error[0] = '\0';
    if (leave)
        went_away(conn, conn->last_error);
    else
        came_back(conn);
}

static enum status run(struct redis_conn *conn, bool repeatable,
                       const struct redis_reply **out_replies)
{
    enum exchange result = EXCHANGE_FAILED;
    drop_if_stale(conn);
    bool was_open = conn->context != NULL;
    if (was_open || dial(conn))
        result = run_once(conn);
    if (result == EXCHANGE_CLOSED && was_open && repeatable && dial(conn))
        result = run_once(conn);
    if (result == EXCHANGE_CLOSED && !conn->backoff_ms)
        went_away(conn, "closed the connection");
    buf_reset(&conn->commands);
    conn->command_count = 0;
    if (result != EXCHANGE_DONE)
        return STATUS_UNAVAILABLE;
    finish_run(conn);
    *out_replies = conn->replies;
    return STATUS_OK;
}

enum status redis_conn_run(struct redis_conn *conn, bool repeatable,
                           const struct redis_reply **out_replies)
{
    int64_t start_us = conn->work ? clock_us() : 0;
    enum status status = run(conn, repeatable, out_replies);
    if (conn->work) {
        work_add(conn->work, "redis", buf_str(&conn->noted), start_us, (int64_t)conn->reply_count,
                 status != STATUS_OK);
        buf_reset(&conn->noted);
    }
    return status;
}
