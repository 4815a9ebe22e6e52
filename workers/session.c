/* session: log-ins in Redis.
 *
 * I own: one connection a thread. I receive session_read, session_create, session_delete,
 * session_delete_all, attempt_count, attempt_clear and answer them. A read is two round trips for
 * all that wait: GET and PTTL give the value and how long it has; for those that are alive
 * EXPIRE moves their end, unless it is idle_s away or a little more, and GET tells whether their
 * user logged out everywhere since (the epoch). */
#include "workers/session.h"

#include "proto/base/clock.h"
#include "proto/base/die.h"
#include "proto/session_value.h"
#include "workers/redis_script.h"

#include <stdlib.h>

enum {
    READ_BATCH = 64,
    ID_BYTES = 32,
    SPARE = 32, /* a session gets a 32nd of idle_s more, so that not every read writes */
};

struct session_thread {
    const struct session_settings *settings;
    struct redis_conn *redis;
    struct redis_script end_all;
    struct attempts *attempts;
    struct buf key; /* of key_of and epoch_key, until the next of them */
};

/* Ids are ours or another service's: any visible ASCII. The length is the message's limit. */
static bool id_is_plausible(struct str id)
{
    for (size_t i = 0; i < id.size; i++)
        if (id.data[i] <= ' ' || id.data[i] > '~')
            return false;
    return id.size > 0;
}

static struct str key_of(struct session_thread *self, struct str id)
{
    buf_reset(&self->key);
    buf_add_str(&self->key, str_from(self->settings->cookie_name));
    buf_add_char(&self->key, '_');
    buf_add_str(&self->key, id);
    return buf_str(&self->key);
}

/* No cookie can name it: a session's key goes on with '_', and a cookie's name has no ':'. */
static struct str epoch_key(struct session_thread *self, int64_t user_id)
{
    buf_reset(&self->key);
    buf_add_str(&self->key, str_from(self->settings->cookie_name));
    buf_add_str(&self->key, STR(":epoch:"));
    buf_add_int(&self->key, user_id);
    return buf_str(&self->key);
}

static struct str seconds(struct job *job, int64_t count)
{
    return str_from(arena_printf(&job->arena, "%lld", (long long)count));
}

static int64_t life_s(const struct session_thread *self)
{
    return self->settings->idle_s + self->settings->idle_s / SPARE;
}

static int64_t now_s(void)
{
    return clock_wall_ms() / 1000;
}

/* ---- session_read -------------------------------------------------------------------------- */

/* A session that Redis has, until it is known whether it still counts. */
struct live {
    struct job *job;
    struct session_value value;
    bool move; /* its end, away */
};

static void add_delete(struct session_thread *self, struct str id)
{
    redis_conn_command(self->redis, STR("DEL"), key_of(self, id));
}

static struct str id_read(const struct job *job)
{
    const struct session_read *request = job->request;
    return request->session_id;
}

/* Run what was added for these jobs; false, and all answered, if Redis is away. */
static bool run_for(struct session_thread *self, const struct live *live, size_t count,
                    const struct redis_reply **out_replies)
{
    enum status status = redis_conn_run(self->redis, true, out_replies);
    for (size_t i = 0; status != STATUS_OK && i < count; i++)
        job_fail(live[i].job, status, "Redis is away");
    return status == STATUS_OK;
}

/* Asks for the values; what is none is answered. Returns how many are left in live. */
static size_t read_values(struct session_thread *self, struct live *live, size_t count)
{
    const struct redis_reply *replies;
    for (size_t i = 0; i < count; i++) {
        struct str key = key_of(self, id_read(live[i].job));
        redis_conn_command(self->redis, STR("GET"), key);
        redis_conn_command(self->redis, STR("PTTL"), key);
    }
    if (!run_for(self, live, count, &replies))
        return 0;
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        struct live one = live[i];
        const struct redis_reply *value = &replies[2 * i], *left_ms = value + 1;
        one.move = left_ms->number < self->settings->idle_s * 1000 || /* none, too */
                   left_ms->number > life_s(self) * 1000;             /* of another service */
        if (value->status != STATUS_OK && value->status != STATUS_INVALID)
            job_fail(one.job, value->status, "Redis refused to read");
        else if (value->kind == REDIS_TEXT && session_value_parse(value->text, &one.value))
            live[kept++] = one;
        else
            job_fail(one.job, STATUS_NOT_LOGGED_IN, NULL);
    }
    return kept;
}

