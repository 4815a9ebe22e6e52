/* session_value: what Redis keeps of a log-in, in the form aiohttp_session's RedisStorage uses, so
 * that a Python service and this one share log-ins:
 *
 *   {"created": 1523821636, "session": {"uid": 1}}
 *
 * Pure; any thread. */
#ifndef VOTE_PROTO_SESSION_VALUE_H
#define VOTE_PROTO_SESSION_VALUE_H

#include "proto/base/buf.h"

struct session_value {
    int64_t created; /* unix seconds */
    int64_t user_id; /* "uid" */
};

/* session_value_parse: false unless `json` is such an object: created a whole number from 0, uid
 * from 1. Further keys, in either object, are another service's and do not matter. */
bool session_value_parse(struct str json, struct session_value *out);

/* session_value_print: append it. */
void session_value_print(const struct session_value *value, struct buf *out);

#endif
