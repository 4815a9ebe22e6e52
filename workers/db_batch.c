#include "workers/db_batch.h"

#include "proto/base/clock.h"
#include "proto/base/die.h"
#include "proto/base/log.h"

#include <stdlib.h>
#include <time.h>

enum { TRIES = 3, JITTER_MS = 20 };

static void pause_at_random(unsigned tries)
{
    uint32_t random;
    random_bytes(&random, sizeof random);
    int64_t us = 1000 + random % (tries * JITTER_MS * 1000);
    struct timespec pause = {.tv_nsec = us * 1000};
    nanosleep(&pause, NULL);
}

enum db_error db_attempt(struct db *db, int64_t deadline_us, db_work *work, void *arg)
{
    for (unsigned tries = 0, lost = 0;;) {
        enum db_error error = db_connect(db) ?: work(db, arg);
        if (!error)
            return DB_OK;
        db_rollback(db);
        bool again = (error == DB_RETRY && ++tries < TRIES) || (error == DB_LOST && !lost++);
        if (!again || clock_us() >= deadline_us)
            return error;
        log_info("db_retry", L_TEXT("class", db_error_name(error)));
        if (error == DB_RETRY)
            pause_at_random(tries);
    }
}

void db_fail(struct job **jobs, size_t count, enum db_error error)
{
    const struct job *first = NULL;
    int64_t failed = 0;
    for (size_t i = 0; i < count; i++) {
        if (jobs[i]->answered)
            continue;
        first = first ? first : jobs[i];
        failed++;
        job_fail(jobs[i], db_error_status(error), db_error_name(error));
    }
    if (first && error != DB_AWAY) /* said once already, when it went away */
        log_error("db_requests_failed", L_ID("request", first->request_id),
                  L_TEXT("message", first->type->name), L_TEXT("class", db_error_name(error)),
                  L_INT("count", failed));
}

struct jobs_work {
    db_jobs_work *work;
    struct job **jobs;
    size_t count;
};

static enum db_error run_jobs_work(struct db *db, void *arg)
{
    const struct jobs_work *work = arg;
    return work->work(db, work->jobs, work->count);
}

int64_t db_latest_deadline(struct job *const *jobs, size_t count)
{
    int64_t latest = jobs[0]->deadline_us;
    for (size_t i = 1; i < count; i++)
        latest = jobs[i]->deadline_us > latest ? jobs[i]->deadline_us : latest;
    return latest;
}

void db_together(void *thread, struct job **jobs, size_t count, db_jobs_work *work)
{
    struct db *db = thread;
    db_arena_reset(db);
    enum db_error error = db_attempt(db, db_latest_deadline(jobs, count), run_jobs_work,
                                     &(struct jobs_work){work, jobs, count});
    if (error)
        db_fail(jobs, count, error);
}

void db_each(void *thread, struct job **jobs, size_t count, db_jobs_work *work)
{
    for (size_t i = 0; i < count; i++) {
        if (job_expired(jobs[i]))
            job_fail(jobs[i], STATUS_EXPIRED, NULL);
        else
            db_together(thread, &jobs[i], 1, work);
    }
}

/* Requests of whole numbers only: equal structs, since an arena's memory starts zeroed. */
static bool asks_same(const struct job *a, const struct job *b)
{
    return memcmp(a->request, b->request, a->type->record()->size) == 0;
}

void db_by_request(void *thread, struct job **jobs, size_t count, db_jobs_work *work)
{
    for (size_t i = 0; i < count; i++) {
        if (jobs[i]->answered)
            continue;
        struct job **same = arena_array(&jobs[i]->arena, count - i, sizeof(struct job *));
        size_t same_count = 0;
        for (size_t j = i; j < count; j++)
            if (!jobs[j]->answered && asks_same(jobs[i], jobs[j]))
                same[same_count++] = jobs[j];
        db_together(thread, same, same_count, work);
    }
}

bool db_answer_same(struct job **jobs, size_t index)
{
    struct job *job = jobs[index];
    for (size_t i = 0; i < index; i++)
        if (jobs[i]->answered && asks_same(jobs[i], job)) {
            job_answer_like(job, jobs[i]);
            return true;
        }
    return false;
}

enum db_error db_settle(struct db *db)
{
    return db_query(db,
                    "INSERT INTO settled (id, n) VALUES (1, 1) ON DUPLICATE KEY UPDATE n = n + 1",
                    DB_NO_PARAMS, NULL);
}

struct db_ids db_ids_new(struct arena *arena, size_t most)
{
    return (struct db_ids){.items = arena_array(arena, most, sizeof(int64_t))};
}

static int by_value(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

void db_ids_sort(struct db_ids *ids)
{
    size_t kept = 0;
    qsort(ids->items, ids->count, sizeof *ids->items, by_value);
    for (size_t i = 0; i < ids->count; i++)
        if (kept == 0 || ids->items[kept - 1] != ids->items[i])
            ids->items[kept++] = ids->items[i];
    ids->count = kept;
}

struct db_param *db_ids_params(const struct db_ids *ids, size_t places, struct db_param *out)
{
    for (size_t i = 0; i < places; i++)
        *out++ = P_INT(ids->items[i < ids->count ? i : ids->count - 1]);
    return out;
}

const char *db_repeat(struct arena *arena, const char *head, const char *item, size_t count,
                      const char *tail)
{
    size_t head_size = strlen(head), item_size = strlen(item), tail_size = strlen(tail);
    char *sql = arena_alloc(arena, head_size + count * (item_size + 1) + tail_size + 1), *at = sql;
    at = mempcpy(at, head, head_size);
    for (size_t i = 0; i < count; i++) {
        if (i)
            *at++ = ',';
        at = mempcpy(at, item, item_size);
    }
    memcpy(at, tail, tail_size + 1);
    return sql;
}

size_t db_padded(size_t count)
{
    size_t places = 1;
    while (places < count)
        places *= 2;
    return places;
}

enum db_error db_select_in(struct db *db, const char *head, const struct db_ids *ids,
                           const char *tail, struct db_rows *out)
{
    must(ids->count > 0);
    struct arena *arena = db_arena(db);
    size_t places = db_padded(ids->count);
    struct db_param *params = arena_array(arena, places, sizeof *params);
    db_ids_params(ids, places, params);
    return db_query(db, db_repeat(arena, head, "?", places, tail), params, places, out);
}

ptrdiff_t db_find(const struct db_rows *rows, int64_t id)
{
    size_t low = 0, high = rows->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (db_at(rows, middle, 0)->number < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low < rows->count && db_at(rows, low, 0)->number == id ? (ptrdiff_t)low : -1;
}
