/* db_error: what an error of the database means for who asked. One table of numbers; pure. */
#ifndef VOTE_WORKERS_DB_ERROR_H
#define VOTE_WORKERS_DB_ERROR_H

#include "proto/status.h"

enum db_error {
    DB_OK,
    DB_RETRY,       /* deadlock, lock wait: roll back, the whole transaction again */
    DB_LOST,        /* the connection broke: a new one, the whole transaction again */
    DB_AWAY,        /* no connection to be had now */
    DB_READ_ONLY,   /* this server takes no writes; the next connection may reach one that does */
    DB_FULL,        /* no room: disk, table, memory */
    DB_LIMIT,       /* cut short by a limit of the server: statement time, a kill */
    DB_DUPLICATE,   /* a unique key holds this value already */
    DB_FOREIGN_KEY, /* a row it points to is not there, or still pointed to */
    DB_FAILED,      /* anything else: our statement is wrong, or the schema is not ours */
    DB_ERROR_COUNT
};

/* db_error_of: by the number the server or the client library gave; DB_FAILED if not in the table.
 */
enum db_error db_error_of(unsigned number);

/* db_error_name: "LOST". db_error_status: how a request ends that met it for good; not for DB_OK.
 */
const char *db_error_name(enum db_error error);
enum status db_error_status(enum db_error error);

#endif
