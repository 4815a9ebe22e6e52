/* message_plain: the JSON that message_pack writes, read without a JSON library. */
#ifndef VOTE_PROTO_MESSAGE_PLAIN_H
#define VOTE_PROTO_MESSAGE_PLAIN_H

#include "proto/message.h"

/* message_read_plain: the struct of that record in `arena`, as message_unpack gives it; or NULL if
 * the body is anything but what message_pack writes (fields in order, one blank behind ':' and ',')
 * with good values and no escape in its texts. It may be a good message all the same. */
void *message_read_plain(const struct record *record, struct str body, struct arena *arena);

#endif
