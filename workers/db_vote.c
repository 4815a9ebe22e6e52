/* A batch of votes is one transaction, and every answer follows its COMMIT.
 *
 * Locks are taken in one order everywhere, so that two batches wait for each other but never in a
 * circle: the questions, ascending (shared; exclusively if one is closed, as closing takes them);
 * the votes by primary
 * key; then the choices exclusively, ascending, or the row of db_settle. (The INSERT's foreign key
 * locks another index of choice, whose columns never change.) What stands in the table decides: the
 * row of (question, user) with this request id is the answer to this request, now or when it comes
 * again. */
#include "workers/db_handlers.h"

#include "proto/base/die.h"
#include "proto/base/log.h"

#include <stdlib.h>

enum {
    INSERT_STEP = 64, /* rows of an INSERT: 1 to 64, or a multiple of it */
    HOT_CHOICES = 4,  /* more do not count as one hot question */
};

struct ballot {
    struct job *job;
    const struct vote_cast *ask;
    size_t arrival;
    struct id receipt;   /* made once: a second attempt stores the same */
    enum status verdict; /* of this attempt */
    bool inserted;       /* by this attempt */
};

struct ballots {
    struct ballot *items; /* by question, user, arrival */
    size_t count;
    bool unknown; /* a COMMIT got no answer: nothing may expire any more */
    bool
        exclusive; /* this attempt locks the questions so that no other vote on them is under way */
};

static int by_key(const struct vote_cast *a, const struct vote_cast *b)
{
    if (a->question_id != b->question_id)
        return a->question_id < b->question_id ? -1 : 1;
    return (a->user_id > b->user_id) - (a->user_id < b->user_id);
}

static int by_key_and_arrival(const void *a, const void *b)
{
    const struct ballot *x = a, *y = b;
    int order = by_key(x->ask, y->ask);
    return order ? order : (x->arrival > y->arrival) - (x->arrival < y->arrival);
}

/* ---- judging -----------------------------------------------------------------------------------
 ---- */

/* What the tables know of an id that a ballot names. */
struct fact {
    enum { QUESTION_FACT = 1, USER_FACT, CHOICE_FACT } kind;
    int64_t id;
    int64_t value; /* of a question: is it closed? of a choice: its question */
};

struct facts {
    struct fact *items; /* by kind and id */
    size_t count;
};

static int by_kind_and_id(const void *a, const void *b)
{
    const struct fact *x = a, *y = b;
    int order = (x->kind > y->kind) - (x->kind < y->kind);
    return order ? order : (x->id > y->id) - (x->id < y->id);
}

static const struct fact *find_fact(const struct facts *facts, int64_t kind, int64_t id)
{
    struct fact key = {.kind = (unsigned)kind, .id = id};
    return bsearch(&key, facts->items, facts->count, sizeof key, by_kind_and_id);
}

static struct facts facts_of(struct arena *arena, const struct db_rows *rows)
{
    struct facts facts = {arena_array(arena, rows->count, sizeof *facts.items), rows->count};
    for (size_t i = 0; i < rows->count; i++)
        facts.items[i] = (struct fact){.kind = (unsigned)db_at(rows, i, 0)->number,
                                       .id = db_at(rows, i, 1)->number,
                                       .value = db_at(rows, i, 2)->number};
    qsort(facts.items, facts.count, sizeof *facts.items, by_kind_and_id);
    return facts;
}

static enum status judge(const struct facts *facts, const struct vote_cast *ask)
{
    const struct fact *question = find_fact(facts, QUESTION_FACT, ask->question_id);
    const struct fact *choice = find_fact(facts, CHOICE_FACT, ask->choice_id);
    if (!question)
        return STATUS_NOT_FOUND;
    if (question->value)
        return STATUS_QUESTION_CLOSED;
    if (!find_fact(facts, USER_FACT, ask->user_id))
        return STATUS_USER_UNKNOWN;
    return choice && choice->value == ask->question_id ? STATUS_OK : STATUS_NOT_FOUND;
}

