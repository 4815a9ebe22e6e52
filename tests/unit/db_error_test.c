#include "tests/unit/test.h"
#include "workers/db_error.h"

TEST("an error of the database means what is to be done about it")
{
    static const struct {
        unsigned number;
        enum db_error error;
    } rows[] = {
        {1213, DB_RETRY},       /* deadlock */
        {1205, DB_RETRY},       /* lock wait */
        {2006, DB_LOST},        /* gone away */
        {2013, DB_LOST},        /* lost during the query */
        {5013, DB_LOST},        /* read */
        {5014, DB_LOST},        /* write */
        {1927, DB_LOST},        /* killed */
        {2002, DB_AWAY},        /* nobody listens */
        {1040, DB_AWAY},        /* too many connections */
        {1290, DB_READ_ONLY},   /* --read-only */
        {1836, DB_READ_ONLY},   /* read-only mode */
        {1021, DB_FULL},        /* disk full */
        {1114, DB_FULL},        /* table full */
        {1969, DB_LIMIT},       /* max_statement_time */
        {1317, DB_LIMIT},       /* KILL QUERY */
        {1062, DB_DUPLICATE},   /* unique key */
        {1452, DB_FOREIGN_KEY}, /* no such parent */
        {1064, DB_FAILED},      /* syntax */
        {0, DB_FAILED},         {99999, DB_FAILED},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (db_error_of(rows[i].number) != rows[i].error)
            TEST_FAIL("%u is %s", rows[i].number, db_error_name(db_error_of(rows[i].number)));
}

TEST("who may try again is told so, and no error is told as success")
{
    CHECK_INT(db_error_status(DB_RETRY), STATUS_BUSY);
    CHECK_INT(db_error_status(DB_LIMIT), STATUS_BUSY);
    CHECK_INT(db_error_status(DB_LOST), STATUS_UNAVAILABLE);
    CHECK_INT(db_error_status(DB_AWAY), STATUS_UNAVAILABLE);
    CHECK_INT(db_error_status(DB_READ_ONLY), STATUS_UNAVAILABLE);
    CHECK_INT(db_error_status(DB_FULL), STATUS_STORAGE_FAILED);
    for (enum db_error error = DB_OK + 1; error < DB_ERROR_COUNT; error++)
        CHECK(db_error_status(error) != STATUS_OK && *db_error_name(error));
}

TEST_MAIN