/* When the user last logged out everywhere, or -1. What cannot be read lets nobody in. */
static enum status epoch_of(const struct redis_reply *reply, int64_t *out)
{
#ifdef VOTE_SEEDED_BUG_REDIS_AFTER_TIMEOUT
    /* An epoch read after a session would show that the replies are somebody else's. */
    (void)reply;
    *out = 0;
    return STATUS_OK;
#endif
    *out = -1;
    if (reply->status != STATUS_OK && reply->status != STATUS_INVALID)
        return reply->status;
    if (reply->kind == REDIS_NIL || (reply->kind == REDIS_TEXT && str_to_int64(reply->text, out) &&
                                     *out >= 0 && *out < INT64_MAX))
        return STATUS_OK;
    return STATUS_INTERNAL;
}

/* Answers all of live. Returns how many of them, at its start now, are over and to be deleted. */
static size_t judge(struct session_thread *self, struct live *live, size_t count)
{
    const struct redis_reply *replies;
    struct str life = seconds(live[0].job, life_s(self));
    for (size_t i = 0; i < count; i++) {
        if (live[i].move)
            redis_conn_command(self->redis, STR("EXPIRE"), key_of(self, id_read(live[i].job)),
                               life);
        redis_conn_command(self->redis, STR("GET"), epoch_key(self, live[i].value.user_id));
    }
    if (!run_for(self, live, count, &replies))
        return 0;
    size_t over = 0;
    int64_t epoch, now = now_s();
    for (size_t i = 0; i < count; i++) {
        struct live one = live[i];
        enum status status = one.move ? replies++->status : STATUS_OK;
        if (status == STATUS_OK)
            status = epoch_of(replies, &epoch);
        replies++;
        if (status != STATUS_OK) {
            job_fail(one.job, status, "Redis refused to move its end, or to tell the epoch");
        } else if (one.value.created <= epoch ||
                   now - one.value.created >= self->settings->absolute_s) {
            job_fail(one.job, STATUS_NOT_LOGGED_IN, NULL);
            live[over++] = one;
        } else {
            job_answer(one.job, &(struct session_read_reply){one.value.user_id, one.value.created});
        }
    }
    return over;
}

static void on_session_read(void *thread, struct job **jobs, size_t count)
{
    struct session_thread *self = thread;
    struct live live[READ_BATCH];
    const struct redis_reply *replies;
    size_t asked = 0;
    for (size_t i = 0; i < count; i++)
        if (id_is_plausible(id_read(jobs[i])))
            live[asked++].job = jobs[i];
        else
            job_fail(jobs[i], STATUS_NOT_LOGGED_IN, "not a session id");
    size_t alive = asked ? read_values(self, live, asked) : 0;
    size_t over = alive ? judge(self, live, alive) : 0;
    for (size_t i = 0; i < over; i++)
        add_delete(self, id_read(live[i].job));
    if (over) /* lost? Redis forgets it by itself later, and it is refused until then */
        (void)redis_conn_run(self->redis, true, &replies);
}

/* ---- session_create, session_delete -------------------------------------------------------- */

/* The first thing that went wrong in a run. */
static enum status run_all(struct session_thread *self, size_t count, bool repeatable)
{
    const struct redis_reply *replies;
    enum status status = redis_conn_run(self->redis, repeatable, &replies);
    for (size_t i = 0; status == STATUS_OK && i < count; i++)
        status = replies[i].status;
    return status;
}

/* Now, or just after the user's epoch: who logs out everywhere and in again within a second is
 * logged in. */
static enum status begin(struct session_thread *self, struct session_value *out)
{
    const struct redis_reply *reply;
    int64_t epoch;
    redis_conn_command(self->redis, STR("GET"), epoch_key(self, out->user_id));
    enum status status = redis_conn_run(self->redis, true, &reply);
    if (status == STATUS_OK)
        status = epoch_of(reply, &epoch);
    if (status != STATUS_OK)
        return status;
    out->created = now_s();
    if (out->created <= epoch)
        out->created = epoch + 1;
    return STATUS_OK;
}

/* All or nothing, so that no log-in is lost and none is left behind. */
static enum status replace(struct session_thread *self, struct job *job, struct str id,
                           struct str old_id, const struct session_value *value)
{
    struct buf text = {0};
    int64_t idle_s = life_s(self), absolute_s = self->settings->absolute_s;
    size_t count = 3;
    struct str expiry = seconds(job, idle_s < absolute_s ? idle_s : absolute_s);
    session_value_print(value, &text);
    redis_conn_command(self->redis, STR("MULTI"));
    redis_conn_command(self->redis, STR("SET"), key_of(self, id), buf_str(&text), STR("EX"),
                       expiry);
    if (id_is_plausible(old_id)) {
        add_delete(self, old_id);
        count++;
    }
    redis_conn_command(self->redis, STR("EXEC"));
    buf_free(&text);
    return run_all(self, count, false);
}