/* All in one round trip. Only the rows of questions are locked, and before the rest is read.
 * SYSDATE() is the moment the row is looked at, with its lock held; NOW() would be the start of the
 * statement, before it waited for a closing to end. */
static const char *facts_sql(struct arena *arena, size_t questions, size_t users, size_t choices,
                             bool exclusive)
{
    const char *sql = db_repeat(arena,
                                "(SELECT 1, id, closes_at IS NOT NULL AND closes_at <= SYSDATE()"
                                " FROM question FORCE INDEX (PRIMARY) WHERE id IN (",
                                "?", questions,
                                exclusive ? ") AND delete_flag = 0 FOR UPDATE)"
                                          : ") AND delete_flag = 0 LOCK IN SHARE MODE)");
    sql = db_repeat(
        arena, arena_printf(arena, "%s UNION ALL (SELECT 2, id, 0 FROM user WHERE id IN (", sql),
        "?", users, ") AND delete_flag = 0)");
    return db_repeat(arena,
                     arena_printf(arena,
                                  "%s UNION ALL (SELECT 3, id, question_id FROM choice"
                                  " FORCE INDEX (PRIMARY) WHERE id IN (",
                                  sql),
                     "?", choices, ") AND delete_flag = 0)");
}

/* Few shapes, so that few statements are prepared: the hot question and its choices, or as many
 * places of each. */
static enum db_error ask_facts(struct db *db, const struct ballots *ballots, struct db_rows *out)
{
    struct arena *arena = db_arena(db);
    size_t count = ballots->count, places = db_padded(count);
    struct db_ids questions = db_ids_new(arena, count), users = db_ids_new(arena, count),
                  choices = db_ids_new(arena, count);
    for (size_t i = 0; i < count; i++) {
        db_ids_add(&questions, ballots->items[i].ask->question_id);
        db_ids_add(&users, ballots->items[i].ask->user_id);
        db_ids_add(&choices, ballots->items[i].ask->choice_id);
    }
    db_ids_sort(&questions);
    db_ids_sort(&users);
    db_ids_sort(&choices);
    bool hot = questions.count == 1 && choices.count <= HOT_CHOICES;
    size_t of_questions = hot ? 1 : places, of_choices = hot ? HOT_CHOICES : places;
    struct db_param *params =
        arena_array(arena, of_questions + places + of_choices, sizeof *params);
    struct db_param *end = db_ids_params(&questions, of_questions, params);
    end = db_ids_params(&users, places, end);
    end = db_ids_params(&choices, of_choices, end);
    return db_query(db, facts_sql(arena, of_questions, places, of_choices, ballots->exclusive),
                    params, (size_t)(end - params), out);
}

static enum db_error judge_all(struct db *db, struct ballots *ballots)
{
    struct db_rows rows;
    enum db_error error = ask_facts(db, ballots, &rows);
    if (error)
        return error;
    struct facts facts = facts_of(db_arena(db), &rows);
    for (size_t i = 0; i < ballots->count; i++)
        ballots->items[i].verdict = judge(&facts, ballots->items[i].ask);
    return DB_OK;
}

/* ---- storing -----------------------------------------------------------------------------------
 ---- */

static void mark_inserted(struct ballot **sent, size_t count, const struct db_rows *rows)
{
    for (size_t i = 0, row = 0; i < count && row < rows->count; i++) {
        const struct vote_cast *ask = sent[i]->ask; /* both ascend by the key */
        if (db_at(rows, row, 0)->number != ask->question_id ||
            db_at(rows, row, 1)->number != ask->user_id)
            continue;
        sent[i]->inserted = true;
        row++;
    }
}

