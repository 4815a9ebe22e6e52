/* What a reader sees hangs together without a transaction by the order of the queries: the asker's
 * own vote first, then the questions, then the tallies. So a vote that is shown is in its tally,
 * and the tally of a question shown as closed is final: votes still on their way when it closed are
 * waited for in between. */
#include "workers/db_handlers.h"

#include "proto/base/id.h"

enum { OPEN, CLOSED, JUST_CLOSED }; /* what the 7th column says */

/* No vote's transaction lasts as long as these 60 seconds. */
#define QUESTION_COLUMNS                                                                        \
    "SELECT q.id, q.user_id, u.name, q.question_text, q.create_time, q.closes_at,"              \
    " CASE WHEN q.closes_at > UTC_TIMESTAMP() OR q.closes_at IS NULL THEN 0"                    \
    " WHEN q.closes_at < UTC_TIMESTAMP() - INTERVAL 60 SECOND THEN 1 ELSE 2 END, q.delete_flag" \
    " FROM question q"
#define WITH_OWNER " LEFT JOIN user u ON u.id = q.user_id AND u.delete_flag = 0"

static struct question_row question_of(const struct db_rows *rows, size_t row)
{
    return (struct question_row){
        .id = db_at(rows, row, 0)->number,
        .user_id = db_at(rows, row, 1)->number,
        .user_name = db_at(rows, row, 2)->text,
        .question_text = db_at(rows, row, 3)->text,
        .create_time = db_at(rows, row, 4)->text,
        .closes_at = db_at(rows, row, 5)->text,
        .closed = db_at(rows, row, 6)->number != OPEN,
        .deleted = db_at(rows, row, 7)->number,
    };
}

/* A vote judged in time may commit after the end; it holds the question's row shared until then. */
static enum db_error await_last_votes(struct db *db, const struct db_rows *rows)
{
    struct db_rows none;
    struct db_ids ids = db_ids_new(db_arena(db), rows->count);
    for (size_t i = 0; i < rows->count; i++)
        if (db_at(rows, i, 6)->number == JUST_CLOSED)
            db_ids_add(&ids, db_at(rows, i, 0)->number);
    db_ids_sort(&ids);
    if (ids.count == 0)
        return DB_OK;
    return db_select_in(db, "SELECT id FROM question FORCE INDEX (PRIMARY) WHERE id IN (", &ids,
                        ") ORDER BY id FOR UPDATE", &none);
}

/* ---- question_list, question_mine --------------------------------------------------------------
 ---- */

/* One page of questions: the rows, which are limit + 1 if there are more, and their choices. */
static enum db_error load_page(struct db *db, const struct db_rows *rows, int64_t limit,
                               struct question_list_reply *out)
{
    struct db_choices choices;
    out->more = (int64_t)rows->count > limit;
    out->questions_count = out->more ? (size_t)limit : rows->count;
    out->questions = arena_array(db_arena(db), out->questions_count, sizeof *out->questions);
    struct db_ids ids = db_ids_new(db_arena(db), out->questions_count);
    for (size_t i = 0; i < out->questions_count; i++) {
        out->questions[i] = question_of(rows, i);
        db_ids_add(&ids, out->questions[i].id);
    }
    db_ids_sort(&ids);
    enum db_error error = await_last_votes(db, rows) ?: db_choices_load(db, &ids, true, &choices);
    for (size_t i = 0; !error && i < out->questions_count; i++) {
        struct question_row *question = &out->questions[i];
        question->choices_count = db_choices_of(&choices, question->id, &question->choices);
    }
    return error;
}

static int64_t below(int64_t before)
{
    return before ? before : INT64_MAX;
}

static enum db_error list_questions(struct db *db, struct job **jobs, size_t count)
{
    struct db_rows rows;
    const struct question_list *ask = jobs[0]->request;
    struct question_list_reply reply = {0};
    enum db_error error =
        db_query(db,
                 QUESTION_COLUMNS WITH_OWNER
                 " WHERE q.id < ? AND q.delete_flag = 0"
                 " AND (q.closes_at IS NULL OR q.closes_at > UTC_TIMESTAMP())"
                 " ORDER BY q.id DESC LIMIT ?",
                 DB_PARAMS(P_INT(below(ask->before)), P_INT(ask->limit + 1)), &rows)
            ?: load_page(db, &rows, ask->limit, &reply);
    if (error)
        return error;
    job_answer(jobs[0], &reply);
    for (size_t i = 1; i < count; i++)
        job_answer_like(jobs[i], jobs[0]);
    return DB_OK;
}

