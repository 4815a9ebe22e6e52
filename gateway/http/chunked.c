#include "gateway/http/chunked.h"

#include "gateway/http/syntax.h"

static enum http_chunked_state fail(struct http_chunked *chunked, int status)
{
    chunked->status = status;
    return CHUNK_FAILED;
}

static enum http_chunked_state size_byte(struct http_chunked *chunked, char c, size_t room)
{
    char pair[2] = {'0', c};
    unsigned char digit;
    if (hex_decode(str_make(pair, 2), &digit, 1)) {
        if (++chunked->digits > CHUNK_DIGITS_MAX)
            return fail(chunked, 400);
        if (chunked->left > SIZE_MAX >> 4 || (chunked->left << 4 | digit) > room)
            return fail(chunked, 413);
        chunked->left = chunked->left << 4 | digit;
        return CHUNK_SIZE;
    }
    if (chunked->state == CHUNK_SIZE_FIRST)
        return fail(chunked, 400);
    if (c == ';')
        return CHUNK_EXTENSION;
    return c == '\r' ? CHUNK_SIZE_LF : fail(chunked, 400);
}

/* The byte of a line that is kept only in count. */
static enum http_chunked_state extra_byte(struct http_chunked *chunked, char c,
                                          enum http_class class, enum http_chunked_state stay)
{
    if (++chunked->extra > CHUNK_EXTRA_MAX)
        return fail(chunked, stay == CHUNK_EXTENSION ? 400 : 431);
    return http_is(c, class) ? stay : fail(chunked, 400);
}

static enum http_chunked_state expect(struct http_chunked *chunked, char c, char wanted,
                                      enum http_chunked_state next)
{
    return c == wanted ? next : fail(chunked, 400);
}

/* One byte of framing: the state behind it. */
static enum http_chunked_state step(struct http_chunked *chunked, char c, size_t room)
{
    switch (chunked->state) {
    case CHUNK_SIZE_FIRST:
    case CHUNK_SIZE:
        return size_byte(chunked, c, room);
    case CHUNK_EXTENSION:
        return c == '\r' ? CHUNK_SIZE_LF : extra_byte(chunked, c, HTTP_FIELD, CHUNK_EXTENSION);
    case CHUNK_SIZE_LF:
        return expect(chunked, c, '\n', chunked->left ? CHUNK_DATA : CHUNK_TRAILER_START);
    case CHUNK_DATA_CR:
        return expect(chunked, c, '\r', CHUNK_DATA_LF);
    case CHUNK_DATA_LF:
        chunked->digits = 0;
        return expect(chunked, c, '\n', CHUNK_SIZE_FIRST);
    case CHUNK_TRAILER_START:
        return c == '\r' ? CHUNK_LAST_LF : extra_byte(chunked, c, HTTP_TOKEN, CHUNK_TRAILER_NAME);
    case CHUNK_TRAILER_NAME:
        return c == ':' ? CHUNK_TRAILER_VALUE
                        : extra_byte(chunked, c, HTTP_TOKEN, CHUNK_TRAILER_NAME);
    case CHUNK_TRAILER_VALUE:
        return c == '\r' ? CHUNK_TRAILER_LF
                         : extra_byte(chunked, c, HTTP_FIELD, CHUNK_TRAILER_VALUE);
    case CHUNK_TRAILER_LF:
        return expect(chunked, c, '\n', CHUNK_TRAILER_START);
    case CHUNK_LAST_LF:
        return expect(chunked, c, '\n', CHUNK_DONE);
    case CHUNK_DATA:
    case CHUNK_DONE:
    case CHUNK_FAILED:
        break;
    }
    return chunked->state;
}

size_t http_chunked_feed(struct http_chunked *chunked, struct str input, size_t body_limit,
                         struct buf *body)
{
    size_t taken = 0;
    while (taken < input.size && chunked->state != CHUNK_DONE && chunked->state != CHUNK_FAILED) {
        if (chunked->state != CHUNK_DATA) {
            chunked->state = step(chunked, input.data[taken++], body_limit - body->size);
            continue;
        }
        size_t n = input.size - taken < chunked->left ? input.size - taken : chunked->left;
        buf_add(body, input.data + taken, n);
        taken += n;
        chunked->left -= n;
        if (chunked->left == 0)
            chunked->state = CHUNK_DATA_CR;
    }
    return taken;
}