static enum db_error insert_rows(struct db *db, struct ballot **ballots, size_t count)
{
    struct arena *arena = db_arena(db);
    struct db_param *params = arena_array(arena, 5 * count, sizeof *params), *at = params;
    for (size_t i = 0; i < count; i++) {
        *at++ = P_INT(ballots[i]->ask->question_id);
        *at++ = P_INT(ballots[i]->ask->user_id);
        *at++ = P_INT(ballots[i]->ask->choice_id);
        *at++ = P_ID(ballots[i]->ask->request_id);
        *at++ = P_ID(ballots[i]->receipt);
    }
    const char *sql = db_repeat(
        arena,
        "INSERT IGNORE INTO vote (question_id, user_id, choice_id, request_id, receipt) VALUES ",
        "(?, ?, ?, ?, ?)", count, " RETURNING question_id, user_id");
    struct db_rows rows;
    bool only_duplicates;
    enum db_error error =
        db_query(db, sql, params, 5 * count, &rows) ?: db_only_duplicates(db, &only_duplicates);
    if (error)
        return error;
    if (!only_duplicates) {
        log_error("vote_row_altered");
        return DB_FAILED; /* IGNORE hid another error; alone, each shows its own */
    }
    mark_inserted(ballots, count, &rows);
    return DB_OK;
}

/* Ascending by primary key; of several by one person, the table takes the first. */
static enum db_error insert_votes(struct db *db, struct ballots *ballots)
{
    struct ballot **good = arena_array(db_arena(db), ballots->count, sizeof(struct ballot *));
    size_t count = 0;
    for (size_t i = 0; i < ballots->count; i++)
        if (ballots->items[i].verdict == STATUS_OK)
            good[count++] = &ballots->items[i];
    enum db_error error = DB_OK;
    for (size_t done = 0, n; !error && done < count; done += n) {
        n = count - done; /* few sizes, so that few statements are prepared */
        n = n <= INSERT_STEP ? n : n - n % INSERT_STEP;
        error = insert_rows(db, good + done, n);
    }
    return error;
}

/* What the table holds decides about the ballots that were not inserted: a vote cast by the same
 * request is this one, whatever has become of the question since. */
static enum db_error compare_stored(struct ballots *ballots, const struct db_rows *rows)
{
    for (size_t i = 0, row = 0; i < ballots->count; i++) {
        struct ballot *ballot = &ballots->items[i];
        const struct vote_cast *ask = ballot->ask;
        if (ballot->inserted)
            continue;
        while (row < rows->count &&
               by_key(&(struct vote_cast){.question_id = db_at(rows, row, 0)->number,
                                          .user_id = db_at(rows, row, 1)->number},
                      ask) < 0)
            row++;
        bool found = row < rows->count && db_at(rows, row, 0)->number == ask->question_id &&
                     db_at(rows, row, 1)->number == ask->user_id;
        if (!found && ballot->verdict == STATUS_OK)
            return DB_FAILED; /* neither inserted nor a duplicate */
        if (!found)
            continue;
        bool same = db_at(rows, row, 2)->number == ask->choice_id &&
                    memcmp(db_at(rows, row, 3)->text.data, ask->request_id.bytes, 16) == 0;
        if (same) {
            ballot->verdict = STATUS_OK;
            memcpy(ballot->receipt.bytes, db_at(rows, row, 4)->text.data, 16);
        } else if (ballot->verdict == STATUS_OK) {
            ballot->verdict = STATUS_ALREADY_VOTED;
        }
    }
    return DB_OK;
}

