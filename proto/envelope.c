#include "proto/envelope.h"

#include "proto/base/die.h"

#include <endian.h>

static void put16(char *at, uint16_t v)
{
    v = htobe16(v);
    memcpy(at, &v, sizeof v);
}

static void put32(char *at, uint32_t v)
{
    v = htobe32(v);
    memcpy(at, &v, sizeof v);
}

static uint16_t get16(const char *at)
{
    uint16_t v;
    memcpy(&v, at, sizeof v);
    return be16toh(v);
}

static uint32_t get32(const char *at)
{
    uint32_t v;
    memcpy(&v, at, sizeof v);
    return be32toh(v);
}

void envelope_begin(const struct envelope *e, struct buf *out)
{
    char *at = buf_reserve(out, ENVELOPE_SIZE);
    out->size += ENVELOPE_SIZE;
    at[0] = 'V';
    at[1] = 'Q';
    at[2] = ENVELOPE_VERSION;
    at[3] = (char)e->attempt;
    put16(at + 4, e->type);
    put16(at + 6, e->status);
    put32(at + 8, e->slot);
    put32(at + 12, e->generation);
    memcpy(at + 16, e->request_id.bytes, 16);
    put32(at + 32, e->ttl_ms);
    put16(at + 36, e->credit);
    put16(at + 38, e->batch);
    put32(at + 40, e->queue_us);
    put32(at + 44, e->service_us);
    put32(at + 48, 0);
    put32(at + 52, 0);
}

void envelope_end(struct buf *out, size_t start)
{
    must(out->size - start >= ENVELOPE_SIZE && out->size - start <= UINT32_MAX);
    put32(out->data + start + 52, (uint32_t)(out->size - start - ENVELOPE_SIZE));
}

void envelope_add_trace(struct buf *out, size_t start, struct str trace)
{
    must(get32(out->data + start + 48) == 0 && trace.size <= UINT32_MAX);
    put32(out->data + start + 48, (uint32_t)trace.size);
    buf_add_str(out, trace);
}

struct str envelope_body(const struct buf *frame)
{
    must(frame->size >= ENVELOPE_SIZE);
    return str_make(frame->data + ENVELOPE_SIZE, get32(frame->data + 52));
}

void envelope_stamp(struct buf *frame, const struct envelope *e)
{
    must(frame->size >= ENVELOPE_SIZE);
    frame->data[3] = (char)e->attempt;
    put32(frame->data + 8, e->slot);
    put32(frame->data + 12, e->generation);
    put32(frame->data + 32, e->ttl_ms);
}

/* The first message of a frame: its size, if it is whole. */
static enum envelope_error look(struct str frame, size_t *out_size)
{
    const char *at = frame.data;
    if (frame.size >= 2 && (at[0] != 'V' || at[1] != 'Q'))
        return ENVELOPE_NOT_OURS;
    if (frame.size >= 3 && at[2] != ENVELOPE_VERSION)
        return ENVELOPE_BAD_VERSION;
    if (frame.size < ENVELOPE_SIZE)
        return ENVELOPE_SHORT;
    *out_size = ENVELOPE_SIZE + (size_t)get32(at + 52) + (size_t)get32(at + 48);
    if (frame.size < *out_size)
        return ENVELOPE_SHORT;
    return ENVELOPE_OK;
}

static struct str behind(struct str frame, size_t size)
{
    return str_make(frame.data + size, frame.size - size);
}

enum envelope_error envelope_check(struct str frame)
{
    size_t size;
    enum envelope_error error = look(frame, &size);
    if (error)
        return error;
    for (frame = behind(frame, size); frame.size; frame = behind(frame, size))
        if (look(frame, &size))
            return ENVELOPE_TRAILING;
    return ENVELOPE_OK;
}

bool envelope_next(struct str *frame, struct envelope *out, struct str *out_body)
{
    size_t size;
    const char *at = frame->data;
    if (frame->size == 0)
        return false;
    must(look(*frame, &size) == ENVELOPE_OK);
    *frame = behind(*frame, size);
    size_t body = get32(at + 52);
    out->attempt = (uint8_t)at[3];
    out->type = get16(at + 4);
    out->status = get16(at + 6);
    out->slot = get32(at + 8);
    out->generation = get32(at + 12);
    memcpy(out->request_id.bytes, at + 16, 16);
    out->ttl_ms = get32(at + 32);
    out->credit = get16(at + 36);
    out->batch = get16(at + 38);
    out->queue_us = get32(at + 40);
    out->service_us = get32(at + 44);
    out->trace = str_make(at + ENVELOPE_SIZE + body, size - ENVELOPE_SIZE - body);
    *out_body = str_make(at + ENVELOPE_SIZE, body);
    return true;
}

const char *envelope_error_text(enum envelope_error error)
{
    static const char *const texts[] = {"good", "too short", "bytes behind a message",
                                        "not a message of ours", "a version not spoken here"};
    must(error < sizeof texts / sizeof *texts);
    return texts[error];
}
