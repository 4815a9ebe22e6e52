/* call_line: a line of vote-call's input as the request it asks for. Pure. */
#ifndef VOTE_PROTO_TOOLS_CALL_LINE_H
#define VOTE_PROTO_TOOLS_CALL_LINE_H

#include "proto/message.h"

/* call_line_read: the line is a body of type `standard` (may be NULL: there is none), or names its
 * type: {"message": "vote_cast", "body": {…}}. *out_type is set, and the body appended to out_body
 * as it stands, right or wrong: to judge it is the pool's part. But a "request_id" that is "new"
 * becomes a fresh one. False, and *out_error (static), if no type is known. */
bool call_line_read(struct str line, const struct message_type *standard,
                    const struct message_type **out_type, struct buf *out_body,
                    const char **out_error);

#endif
