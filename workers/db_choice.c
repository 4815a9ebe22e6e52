#include "workers/db_handlers.h"

enum { CHOICES_MAX = 20 }; /* of a question, as in messages.def */

#define SELECT_CHOICES                                                                  \
    "SELECT c.question_id, c.id, c.delete_flag, c.choice_text, c.votes, c.create_time," \
    " c.imported_votes FROM choice c"
#define IN_ORDER " AND c.delete_flag = 0 ORDER BY c.question_id, c.id"

/* The choices come first in the join: their index has the order asked for. */
static const char of_visible[] =
    SELECT_CHOICES " STRAIGHT_JOIN question q ON q.id = c.question_id AND q.delete_flag = 0"
                   " WHERE c.question_id IN (";
static const char of_any[] = SELECT_CHOICES " WHERE c.question_id IN (";

enum db_error db_choices_load(struct db *db, const struct db_ids *questions, bool deleted_too,
                              struct db_choices *out)
{
    struct db_rows rows;
    *out = (struct db_choices){0};
    if (questions->count == 0)
        return DB_OK;
    enum db_error error =
        db_select_in(db, deleted_too ? of_any : of_visible, questions, ")" IN_ORDER, &rows);
    if (error)
        return error;
    out->count = rows.count;
    out->rows = arena_array(db_arena(db), rows.count, sizeof *out->rows);
    out->imported = arena_array(db_arena(db), rows.count, sizeof *out->imported);
    for (size_t i = 0; i < rows.count; i++) {
        out->imported[i] = db_at(&rows, i, 6)->number;
        out->rows[i] = (struct choice_row){
            .id = db_at(&rows, i, 1)->number,
            .delete_flag = db_at(&rows, i, 2)->number,
            .choice_text = db_at(&rows, i, 3)->text,
            .votes = db_at(&rows, i, 4)->number,
            .question_id = db_at(&rows, i, 0)->number,
            .create_time = db_at(&rows, i, 5)->text,
        };
    }
    return DB_OK;
}

size_t db_choices_of(const struct db_choices *choices, int64_t question_id, struct choice_row **out)
{
    size_t low = 0, high = choices->count, count = 0;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (choices->rows[middle].question_id < question_id)
            low = middle + 1;
        else
            high = middle;
    }
    while (count < CHOICES_MAX && low + count < choices->count &&
           choices->rows[low + count].question_id == question_id)
        count++;
    *out = choices->rows + low;
    return count;
}

static enum db_error list_choices(struct db *db, struct job **jobs, size_t count)
{
    struct db_choices choices;
    struct db_ids asked = db_ids_new(db_arena(db), count);
    for (size_t i = 0; i < count; i++)
        db_ids_add(&asked, ((const struct choice_list *)jobs[i]->request)->question_id);
    db_ids_sort(&asked);
    enum db_error error = db_choices_load(db, &asked, false, &choices);
    if (error)
        return error;
    for (size_t i = 0; i < count; i++) {
        const struct choice_list *ask = jobs[i]->request;
        struct choice_list_reply reply = {0};
        if (db_answer_same(jobs, i))
            continue;
        reply.choices_count = db_choices_of(&choices, ask->question_id, &reply.choices);
        job_answer(jobs[i], &reply);
    }
    return DB_OK;
}

void on_choice_list(void *thread, struct job **jobs, size_t count)
{
    db_together(thread, jobs, count, list_choices);
}
