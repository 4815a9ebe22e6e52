/* bundle: messages for one peer that are ready together, to be sent as one frame. The price of a
 * frame is its way through libzmq and the wake-ups on it, not its size. One thread at a time. */
#ifndef VOTE_PROTO_BUNDLE_H
#define VOTE_PROTO_BUNDLE_H

#include "proto/channel.h"
#include "proto/envelope.h"

struct bundle {
    struct buf frame;
    int64_t count; /* messages in it */
};

/* bundle_has_room: may a message of so many bytes be added, or is it better sent first? Always true
 * for an empty one. */
bool bundle_has_room(const struct bundle *bundle, size_t size);

/* bundle_add: a message as it stands. bundle_pack: of a header, a body and the trace of
 * the header. */
void bundle_add(struct bundle *bundle, struct str message);
void bundle_pack(struct bundle *bundle, const struct envelope *envelope, struct str body);

/* bundle_send: empty it into the channel (`to`: see channel_send); nothing is sent if it is empty.
 * False if the channel did not take it: its messages are lost. */
bool bundle_send(struct bundle *bundle, struct channel *channel, const struct channel_peer *to);

void bundle_free(struct bundle *bundle);

#endif
