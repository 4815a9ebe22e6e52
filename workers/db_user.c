#include "workers/db_handlers.h"

#include "proto/account.h"

enum { VOTED_MAX = 1000 }; /* as in messages.def */

/* ---- user_create -------------------------------------------------------------------------------
 ---- */

static bool refuse_field(struct job *job, const char *field, enum account_error error)
{
    if (error)
        job_fail_field(job, field, account_error_text(error));
    return error;
}

/* A unique key said no: is it this very registration, done before? */
static enum db_error explain_duplicate(struct db *db, struct job *job)
{
    const struct user_create *ask = job->request;
    struct db_rows rows;
    enum db_error error =
        db_query(db, "SELECT id, email_key = LOWER(?) FROM user WHERE request_id = ?",
                 DB_PARAMS(P_TEXT(ask->email), P_ID(ask->request_id)), &rows);
    if (error)
        return error;
    if (rows.count == 0)
        job_fail(job, STATUS_ACCOUNT_TAKEN, NULL);
    else if (!db_at(&rows, 0, 1)->number)
        job_fail_field(job, "request_id", "was used for another account");
    else if (!(error = db_settle(db)))
        job_answer(job, &(struct user_create_reply){.user_id = db_at(&rows, 0, 0)->number});
    return error;
}

static enum db_error create_user(struct db *db, struct job **jobs, size_t count)
{
    (void)count; /* one at a time */
    struct job *job = jobs[0];
    const struct user_create *ask = job->request;
    if (refuse_field(job, "name", account_name(ask->name)) ||
        refuse_field(job, "email", account_email(ask->email)) ||
        refuse_field(job, "phone", account_phone(ask->phone)))
        return DB_OK;
    enum db_error error = db_query(
        db, "INSERT INTO user (name, email, phone, password, request_id) VALUES (?, ?, ?, ?, ?)",
        DB_PARAMS(P_TEXT(ask->name), P_TEXT(ask->email),
                  ask->phone.size ? P_TEXT(ask->phone) : P_NULL, P_TEXT(ask->password_hash),
                  P_ID(ask->request_id)),
        NULL);
    if (error == DB_DUPLICATE)
        return explain_duplicate(db, job);
    if (!error)
        job_answer(job, &(struct user_create_reply){.user_id = db_insert_id(db)});
    return error;
}

void on_user_create(void *thread, struct job **jobs, size_t count)
{
    db_each(thread, jobs, count, create_user);
}

/* ---- user_by_account ---------------------------------------------------------------------------
 ---- */

static enum db_error find_account(struct db *db, struct job **jobs, size_t count)
{
    static const char *const queries[] = {
        [ACCOUNT_IS_EMAIL] =
            "SELECT id, password FROM user WHERE email_key = LOWER(?) AND delete_flag = 0",
        [ACCOUNT_IS_PHONE] = "SELECT id, password FROM user WHERE phone = ? AND delete_flag = 0",
    };
    (void)count; /* one at a time: the log-in's hashing costs a hundred times this query */
    struct job *job = jobs[0];
    const struct user_by_account *ask = job->request;
    enum account_shape shape = account_shape(ask->account);
    struct db_rows rows = {0};
    if (shape != ACCOUNT_IS_NEITHER) {
        enum db_error error = db_query(db, queries[shape], DB_PARAMS(P_TEXT(ask->account)), &rows);
        if (error)
            return error;
    }
    if (rows.count == 0)
        job_fail(job, STATUS_USER_UNKNOWN, NULL);
    else
        job_answer(job, &(struct user_by_account_reply){
                            .user_id = db_at(&rows, 0, 0)->number,
                            .password_hash = db_at(&rows, 0, 1)->text,
                        });
    return DB_OK;
}

void on_user_by_account(void *thread, struct job **jobs, size_t count)
{
    db_each(thread, jobs, count, find_account);
}

