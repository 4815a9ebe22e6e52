/* envelope: the small fixed header before every body, so that routing needs no JSON.
 *
 * One ZeroMQ frame is one message: 56 bytes of header, all numbers big-endian, then the body.
 *
 *   offset size
 *        0    2  magic, "VQ"
 *        2    1  version, 1
 *        3    1  attempt: 1 for the first time a request is sent, 2 for the second
 *        4    2  type, a number of messages.def
 *        6    2  status of a reply (proto/status.h); 0 elsewhere
 *        8    4  slot: chosen by who asks, returned unchanged
 *       12    4  generation of the slot, likewise
 *       16   16  request id, for logs on both sides
 *       32    4  ttl: milliseconds left to answer a request; 0 elsewhere
 *       36    2  credit a reply gives back
 *       38    2  batch: how many requests the answer was worked out with
 *       40    4  microseconds the request waited in the pool
 *       44    4  microseconds a thread worked on it
 *       48    4  reserved, 0
 *       52    4  body size in bytes; the frame ends with the body
 *
 * Pure; any thread. */
#ifndef VOTE_PROTO_ENVELOPE_H
#define VOTE_PROTO_ENVELOPE_H

#include "proto/base/buf.h"
#include "proto/base/id.h"

enum { ENVELOPE_SIZE = 56, ENVELOPE_VERSION = 1 };

struct envelope {
    uint8_t attempt;
    uint16_t type;
    uint16_t status;
    uint32_t slot, generation;
    struct id request_id;
    uint32_t ttl_ms;
    uint16_t credit;
    uint16_t batch;
    uint32_t queue_us, service_us;
};

/* envelope_begin: append the header with a body size of 0; the body is appended behind it, then
 * envelope_end(out, start) writes its size. start: what out->size was before envelope_begin. */
void envelope_begin(const struct envelope *envelope, struct buf *out);
void envelope_end(struct buf *out, size_t start);

/* envelope_stamp: what changes when the same frame is sent: attempt, slot, generation and ttl. */
void envelope_stamp(struct buf *frame, const struct envelope *envelope);

enum envelope_error {
    ENVELOPE_OK,
    ENVELOPE_SHORT,      /* less than a header, or less body than it says */
    ENVELOPE_TRAILING,   /* more bytes than header and body */
    ENVELOPE_NOT_OURS,   /* another magic */
    ENVELOPE_BAD_VERSION /* ours, but of a version this program does not speak */
};

/* envelope_read: take a frame apart. *out_body borrows from the frame. Nothing is written on error.
 */
enum envelope_error envelope_read(struct str frame, struct envelope *out, struct str *out_body);

/* envelope_error_text: "too short". */
const char *envelope_error_text(enum envelope_error error);

#endif
