/* access_log: a line for every answer, in the combined format (Apache httpd) with the request id
 * and the time taken behind it:
 *
 *   127.0.0.1 - - [23/Nov/2026:03:21:33 +0000] "GET / HTTP/1.1" 200 512 "-" "curl/7" ID 0.004210
 *
 * or, where the log is JSON, as an object with the same in it.
 *
 * Lines gather in memory and are written a few times a second, so that a request costs no system
 * call. Nothing blocks: while nobody reads, up to a megabyte is kept, and then lines are dropped
 * whole and counted. One thread, the loop's. */
#ifndef VOTE_GATEWAY_ACCESS_LOG_H
#define VOTE_GATEWAY_ACCESS_LOG_H

#include "gateway/http/request.h"
#include "proto/base/log.h"

struct event_base;
struct access_log;

/* access_log_new: of the answers below 500, one in `every` gets its line. */
struct access_log *access_log_new(struct event_base *loop, int64_t every, enum log_format format);

/* access_log_add: bytes from outside are escaped, so that a line stays a line. */
void access_log_add(struct access_log *log, const char *client, const struct http_request *request,
                    int status, int64_t bytes_sent, struct id id, int64_t duration_us);

/* access_log_dropped: lines that found no room, since the start. */
int64_t access_log_dropped(const struct access_log *log);

/* access_log_free: write what is left, as long as it is read: a reader that takes nothing for a
 * second is not waited for. NULL is allowed. */
void access_log_free(struct access_log *log);

#endif