/* With a lock, so that a row that is not committed yet is waited for. */
static enum db_error find_stored(struct db *db, struct ballots *ballots)
{
    struct arena *arena = db_arena(db);
    size_t count = 0, most = db_padded(ballots->count);
    struct db_param *params = arena_array(arena, 2 * most, sizeof *params);
    for (size_t i = 0; i < ballots->count; i++) {
        if (ballots->items[i].inserted)
            continue;
        params[2 * count] = P_INT(ballots->items[i].ask->question_id);
        params[2 * count + 1] = P_INT(ballots->items[i].ask->user_id);
        count++;
    }
    if (count == 0)
        return DB_OK;
    size_t places = db_padded(count);
    for (size_t i = count; i < places; i++) {
        params[2 * i] = params[2 * count - 2];
        params[2 * i + 1] = params[2 * count - 1];
    }
    const char *sql =
        db_repeat(arena,
                  "SELECT question_id, user_id, choice_id, request_id, receipt"
                  " FROM vote WHERE (question_id, user_id) IN (",
                  "(?, ?)", places, ") ORDER BY question_id, user_id LOCK IN SHARE MODE");
    struct db_rows rows;
    return db_query(db, sql, params, 2 * places, &rows) ?: compare_stored(ballots, &rows);
}

static int64_t votes_for(const struct ballots *ballots, int64_t choice_id)
{
    int64_t votes = 0;
    for (size_t i = 0; i < ballots->count; i++)
        votes += ballots->items[i].inserted && ballots->items[i].ask->choice_id == choice_id;
    return votes;
}

/* The last of a batch that stores, and the only lock that others voting for the same wait for: it
 * is held for a moment. A choice deleted since it was judged is found again deleted at the next
 * attempt. */
static enum db_error add_tallies(struct db *db, const struct ballots *ballots)
{
    struct arena *arena = db_arena(db);
    struct db_ids touched = db_ids_new(arena, ballots->count);
    for (size_t i = 0; i < ballots->count; i++)
        if (ballots->items[i].inserted)
            db_ids_add(&touched, ballots->items[i].ask->choice_id);
    if (touched.count == 0)
        return DB_OK;
    db_ids_sort(&touched);
    size_t places = db_padded(touched.count);
    struct db_param *params = arena_array(arena, 3 * places, sizeof *params);
    for (size_t i = 0; i < places; i++) {
        int64_t id = touched.items[i < touched.count ? i : touched.count - 1];
        params[2 * i] = P_INT(id);
        params[2 * i + 1] = P_INT(votes_for(ballots, id));
        params[2 * places + i] = P_INT(id);
    }
    const char *head =
        db_repeat(arena, "UPDATE choice FORCE INDEX (PRIMARY) SET votes = votes + COALESCE(",
                  "IF(id = ?, ?, NULL)", places, ") WHERE id IN (");
    enum db_error error = db_query(db, db_repeat(arena, head, "?", places, ") AND delete_flag = 0"),
                                   params, 3 * places, NULL);
    if (error)
        return error;
    return db_matched(db) == (int64_t)touched.count ? DB_OK : DB_RETRY;
}

/* A vote found, not inserted, may be one whose COMMIT is still on its way to the disk; with a row
 * of our own, our COMMIT follows it there. */
static enum db_error settle_found(struct db *db, const struct ballots *ballots)
{
    bool found = false;
    for (size_t i = 0; i < ballots->count; i++) {
        if (ballots->items[i].inserted)
            return DB_OK;
        found |= ballots->items[i].verdict == STATUS_OK;
    }
    return found ? db_settle(db) : DB_OK;
}

static bool any_closed(const struct ballots *ballots)
{
    for (size_t i = 0; i < ballots->count; i++)
        if (ballots->items[i].verdict == STATUS_QUESTION_CLOSED)
            return true;
    return false;
}

/* Nobody is told that a question is closed while the same request may be under way elsewhere,
 * judged before that moment, in a pool that is slow or was given up: it could be stored yet. When
 * no other transaction holds the question, what is not in the table will not come any more. */
static enum db_error begin_and_judge(struct db *db, struct ballots *ballots)
{
    enum db_error error = db_begin(db) ?: judge_all(db, ballots);
    if (error || !any_closed(ballots))
        return error;
    db_rollback(db); /* two batches that hold a question shared would wait for each other */
    ballots->exclusive = true;
    return db_begin(db) ?: judge_all(db, ballots);
}

/* ---- the transaction ---------------------------------------------------------------------------
 ---- */

