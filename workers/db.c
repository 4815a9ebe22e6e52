#include "workers/db.h"

#include "workers/db_handlers.h"

static const struct job_handler handlers[] = {
    {MESSAGE_user_create, on_user_create, 1},
    {MESSAGE_user_by_account, on_user_by_account, 16},
    {MESSAGE_user_get, on_user_get, 128},
    {MESSAGE_user_password_set, on_user_password_set, 1},
    {MESSAGE_question_list, on_question_list, 256},
    {MESSAGE_question_mine, on_question_mine, 16},
    {MESSAGE_question_get, on_question_get, 64},
    {MESSAGE_question_create, on_question_create, 1},
    {MESSAGE_question_close, on_question_close, 1},
    {MESSAGE_question_delete, on_question_delete, 1},
    {MESSAGE_choice_list, on_choice_list, 256},
    {MESSAGE_vote_cast, on_vote_cast, 256, .gathers = true},
};

static void *open_thread(const void *settings)
{
    struct db *db = db_open(settings);
    db_keep(db); /* the others connect at their first batch */
    return db;
}

static void close_thread(void *thread)
{
    db_close(thread);
}

static void keep_thread(void *thread)
{
    db_keep(thread);
}

static void watch_thread(void *thread, struct work *work)
{
    db_watch(thread, work);
}

const struct job_service db_service = {
    .service = SERVICE_DB,
    .lanes = true,
    .handlers = handlers,
    .handler_count = sizeof handlers / sizeof *handlers,
    .open = open_thread,
    .close = close_thread,
    .idle = keep_thread,
    .watch = watch_thread,
};
