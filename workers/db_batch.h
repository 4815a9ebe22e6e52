/* db_batch: how handlers run their work: again where an error allows it, alone or as a batch. */
#ifndef VOTE_WORKERS_DB_BATCH_H
#define VOTE_WORKERS_DB_BATCH_H

#include "workers/db_conn.h"
#include "workers/job.h"

/* db_attempt: work(db, arg) on a connection, and by its error, until deadline_us (clock_us):
 * DB_RETRY: rolled back, after a random pause the same again, three times in all; DB_LOST: the same
 * once more on a new connection. So work must be the same when done twice: reads are; writes are by
 * their request id. A transaction it left open on an error is rolled back. */
typedef enum db_error db_work(struct db *db, void *arg);
enum db_error db_attempt(struct db *db, int64_t deadline_us, db_work *work, void *arg);

/* db_fail: answer every job not answered yet by what the error means; logged once. */
void db_fail(struct job **jobs, size_t count, enum db_error error);

/* What handlers are made of. It answers every job as its last step, after its last query. */
typedef enum db_error db_jobs_work(struct db *db, struct job **jobs, size_t count);

/* db_together: the work for all jobs at once. db_each: one after the other, each attempted for
 * itself. Both leave every job answered. thread: a struct db. */
void db_together(void *thread, struct job **jobs, size_t count, db_jobs_work *work);
void db_each(void *thread, struct job **jobs, size_t count, db_jobs_work *work);

/* db_by_request: db_together for each group of jobs that ask for the very same (whole numbers
 * only); the work may look at jobs[0] and answer the rest alike. */
void db_by_request(void *thread, struct job **jobs, size_t count, db_jobs_work *work);

/* db_answer_same: if an earlier job of the batch asked for the very same (whole numbers only) and
 * is answered, answer jobs[index] alike. False: it is the first. */
bool db_answer_same(struct job **jobs, size_t index);

/* db_latest_deadline: of all jobs. */
int64_t db_latest_deadline(struct job *const *jobs, size_t count);

/* db_settle: before "that is done already" is answered by a row that was found, where this
 * transaction wrote nothing: InnoDB shows what is committed a moment before it is on the disk, and
 * a COMMIT waits for the disk only if its transaction wrote. This writes; once committed (at once,
 * outside a transaction), what was found stays. The last statement of its transaction: all settle
 * by one row, and who holds its lock waits for nobody. */
enum db_error db_settle(struct db *db);

/* A set of ids, ascending, each once. Made in an arena by adding and then sorting once. */
struct db_ids {
    int64_t *items;
    size_t count;
};
struct db_ids db_ids_new(struct arena *arena, size_t most);
static inline void db_ids_add(struct db_ids *ids, int64_t id)
{
    ids->items[ids->count++] = id;
}
void db_ids_sort(struct db_ids *ids);

/* db_ids_params: the ids (one at least) as so many parameters (ids->count at least), the last again
 * where there are fewer; returns where the next goes. */
struct db_param *db_ids_params(const struct db_ids *ids, size_t places, struct db_param *out);

/* db_repeat: head, item repeated count times with commas, tail. Of our own texts only. */
const char *db_repeat(struct arena *arena, const char *head, const char *item, size_t count,
                      const char *tail);

/* db_padded: the number of places for `count` values of an IN list, a power of two, so that few
 * statements are prepared; the places left take the last value again. */
size_t db_padded(size_t count);

/* db_select_in: head (…) tail, with the ids (at least one) as parameters of an IN list. */
enum db_error db_select_in(struct db *db, const char *head, const struct db_ids *ids,
                           const char *tail, struct db_rows *out);

/* db_find: the first row whose integer column 0 is id; the rows ascend by it. -1: none. */
ptrdiff_t db_find(const struct db_rows *rows, int64_t id);

#endif