static void start_attempt(struct ballots *ballots)
{
    size_t kept = 0;
    for (size_t i = 0; i < ballots->count; i++) {
        struct ballot ballot = ballots->items[i];
        if (!ballots->unknown && job_expired(ballot.job)) {
            job_fail(ballot.job, STATUS_EXPIRED, NULL);
            continue;
        }
        ballot.verdict = STATUS_OK;
        ballot.inserted = false;
        ballots->items[kept++] = ballot;
    }
    ballots->count = kept;
    ballots->exclusive = false;
}

static void answer(const struct ballots *ballots)
{
    char receipt[ID_TEXT + 1];
    for (size_t i = 0; i < ballots->count; i++) {
        const struct ballot *ballot = &ballots->items[i];
        if (ballot->verdict != STATUS_OK) {
            job_fail(ballot->job, ballot->verdict, NULL);
            continue;
        }
        struct vote_cast_reply reply = {str_from(id_print(ballot->receipt, receipt))};
        job_answer(ballot->job, &reply);
    }
}

#ifdef VOTE_SEEDED_BUG_NEW_REQUEST_ID_ON_RETRY
static void renew_request_ids(struct db *db, struct ballots *ballots)
{
    for (size_t i = 0; i < ballots->count; i++) {
        struct vote_cast *again = arena_new(db_arena(db), struct vote_cast);
        *again = *ballots->items[i].ask;
        again->request_id = id_random();
        ballots->items[i].ask = again;
    }
}
#endif

static enum db_error store(struct db *db, void *arg)
{
    struct ballots *ballots = arg;
    start_attempt(ballots);
    if (ballots->count == 0)
        return DB_OK;
    enum db_error error = begin_and_judge(db, ballots)
                              ?: insert_votes(db, ballots)
                              ?: find_stored(db, ballots)
                              ?: add_tallies(db, ballots)
                              ?: settle_found(db, ballots);
    if (error)
        return error;
#ifdef VOTE_SEEDED_BUG_ANSWER_BEFORE_COMMIT
    answer(ballots);
    (void)db_commit(db);
    return DB_OK;
#endif
    error = db_commit(db);
    if (error == DB_LOST)
        ballots->unknown = true;
#ifdef VOTE_SEEDED_BUG_NEW_REQUEST_ID_ON_RETRY
    if (error == DB_LOST)
        renew_request_ids(db, ballots);
#endif
    if (!error)
        answer(ballots);
    return error;
}

/* Each alone: one bad row, or a lock that will not come, keeps nobody else from voting. */
static void store_one_by_one(struct db *db, const struct ballots *ballots)
{
    for (size_t i = 0; i < ballots->count; i++) {
        struct ballots alone = {&ballots->items[i], 1, ballots->unknown};
        struct job *job = ballots->items[i].job;
        enum db_error error = db_attempt(db, job->deadline_us, store, &alone);
        if (error)
            db_fail(&job, 1, error);
    }
}

void on_vote_cast(void *thread, struct job **jobs, size_t count)
{
    struct db *db = thread;
    db_arena_reset(db);
    struct ballots ballots = {.items = arena_array(db_arena(db), count, sizeof *ballots.items),
                              .count = count};
    for (size_t i = 0; i < count; i++)
        ballots.items[i] = (struct ballot){
            .job = jobs[i], .ask = jobs[i]->request, .arrival = i, .receipt = id_random()};
    qsort(ballots.items, count, sizeof *ballots.items, by_key_and_arrival);
    enum db_error error = db_attempt(db, db_latest_deadline(jobs, count), store, &ballots);
    if ((error == DB_RETRY || error == DB_FAILED) && ballots.count > 1) {
        log_warn("votes_one_by_one", L_TEXT("class", db_error_name(error)),
                 L_INT("count", (int64_t)ballots.count));
        store_one_by_one(db, &ballots);
    } else if (error) {
        db_fail(jobs, count, error);
    }
}
