/* password: Argon2id.
 *
 * I own nothing but time. I receive password_hash, password_verify and answer them, one at a time a
 * thread. Whoever asks about an account that does not exist waits as long as for one that does. */
#include "workers/password.h"

#include "proto/base/clock.h"
#include "proto/base/die.h"

#include <stdatomic.h>
#include <stdlib.h>

struct password_thread {
    const struct password_settings *settings;
};

/* ---- time ---------------------------------------------------------------------------------- */

void password_measure(const struct password_settings *settings)
{
    int64_t start = clock_us();
    if (!password_hash_make(STR("nobody's password"), settings->opslimit, settings->memlimit,
                            settings->measure->dummy))
        die("password.memlimit: %zu bytes are more than this machine gives", settings->memlimit);
    atomic_store(&settings->measure->hash_us, clock_us() - start);
}

/* Threads may overwrite each other's step: it is an estimate. */
static void note_duration(const struct password_settings *settings, int64_t us)
{
    int64_t old = atomic_load(&settings->measure->hash_us);
    atomic_store(&settings->measure->hash_us, (7 * old + us) / 8);
}

static size_t password_queue_limit(const void *service_settings, size_t threads)
{
    const struct password_settings *settings = service_settings;
    int64_t hash_us = atomic_load(&settings->measure->hash_us);
    int64_t limit = settings->queue_us * (int64_t)threads / (hash_us > 0 ? hash_us : 1);
    return limit > 0 ? (size_t)limit : 1;
}

/* ---- handlers ------------------------------------------------------------------------------ */

static bool hash_timed(const struct password_settings *settings, struct str password,
                       char out[PASSWORD_HASH_SIZE])
{
    int64_t start = clock_us();
    bool good = password_hash_make(password, settings->opslimit, settings->memlimit, out);
    note_duration(settings, clock_us() - start);
    return good;
}

static bool verify_timed(const struct password_settings *settings, struct str hash,
                         struct str password)
{
    int64_t start = clock_us();
    bool known = password_hash_is_valid(hash);
    bool same =
        password_hash_verify(known ? hash : str_from(settings->measure->dummy), password) && known;
    note_duration(settings, clock_us() - start);
    return same;
}

static void on_password_hash(void *thread, struct job **jobs, size_t count)
{
    const struct password_settings *settings = ((struct password_thread *)thread)->settings;
    must(count == 1);
    const struct password_hash *request = jobs[0]->request;
    char hash[PASSWORD_HASH_SIZE];
    if (hash_timed(settings, request->password, hash))
        job_answer(jobs[0], &(struct password_hash_reply){str_from(hash)});
    else
        job_fail(jobs[0], STATUS_UNAVAILABLE, "no memory for a hash");
    password_wipe(request->password);
    password_wipe(str_make(hash, sizeof hash));
}

static void on_password_verify(void *thread, struct job **jobs, size_t count)
{
    const struct password_settings *settings = ((struct password_thread *)thread)->settings;
    must(count == 1);
    const struct password_verify *request = jobs[0]->request;
    char fresh[PASSWORD_HASH_SIZE] = "";
    bool same = verify_timed(settings, request->hash, request->password);
    if (same && password_hash_is_weaker(request->hash, settings->opslimit, settings->memlimit) &&
        !hash_timed(settings, request->password, fresh))
        fresh[0] = '\0'; /* no memory now: the next log-in makes it */
    if (same)
        job_answer(jobs[0], &(struct password_verify_reply){str_from(fresh)});
    else
        job_fail(jobs[0], STATUS_PASSWORD_MISMATCH, NULL);
    password_wipe(request->password);
    password_wipe(str_make(fresh, sizeof fresh));
}

static const struct job_handler handlers[] = {
    {MESSAGE_password_hash, on_password_hash, 1},
    {MESSAGE_password_verify, on_password_verify, 1},
};

/* ---- a thread ------------------------------------------------------------------------------ */

static void *password_open(const void *settings)
{
    struct password_thread *self = calloc(1, sizeof *self);
    if (!self)
        die("out of memory");
    self->settings = settings;
    return self;
}

const struct job_service password_service = {
    .service = SERVICE_PASSWORD,
    .handlers = handlers,
    .handler_count = sizeof handlers / sizeof *handlers,
    .open = password_open,
    .close = free,
    .queue_limit = password_queue_limit,
};
