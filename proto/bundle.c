#include "proto/bundle.h"

/* bytes; a rare giant goes alone, and its memory is given back. */
enum { FRAME_MAX = 1 << 16, FRAME_KEEP = 1 << 17 };

bool bundle_has_room(const struct bundle *bundle, size_t size)
{
    return bundle->count == 0 || bundle->frame.size + size <= FRAME_MAX;
}

void bundle_add(struct bundle *bundle, struct str message)
{
    buf_add_str(&bundle->frame, message);
    bundle->count++;
}

void bundle_pack(struct bundle *bundle, const struct envelope *envelope, struct str body)
{
    size_t start = bundle->frame.size;
    envelope_begin(envelope, &bundle->frame);
    buf_add_str(&bundle->frame, body);
    envelope_end(&bundle->frame, start);
    if (envelope->trace.size)
        envelope_add_trace(&bundle->frame, start, envelope->trace);
    bundle->count++;
}

bool bundle_send(struct bundle *bundle, struct channel *channel, const struct channel_peer *to)
{
    if (bundle->count == 0)
        return true;
    bool sent = channel_send(channel, to, buf_str(&bundle->frame)) == CHANNEL_SENT;
    bundle->count = 0;
    buf_reset(&bundle->frame);
    if (bundle->frame.capacity > FRAME_KEEP)
        buf_free(&bundle->frame);
    return sent;
}

void bundle_free(struct bundle *bundle)
{
    buf_free(&bundle->frame);
}
