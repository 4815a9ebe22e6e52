/* output: inside http/server. The bytes and the file that one socket still has to take. One thread;
 * never blocks on the socket. */
#ifndef VOTE_HTTP_OUTPUT_H
#define VOTE_HTTP_OUTPUT_H

#include "gateway/http/response.h"

struct http_output {
    struct buf bytes;      /* what the socket did not take */
    size_t sent;           /* of bytes */
    struct http_file file; /* owned; the rest to send behind bytes; fd -1: none */
};

/* output_send and output_flush return false when the client is gone, or a file became shorter than
 * promised: the connection must end, there is no other way to say so. *sent grows by the bytes the
 * kernel took. */

/* output_send: straight to the socket in one call; a copy of the rest is kept. more: a file follows
 * at once. */
bool output_send(struct http_output *output, int fd, struct str first, struct str second, bool more,
                 int64_t *sent);

/* output_flush: what is kept, then the file: at most a MiB of it, for others wait too. */
bool output_flush(struct http_output *output, int fd, int64_t *sent);

/* output_is_empty: nothing is left to send. */
bool output_is_empty(const struct http_output *output);

/* output_free: drop what is left and close the file. */
void output_free(struct http_output *output);

/* errno_is_transient: the call is to be made again later. */
bool errno_is_transient(int error);

#endif
