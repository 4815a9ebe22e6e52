/* caller: the one side of the queues that vote-call plays, a gateway for one service. */
#ifndef VOTE_PROTO_TOOLS_CALLER_H
#define VOTE_PROTO_TOOLS_CALLER_H

#include "proto/message.h"

struct caller_settings {
    enum service service;
    const struct message_type *type; /* of lines that do not name theirs; NULL: every line must */
    const char *endpoint;
    bool bind;          /* true: be a gateway to the pools that connect; false: ask a gateway */
    const char *line;   /* the one request; NULL: lines of standard input */
    int64_t timeout_ms; /* of a request, and for the first pool to appear */

    /* For tcp://, else NULL (proto/channel_curve.h): our secret key; a gateway's public one; the
     * public ones of pools. */
    const char *secret_file, *gateway_file, *clients_file;
};

enum caller_exit { CALLER_GOOD = 0, CALLER_BAD_REPLY = 1, CALLER_USAGE = 2, CALLER_TIMEOUT = 3 };

/* caller_run: send every request, print every reply as a line of JSON on standard output. Errors go
 * to standard error. The calling thread must be the only one. */
enum caller_exit caller_run(const struct caller_settings *settings);

#endif
