/* session: log-ins in Redis.
 *
 * I own: one connection a thread. I receive session_read, session_create, session_delete and answer
 * them. A read is one round trip for all that wait: GETEX gives the value and moves its expiry. */
#include "workers/session.h"

#include "proto/base/clock.h"
#include "proto/base/die.h"
#include "proto/session_value.h"

#include <stdlib.h>

enum { READ_BATCH = 64, ID_BYTES = 32 };

struct session_thread {
    const struct session_settings *settings;
    struct redis_conn *redis;
};

/* Ids are ours or another service's: any visible ASCII. The length is the message's limit. */
static bool id_is_plausible(struct str id)
{
    for (size_t i = 0; i < id.size; i++)
        if (id.data[i] <= ' ' || id.data[i] > '~')
            return false;
    return id.size > 0;
}

static struct str key_of(const struct session_thread *self, struct job *job, struct str id)
{
    return str_from(arena_printf(&job->arena, "%s_%.*s", self->settings->cookie_name, STR_ARG(id)));
}

static struct str seconds(struct job *job, int64_t count)
{
    return str_from(arena_printf(&job->arena, "%lld", (long long)count));
}

static int64_t now_s(void)
{
    return clock_wall_ms() / 1000;
}

/* ---- session_read -------------------------------------------------------------------------- */

enum verdict { VERDICT_VALID, VERDICT_NONE, VERDICT_OVER };

static enum verdict judge(const struct session_thread *self, const struct redis_reply *reply,
                          struct session_value *out)
{
    if (reply->kind != REDIS_TEXT || !session_value_parse(reply->text, out))
        return VERDICT_NONE;
    return now_s() - out->created >= self->settings->absolute_s ? VERDICT_OVER : VERDICT_VALID;
}

/* True if the session is over and should be deleted. */
static bool answer_read(const struct session_thread *self, struct job *job,
                        const struct redis_reply *reply)
{
    if (reply->status != STATUS_OK && reply->status != STATUS_INVALID) {
        job_fail(job, reply->status, "Redis refused to read");
        return false;
    }
    struct session_value value;
    enum verdict verdict = judge(self, reply, &value);
    if (verdict == VERDICT_VALID)
        job_answer(job, &(struct session_read_reply){value.user_id, value.created});
    else
        job_fail(job, STATUS_NOT_LOGGED_IN, NULL);
    return verdict == VERDICT_OVER;
}

static void add_delete(struct session_thread *self, struct job *job, struct str id)
{
    redis_conn_command(self->redis, STR("DEL"), key_of(self, job, id));
}

static struct str id_read(const struct job *job)
{
    const struct session_read *request = job->request;
    return request->session_id;
}

static void on_session_read(void *thread, struct job **jobs, size_t count)
{
    struct session_thread *self = thread;
    struct job *asked[READ_BATCH], *over[READ_BATCH];
    size_t asked_count = 0, over_count = 0;
    struct str idle = seconds(jobs[0], self->settings->idle_s);
    for (size_t i = 0; i < count; i++) {
        struct str id = id_read(jobs[i]);
        if (!id_is_plausible(id)) {
            job_fail(jobs[i], STATUS_NOT_LOGGED_IN, "not a session id");
            continue;
        }
        redis_conn_command(self->redis, STR("GETEX"), key_of(self, jobs[i], id), STR("EX"), idle);
        asked[asked_count++] = jobs[i];
    }
    if (asked_count == 0)
        return;
    const struct redis_reply *replies;
    enum status status = redis_conn_run(self->redis, true, &replies);
    for (size_t i = 0; i < asked_count; i++)
        if (status != STATUS_OK)
            job_fail(asked[i], status, "Redis is away");
        else if (answer_read(self, asked[i], &replies[i]))
            over[over_count++] = asked[i];
    for (size_t i = 0; i < over_count; i++)
        add_delete(self, over[i], id_read(over[i]));
    if (over_count) /* lost? Redis forgets it by itself later, and it is refused until then */
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

/* All or nothing, so that no log-in is lost and none is left behind. */
static enum status replace(struct session_thread *self, struct job *job, struct str id,
                           struct str old_id, const struct session_value *value)
{
    struct buf text = {0};
    int64_t idle_s = self->settings->idle_s, absolute_s = self->settings->absolute_s;
    size_t count = 3;
    struct str expiry = seconds(job, idle_s < absolute_s ? idle_s : absolute_s);
    session_value_print(value, &text);
    redis_conn_command(self->redis, STR("MULTI"));
    redis_conn_command(self->redis, STR("SET"), key_of(self, job, id), buf_str(&text), STR("EX"),
                       expiry);
    if (id_is_plausible(old_id)) {
        add_delete(self, job, old_id);
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
    struct session_value value = {.created = now_s(), .user_id = request->user_id};
    enum status status = replace(self, jobs[0], str_from(id), request->old_session_id, &value);
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
        add_delete(self, jobs[0], request->session_id);
        status = run_all(self, 1, true);
    }
    if (status == STATUS_OK)
        job_answer(jobs[0], &(struct session_delete_reply){});
    else
        job_fail(jobs[0], status, "Redis did not delete the session");
}

static const struct job_handler handlers[] = {
    {MESSAGE_session_read, on_session_read, READ_BATCH},
    {MESSAGE_session_create, on_session_create, 1},
    {MESSAGE_session_delete, on_session_delete, 1},
};

/* ---- a thread ------------------------------------------------------------------------------ */

static void *session_open(const void *settings)
{
    struct session_thread *self = calloc(1, sizeof *self);
    if (!self)
        die("out of memory");
    self->settings = settings;
    self->redis = redis_conn_new(&self->settings->redis);
    return self;
}

static void session_close(void *thread)
{
    struct session_thread *self = thread;
    redis_conn_free(self->redis);
    free(self);
}

const struct job_service session_service = {
    .service = SERVICE_SESSION,
    .handlers = handlers,
    .handler_count = sizeof handlers / sizeof *handlers,
    .open = session_open,
    .close = session_close,
};