static void on_session_create(void *thread, struct job **jobs, size_t count)
{
    struct session_thread *self = thread;
    must(count == 1);
    const struct session_create *request = jobs[0]->request;
    unsigned char bits[ID_BYTES];
    char id[2 * ID_BYTES + 1];
    random_bytes(bits, sizeof bits);
    hex_encode(bits, sizeof bits, id);
    struct session_value value = {.user_id = request->user_id};
    enum status status = begin(self, &value);
    if (status == STATUS_OK)
        status = replace(self, jobs[0], str_from(id), request->old_session_id, &value);
    if (status == STATUS_OK)
        job_answer(jobs[0], &(struct session_create_reply){str_from(id)});
    else
        job_fail(jobs[0], status, "Redis did not store the session");
}

static void on_session_delete(void *thread, struct job **jobs, size_t count)
{
    struct session_thread *self = thread;
    must(count == 1);
    const struct session_delete *request = jobs[0]->request;
    enum status status = STATUS_OK;
    if (id_is_plausible(request->session_id)) {
        add_delete(self, request->session_id);
        status = run_all(self, 1, true);
    }
    if (status == STATUS_OK)
        job_answer(jobs[0], &(struct session_delete_reply){});
    else
        job_fail(jobs[0], status, "Redis did not delete the session");
}

/* Argument 1: now; 2: how long a session lives at most: after that an epoch ends nothing any more.
 * Sessions may begin at most one second behind the last epoch (begin), so the next is later yet. */
static const char end_all_script[] =
    "local now = tonumber(ARGV[1])\n"
    "local epoch = math.max(now, (tonumber(redis.call('GET', KEYS[1]) or '0') or 0) + 1)\n"
    "local text = string.format('%.0f', epoch)\n"
    "redis.call('SET', KEYS[1], text, 'EX', epoch - now + 1 + tonumber(ARGV[2]))\n"
    "return 0\n";

static void on_session_delete_all(void *thread, struct job **jobs, size_t count)
{
    struct session_thread *self = thread;
    must(count == 1);
    const struct session_delete_all *request = jobs[0]->request;
    const struct redis_reply *reply;
    const struct str words[] = {
        epoch_key(self, request->user_id),
        seconds(jobs[0], now_s()),
        seconds(jobs[0], self->settings->absolute_s),
    };
    enum status status = redis_script_run(&self->end_all, self->redis, words,
                                          sizeof words / sizeof *words, 1, &reply);
    if (status == STATUS_OK)
        job_answer(jobs[0], &(struct session_delete_all_reply){});
    else
        job_fail(jobs[0], status, "Redis did not end the sessions");
}

/* ---- attempts ------------------------------------------------------------------------------ */

static void on_attempt_count(void *thread, struct job **jobs, size_t count)
{
    struct session_thread *self = thread;
    must(count == 1);
    attempts_count(self->attempts, jobs[0]);
}

static void on_attempt_clear(void *thread, struct job **jobs, size_t count)
{
    struct session_thread *self = thread;
    must(count == 1);
    attempts_clear(self->attempts, jobs[0]);
}

static const struct job_handler handlers[] = {
    {MESSAGE_session_read, on_session_read, READ_BATCH},
    {MESSAGE_session_create, on_session_create, 1},
    {MESSAGE_session_delete, on_session_delete, 1},
    {MESSAGE_session_delete_all, on_session_delete_all, 1},
    {MESSAGE_attempt_count, on_attempt_count, 1},
    {MESSAGE_attempt_clear, on_attempt_clear, 1},
};

/* ---- a thread ------------------------------------------------------------------------------ */

static void *session_open(const void *settings)
{
    struct session_thread *self = calloc(1, sizeof *self);
    if (!self)
        die("out of memory");
    self->settings = settings;
    self->redis = redis_conn_new(&self->settings->redis);
    self->end_all.body = end_all_script;
    self->attempts = attempts_new(&self->settings->attempts, self->redis);
    return self;
}

static void session_close(void *thread)
{
    struct session_thread *self = thread;
    attempts_free(self->attempts);
    redis_conn_free(self->redis);
    buf_free(&self->key);
    free(self);
}

static void session_watch(void *thread, struct work *work)
{
    struct session_thread *self = thread;
    redis_conn_watch(self->redis, work);
}

const struct job_service session_service = {
    .service = SERVICE_SESSION,
    .handlers = handlers,
    .handler_count = sizeof handlers / sizeof *handlers,
    .open = session_open,
    .close = session_close,
    .watch = session_watch,
};
