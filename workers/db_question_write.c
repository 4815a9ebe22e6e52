/* Closing and deleting take the question's row exclusively, voting takes it shared (db_vote.c):
 * they never interleave, and once one of these is answered, the tally is final. */
#include "workers/db_handlers.h"

/* ---- question_create ---------------------------------------------------------------------------
 ---- */

static bool refuse_texts(struct job *job)
{
    const struct question_create *ask = job->request;
    const char *blank = NULL;
    if (str_is_blank(ask->question_text))
        blank = "question_text";
    for (size_t i = 0; !blank && i < ask->choices_count; i++)
        if (str_is_blank(ask->choices[i].choice_text))
            blank = "choices";
    if (blank)
        job_fail_field(job, blank, "is empty");
    else if (ask->closes_at.size && !str_is_datetime(ask->closes_at))
        job_fail_field(job, "closes_at", "is not a date and time, YYYY-MM-DD HH:MM:SS");
    return job->answered;
}

static enum db_error insert_choices(struct db *db, const struct question_create *ask,
                                    int64_t question_id)
{
    struct arena *arena = db_arena(db);
    struct db_param *params = arena_array(arena, 2 * ask->choices_count, sizeof *params);
    for (size_t i = 0; i < ask->choices_count; i++) {
        params[2 * i] = P_INT(question_id);
        params[2 * i + 1] = P_TEXT(ask->choices[i].choice_text);
    }
    const char *sql = db_repeat(arena, "INSERT INTO choice (question_id, choice_text) VALUES ",
                                "(?, ?)", ask->choices_count, "");
    return db_query(db, sql, params, 2 * ask->choices_count, NULL);
}

/* Nothing was inserted: it is there already, nobody is there to own it, or its end is past. */
static enum db_error explain_refusal(struct db *db, struct job *job)
{
    const struct question_create *ask = job->request;
    struct db_rows questions, users;
    enum db_error error =
        db_query(db,
                 "SELECT id, question_text = ? FROM question WHERE request_id = ? AND user_id = ?",
                 DB_PARAMS(P_TEXT(ask->question_text), P_ID(ask->request_id), P_INT(ask->user_id)),
                 &questions)
            ?: db_query(db, "SELECT id FROM user WHERE id = ? AND delete_flag = 0",
                        DB_PARAMS(P_INT(ask->user_id)), &users);
    bool same = !error && questions.count && db_at(&questions, 0, 1)->number;
    if (same)
        error = db_settle(db);
    error = error ?: db_commit(db);
    if (error)
        return error;
    if (same)
        job_answer(job, &(struct question_create_reply){db_at(&questions, 0, 0)->number});
    else if (questions.count)
        job_fail_field(job, "request_id", "was used for another question");
    else if (users.count == 0)
        job_fail(job, STATUS_USER_UNKNOWN, NULL);
    else
        job_fail_field(job, "closes_at", "is not in the future");
    return DB_OK;
}

static enum db_error create_question(struct db *db, struct job **jobs, size_t count)
{
    (void)count; /* one at a time */
    struct job *job = jobs[0];
    const struct question_create *ask = job->request;
    struct db_param closes_at = ask->closes_at.size ? P_TEXT(ask->closes_at) : P_NULL;
    if (refuse_texts(job))
        return DB_OK;
    enum db_error error = db_begin(db);
    if (error)
        return error;
    error = db_query(db,
                     "INSERT INTO question (user_id, question_text, closes_at, request_id)"
                     " SELECT id, ?, ?, ? FROM user WHERE id = ? AND delete_flag = 0"
                     " AND COALESCE(CAST(? AS DATETIME) > UTC_TIMESTAMP(), TRUE)",
                     DB_PARAMS(P_TEXT(ask->question_text), closes_at, P_ID(ask->request_id),
                               P_INT(ask->user_id), closes_at),
                     NULL);
    if (error == DB_DUPLICATE || (!error && db_matched(db) == 0))
        return explain_refusal(db, job);
    int64_t id = db_insert_id(db);
    error = error ?: insert_choices(db, ask, id) ?: db_commit(db);
    if (!error)
        job_answer(job, &(struct question_create_reply){id});
    return error;
}

void on_question_create(void *thread, struct job **jobs, size_t count)
{
    db_each(thread, jobs, count, create_question);
}

/* ---- question_close, question_delete -----------------------------------------------------------
 ---- */

#define THEIRS                                                                                     \
    " WHERE id = ? AND user_id = ? AND EXISTS (SELECT 1 FROM user WHERE id = ? AND delete_flag = " \
    "0)"

static enum db_error change(struct db *db, struct job *job, const char *sql, int64_t question_id,
                            int64_t user_id)
{
    enum db_error error =
        db_query(db, sql, DB_PARAMS(P_INT(question_id), P_INT(user_id), P_INT(user_id)), NULL);
    if (error)
        return error;
    if (db_matched(db) == 0)
        job_fail(job, STATUS_NOT_FOUND, NULL);
    else if (!(error = db_settle(db))) /* it may have been so already: no write */
        job_answer(job, NULL);         /* an empty reply has no fields: any struct will do */
    return error;
}

static enum db_error close_question(struct db *db, struct job **jobs, size_t count)
{
    (void)count; /* one at a time */
    const struct question_close *ask = jobs[0]->request;
    return change(db, jobs[0],
                  "UPDATE question SET closes_at ="
                  " LEAST(COALESCE(closes_at, UTC_TIMESTAMP()), UTC_TIMESTAMP())" THEIRS
                  " AND delete_flag = 0",
                  ask->question_id, ask->user_id);
}

static enum db_error delete_question(struct db *db, struct job **jobs, size_t count)
{
    (void)count; /* one at a time */
    const struct question_delete *ask = jobs[0]->request;
    return change(db, jobs[0], "UPDATE question SET delete_flag = 1" THEIRS, ask->question_id,
                  ask->user_id);
}

void on_question_close(void *thread, struct job **jobs, size_t count)
{
    db_each(thread, jobs, count, close_question);
}

void on_question_delete(void *thread, struct job **jobs, size_t count)
{
    db_each(thread, jobs, count, delete_question);
}
