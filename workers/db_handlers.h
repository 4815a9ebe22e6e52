/* db_handlers: the handlers of the db pool, one for each message; their contract is job_handler's
 * (workers/job.h), what they promise stands in proto/messages.def. thread: a struct db. */
#ifndef VOTE_WORKERS_DB_HANDLERS_H
#define VOTE_WORKERS_DB_HANDLERS_H

#include "workers/db_batch.h"

/* db_user.c */
void on_user_create(void *thread, struct job **jobs, size_t count);
void on_user_by_account(void *thread, struct job **jobs, size_t count);
void on_user_get(void *thread, struct job **jobs, size_t count);
void on_user_password_set(void *thread, struct job **jobs, size_t count);

/* db_question.c: reads */
void on_question_list(void *thread, struct job **jobs, size_t count);
void on_question_mine(void *thread, struct job **jobs, size_t count);
void on_question_get(void *thread, struct job **jobs, size_t count);

/* db_question_write.c */
void on_question_create(void *thread, struct job **jobs, size_t count);
void on_question_close(void *thread, struct job **jobs, size_t count);
void on_question_delete(void *thread, struct job **jobs, size_t count);

/* db_choice.c */
void on_choice_list(void *thread, struct job **jobs, size_t count);

/* db_choices_load: the visible choices of these questions, by question and id; of deleted questions
 * only if deleted_too. db_choices_of: those of one question, at most 20; *out borrows from the
 * connection's arena. */
struct db_choices {
    struct choice_row *rows;
    int64_t *imported; /* of each row: its tally without votes (sql/002_imported.sql) */
    size_t count;
};
enum db_error db_choices_load(struct db *db, const struct db_ids *questions, bool deleted_too,
                              struct db_choices *out);
size_t db_choices_of(const struct db_choices *choices, int64_t question_id,
                     struct choice_row **out);

/* db_vote.c */
void on_vote_cast(void *thread, struct job **jobs, size_t count);

#endif