/* ---- user_get ----------------------------------------------------------------------------------
 ---- */

/* How many from this row on are the same user's; VOTED_MAX at most. */
static size_t votes_from(const struct db_rows *votes, size_t first)
{
    size_t count = 1;
    while (count < VOTED_MAX && first + count < votes->count &&
           db_at(votes, first + count, 0)->number == db_at(votes, first, 0)->number)
        count++;
    return count;
}

static void answer_user(struct db *db, struct job *job, const struct db_rows *users,
                        const struct db_rows *votes)
{
    const struct user_get *ask = job->request;
    ptrdiff_t row = db_find(users, ask->user_id);
    if (row < 0) {
        job_fail(job, STATUS_USER_UNKNOWN, NULL);
        return;
    }
    struct user_get_reply reply = {.user_id = ask->user_id,
                                   .name = db_at(users, (size_t)row, 1)->text};
    ptrdiff_t first = ask->with_votes ? db_find(votes, ask->user_id) : -1;
    if (first >= 0) {
        size_t count = votes_from(votes, (size_t)first);
        reply.voted = arena_array(db_arena(db), count, sizeof *reply.voted);
        for (; reply.voted_count < count; reply.voted_count++)
            reply.voted[reply.voted_count].question_id =
                db_at(votes, (size_t)first + reply.voted_count, 1)->number;
    }
    job_answer(job, &reply);
}

static enum db_error get_users(struct db *db, struct job **jobs, size_t count)
{
    struct db_rows users, votes = {0};
    struct db_ids ids = db_ids_new(db_arena(db), count), voters = db_ids_new(db_arena(db), count);
    for (size_t i = 0; i < count; i++) {
        const struct user_get *ask = jobs[i]->request;
        db_ids_add(&ids, ask->user_id);
        if (ask->with_votes)
            db_ids_add(&voters, ask->user_id);
    }
    db_ids_sort(&ids);
    db_ids_sort(&voters);
    enum db_error error = db_select_in(db, "SELECT id, name FROM user WHERE id IN (", &ids,
                                       ") AND delete_flag = 0 ORDER BY id", &users);
    if (!error && voters.count)
        error = db_select_in(
            db,
            "SELECT v.user_id, v.question_id FROM vote v STRAIGHT_JOIN question q"
            " ON q.id = v.question_id"
            " WHERE v.user_id IN (",
            &voters,
            ") AND q.delete_flag = 0 AND (q.closes_at IS NULL OR q.closes_at > UTC_TIMESTAMP())"
            " ORDER BY v.user_id, v.question_id DESC",
            &votes);
    if (error)
        return error;
    for (size_t i = 0; i < count; i++)
        if (!db_answer_same(jobs, i))
            answer_user(db, jobs[i], &users, &votes);
    return DB_OK;
}

void on_user_get(void *thread, struct job **jobs, size_t count)
{
    db_together(thread, jobs, count, get_users);
}

/* ---- user_password_set -------------------------------------------------------------------------
 ---- */

static enum db_error set_password(struct db *db, struct job **jobs, size_t count)
{
    (void)count; /* one at a time */
    const struct user_password_set *ask = jobs[0]->request;
    enum db_error error = db_query(
        db, /* the new hash counts as well: the same request again is OK again */
        "UPDATE user SET password = ? WHERE id = ? AND password IN (?, ?) AND delete_flag = 0",
        DB_PARAMS(P_TEXT(ask->new_hash), P_INT(ask->user_id), P_TEXT(ask->old_hash),
                  P_TEXT(ask->new_hash)),
        NULL);
    if (error)
        return error;
    if (db_matched(db))
        job_answer(jobs[0], NULL);
    else
        job_fail(jobs[0], STATUS_NOT_FOUND, NULL);
    return DB_OK;
}

void on_user_password_set(void *thread, struct job **jobs, size_t count)
{
    db_each(thread, jobs, count, set_password);
}