static enum db_error list_mine(struct db *db, struct job **jobs, size_t count)
{
    struct db_rows rows;
    const struct question_mine *ask = jobs[0]->request;
    struct question_list_reply page = {0};
    enum db_error error =
        db_query(db,
                 QUESTION_COLUMNS " JOIN user u ON u.id = q.user_id AND u.delete_flag = 0"
                                  " WHERE q.user_id = ? AND q.id < ? ORDER BY q.id DESC LIMIT ?",
                 DB_PARAMS(P_INT(ask->user_id), P_INT(below(ask->before)), P_INT(ask->limit + 1)),
                 &rows)
            ?: load_page(db, &rows, ask->limit, &page);
    if (error)
        return error;
    job_answer(jobs[0], &(struct question_mine_reply){.questions = page.questions,
                                                      .questions_count = page.questions_count,
                                                      .more = page.more});
    for (size_t i = 1; i < count; i++)
        job_answer_like(jobs[i], jobs[0]);
    return DB_OK;
}

void on_question_list(void *thread, struct job **jobs, size_t count)
{
    db_by_request(thread, jobs, count, list_questions);
}

void on_question_mine(void *thread, struct job **jobs, size_t count)
{
    db_by_request(thread, jobs, count, list_mine);
}

/* ---- question_get ------------------------------------------------------------------------------
 ---- */

/* The votes of those who ask, on what they ask about: question, choice, user, receipt. */
static enum db_error load_own_votes(struct db *db, struct job **jobs, size_t count,
                                    struct db_rows *out)
{
    struct arena *arena = db_arena(db);
    size_t places = db_padded(count);
    struct db_param *params = arena_array(arena, 2 * places, sizeof *params);
    for (size_t i = 0; i < places; i++) {
        const struct question_get *ask = jobs[i < count ? i : count - 1]->request;
        params[2 * i] = P_INT(ask->question_id);
        params[2 * i + 1] = P_INT(ask->user_id);
    }
    const char *sql = db_repeat(arena,
                                "SELECT question_id, user_id, choice_id, receipt FROM vote"
                                " WHERE (question_id, user_id) IN (",
                                "(?, ?)", places, ")");
    return db_query(db, sql, params, 2 * places, out);
}

/* Of the reply's choices, which are rows of choices. */
static void add_imported(struct arena *arena, const struct db_choices *choices,
                         struct question_get_reply *reply)
{
    const struct question_row *question = reply->question;
    size_t first = (size_t)(question->choices - choices->rows);
    reply->imported = arena_array(arena, question->choices_count, sizeof *reply->imported);
    for (size_t i = 0; i < question->choices_count; i++)
        if (choices->imported[first + i] > 0)
            reply->imported[reply->imported_count++] =
                (struct choice_imported){question->choices[i].id, choices->imported[first + i]};
}

static void answer_question(struct db *db, struct job *job, const struct db_rows *questions,
                            const struct db_choices *choices, const struct db_rows *votes)
{
    const struct question_get *ask = job->request;
    ptrdiff_t row = db_find(questions, ask->question_id);
    struct question_row question = {0};
    if (row >= 0)
        question = question_of(questions, (size_t)row);
    bool theirs = question.user_id == ask->user_id && question.user_name.size > 0;
    if (row < 0 || (question.deleted && !theirs)) {
        job_fail(job, STATUS_NOT_FOUND, NULL);
        return;
    }
    question.choices_count = db_choices_of(choices, ask->question_id, &question.choices);
    struct question_get_reply reply = {.question = &question, .question_count = 1};
    add_imported(db_arena(db), choices, &reply);
    for (size_t i = 0; i < votes->count; i++)
        if (db_at(votes, i, 0)->number == ask->question_id &&
            db_at(votes, i, 1)->number == ask->user_id) {
            char *receipt = arena_alloc(db_arena(db), ID_TEXT + 1);
            hex_encode(db_at(votes, i, 3)->text.data, db_at(votes, i, 3)->text.size, receipt);
            reply.my_choice_id = db_at(votes, i, 2)->number;
            reply.receipt = str_from(receipt);
        }
    job_answer(job, &reply);
}

static enum db_error get_questions(struct db *db, struct job **jobs, size_t count)
{
    struct db_rows votes, questions;
    struct db_choices choices;
    struct db_ids ids = db_ids_new(db_arena(db), count);
    for (size_t i = 0; i < count; i++)
        db_ids_add(&ids, ((const struct question_get *)jobs[i]->request)->question_id);
    db_ids_sort(&ids);
    enum db_error error =
        load_own_votes(db, jobs, count, &votes)
            ?: db_select_in(db, QUESTION_COLUMNS WITH_OWNER " WHERE q.id IN (", &ids,
                            ") ORDER BY q.id", &questions)
            ?: await_last_votes(db, &questions)
            ?: db_choices_load(db, &ids, true, &choices);
    if (error)
        return error;
    for (size_t i = 0; i < count; i++)
        if (!db_answer_same(jobs, i))
            answer_question(db, jobs[i], &questions, &choices, &votes);
    return DB_OK;
}

void on_question_get(void *thread, struct job **jobs, size_t count)
{
    db_together(thread, jobs, count, get_questions);
}
