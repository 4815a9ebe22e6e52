#include "workers/db_error.h"

#include "proto/base/die.h"

static const struct {
    unsigned number;
    enum db_error error;
} numbers[] = {
    {1213, DB_RETRY}, /* deadlock; the transaction is undone */
    {1205, DB_RETRY}, /* lock wait timeout; only the statement is undone */
    {1020, DB_RETRY}, /* record has changed since last read */
    {1412, DB_RETRY}, /* table definition has changed */
    {1615, DB_RETRY}, /* prepared statement needs to be prepared again */
    {8022, DB_RETRY}, /* TiDB: commit failed, try again */
    {8028, DB_RETRY}, /* TiDB: schema has changed */
    {9007, DB_RETRY}, /* TiDB: write conflict */

    {2006, DB_LOST}, /* server has gone away */
    {2013, DB_LOST}, /* lost connection during query; also our read timeout */
    {2055, DB_LOST}, /* the same, with the system's error */
    {2014, DB_LOST}, /* commands out of sync: this connection is of no more use */
    {2027, DB_LOST}, /* malformed packet */
    {2056, DB_LOST}, /* statement closed by a lost connection */
    {5013, DB_LOST}, /* read error */
    {5014, DB_LOST}, /* write error */
    {1053, DB_LOST}, /* server shutdown in progress */
    {1077, DB_LOST}, /* normal shutdown */
    {1079, DB_LOST}, /* shutdown complete */
    {1152, DB_LOST}, /* aborted connection */
    {1158, DB_LOST}, /* communication packets: read */
    {1159, DB_LOST}, /* read timeout */
    {1160, DB_LOST}, /* write */
    {1161, DB_LOST}, /* write timeout */
    {1184, DB_LOST}, /* aborted connection */
    {1243, DB_LOST}, /* unknown prepared statement: not the session we prepared it in */
    {1927, DB_LOST}, /* connection was killed */
    {4031, DB_LOST}, /* MySQL: disconnected by the server because of inactivity */

    {2002, DB_AWAY}, /* cannot connect through the socket */
    {2003, DB_AWAY}, /* cannot connect to the host */
    {2005, DB_AWAY}, /* unknown host */
    {2012, DB_AWAY}, /* error in the handshake */
    {2026, DB_AWAY}, /* TLS */
    {1040, DB_AWAY}, /* too many connections */
    {1203, DB_AWAY}, /* too many connections of this user */
    {1226, DB_AWAY}, /* the user's resources are used up */
    {1129, DB_AWAY}, /* host is blocked */
    {1130, DB_AWAY}, /* host is not allowed */
    {1044, DB_AWAY}, /* no access to the database */
    {1045, DB_AWAY}, /* wrong user or password */
    {1049, DB_AWAY}, /* unknown database */

    {1290, DB_READ_ONLY}, /* --read-only */
    {1792, DB_READ_ONLY}, /* read-only transaction */
    {1836, DB_READ_ONLY}, /* read-only mode */
    {1874, DB_READ_ONLY}, /* InnoDB is read-only */
    {1047, DB_READ_ONLY}, /* Galera: node not ready */

    {1021, DB_FULL}, /* disk full */
    {1030, DB_FULL}, /* storage engine's error */
    {1026, DB_FULL}, /* writing a file */
    {1037, DB_FULL}, /* out of memory */
    {1041, DB_FULL}, /* out of memory */
    {1114, DB_FULL}, /* table is full */
    {1180, DB_FULL}, /* error during COMMIT */
    {1206, DB_FULL}, /* lock table is full */

    {1969, DB_LIMIT}, /* max_statement_time */
    {3024, DB_LIMIT}, /* MySQL: max_execution_time */
    {1317, DB_LIMIT}, /* KILL QUERY */
    {1461, DB_LIMIT}, /* max_prepared_stmt_count */

    {1062, DB_DUPLICATE},   {1586, DB_DUPLICATE},

    {1216, DB_FOREIGN_KEY}, {1217, DB_FOREIGN_KEY}, {1451, DB_FOREIGN_KEY}, {1452, DB_FOREIGN_KEY},
};

enum db_error db_error_of(unsigned number)
{
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (numbers[i].number == number)
            return numbers[i].error;
    return DB_FAILED;
}

static const struct {
    const char *name;
    enum status status;
} meanings[DB_ERROR_COUNT] = {
    [DB_OK] = {"OK", STATUS_OK},
    [DB_RETRY] = {"RETRY", STATUS_BUSY},
    [DB_LOST] = {"LOST", STATUS_UNAVAILABLE},
    [DB_AWAY] = {"AWAY", STATUS_UNAVAILABLE},
    [DB_READ_ONLY] = {"READ_ONLY", STATUS_UNAVAILABLE},
    [DB_FULL] = {"FULL", STATUS_STORAGE_FAILED},
    [DB_LIMIT] = {"LIMIT", STATUS_BUSY},
    [DB_DUPLICATE] = {"DUPLICATE", STATUS_INTERNAL},
    [DB_FOREIGN_KEY] = {"FOREIGN_KEY", STATUS_INTERNAL},
    [DB_FAILED] = {"FAILED", STATUS_INTERNAL},
};

const char *db_error_name(enum db_error error)
{
    must(error < DB_ERROR_COUNT);
    return meanings[error].name;
}

enum status db_error_status(enum db_error error)
{
    must(error > DB_OK && error < DB_ERROR_COUNT);
    return meanings[error].status;
}
