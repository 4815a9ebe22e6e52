/* bench-select SOCKET USER PASSWORD DATABASE CONNECTIONS SECONDS: the tallies of question 1, asked
 * as fast as MariaDB answers, each thread on a connection of its own and one query at a time.
 * Prints queries, p50 and p99 in us, seconds. */
#include <mysql.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base/clock.h"
#include "proto/base/die.h"

enum { BUCKETS = 100000, COLUMNS = 6 }; /* a bucket is 1 us; the last holds what is slower */

static const char sql[] =
    "SELECT c.question_id, c.id, c.delete_flag, c.choice_text, c.votes, c.create_time"
    " FROM choice c STRAIGHT_JOIN question q ON q.id = c.question_id"
    " WHERE c.question_id IN (1) AND c.delete_flag = 0 AND q.delete_flag = 0"
    " ORDER BY c.question_id, c.id";

struct bench {
    char **account; /* socket, user, password, database */
    atomic_bool over;
    atomic_long buckets[BUCKETS];
};

static MYSQL_STMT *prepared(MYSQL *mysql, char **account)
{
    if (!mysql_real_connect(mysql, NULL, account[1], account[2], account[3], 0, account[0], 0))
        die("%s", mysql_error(mysql));
    MYSQL_STMT *statement = mysql_stmt_init(mysql);
    if (mysql_stmt_prepare(statement, sql, strlen(sql)))
        die("%s", mysql_stmt_error(statement));
    return statement;
}

static void ask(MYSQL_STMT *statement)
{
    char text[COLUMNS][1024];
    MYSQL_BIND binds[COLUMNS] = {0};
    for (int i = 0; i < COLUMNS; i++)
        binds[i] = (MYSQL_BIND){
            .buffer_type = MYSQL_TYPE_STRING, .buffer = text[i], .buffer_length = sizeof text[i]};
    if (mysql_stmt_execute(statement) || mysql_stmt_bind_result(statement, binds))
        die("%s", mysql_stmt_error(statement));
    int rows = 0;
    while (mysql_stmt_fetch(statement) == 0)
        rows++;
    if (rows != 3)
        die("question 1 has %d choices", rows);
    mysql_stmt_free_result(statement);
}

static void *run(void *argument)
{
    struct bench *bench = argument;
    MYSQL *mysql = mysql_init(NULL);
    MYSQL_STMT *statement = prepared(mysql, bench->account);
    while (!bench->over) {
        int64_t start = clock_us();
        ask(statement);
        int64_t took = clock_us() - start;
        atomic_fetch_add(&bench->buckets[took < BUCKETS ? took : BUCKETS - 1], 1);
    }
    mysql_stmt_close(statement);
    mysql_close(mysql);
    mysql_thread_end();
    return NULL;
}

static int percentile(struct bench *bench, long queries, double share)
{
    long seen = 0;
    int us = 0;
    while (us < BUCKETS - 1 && (double)(seen += bench->buckets[us]) < share * (double)queries)
        us++;
    return us;
}

int main(int count, char **arguments)
{
    if (count != 7)
        die("usage: bench-select SOCKET USER PASSWORD DATABASE CONNECTIONS SECONDS");
    static struct bench bench;
    pthread_t threads[64];
    int threads_count = atoi(arguments[5]);
    if (threads_count < 1 || threads_count > 64)
        die("1 to 64 connections");
    bench.account = arguments + 1;
    mysql_library_init(0, NULL, NULL);
    int64_t start = clock_us();
    for (int i = 0; i < threads_count; i++)
        if (pthread_create(&threads[i], NULL, run, &bench))
            die("no thread");
    struct timespec seconds = {.tv_sec = atoi(arguments[6])};
    pselect(0, NULL, NULL, NULL, &seconds, NULL);
    bench.over = true;
    for (int i = 0; i < threads_count; i++)
        pthread_join(threads[i], NULL);
    double took = (double)(clock_us() - start) / 1e6;
    long queries = 0;
    for (int i = 0; i < BUCKETS; i++)
        queries += bench.buckets[i];
    printf("%ld %d %d %.6f\n", queries, percentile(&bench, queries, 0.5),
           percentile(&bench, queries, 0.99), took);
}
