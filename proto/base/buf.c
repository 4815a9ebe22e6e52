#include "proto/base/buf.h"

#include "proto/base/die.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

char *buf_reserve(struct buf *buf, size_t extra)
{
    must(extra <= SIZE_MAX / 4 && buf->size <= SIZE_MAX / 4);
    size_t need = buf->size + extra;
    if (need > buf->capacity) {
        size_t capacity = buf->capacity ? buf->capacity : 256;
        while (capacity < need)
            capacity *= 2;
        char *data = realloc(buf->data, capacity);
        if (!data)
            die("out of memory");
        buf->data = data;
        buf->capacity = capacity;
    }
    return buf->data + buf->size;
}

void buf_add(struct buf *buf, const void *data, size_t size)
{
    if (size == 0)
        return;
    memcpy(buf_reserve(buf, size), data, size);
    buf->size += size;
}

void buf_add_str(struct buf *buf, struct str s)
{
    buf_add(buf, s.data, s.size);
}

void buf_add_char(struct buf *buf, char c)
{
    *buf_reserve(buf, 1) = c;
    buf->size++;
}

void buf_printf(struct buf *buf, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int size = vsnprintf(NULL, 0, format, again);
    va_end(again);
    must(size >= 0);
    vsnprintf(buf_reserve(buf, (size_t)size + 1), (size_t)size + 1, format, args);
    va_end(args);
    buf->size += (size_t)size;
}

void buf_add_int(struct buf *buf, int64_t value)
{
    char digits[20];
    size_t at = sizeof digits;
    uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    do
        digits[--at] = (char)('0' + rest % 10);
    while (rest /= 10);
    if (value < 0)
        digits[--at] = '-';
    buf_add(buf, digits + at, sizeof digits - at);
}

struct str buf_str(const struct buf *buf)
{
    return str_make(buf->data, buf->size);
}

void buf_consume(struct buf *buf, size_t size)
{
    must(size <= buf->size);
    buf->size -= size;
    if (buf->size && size)
        memmove(buf->data, buf->data + size, buf->size);
}

void buf_reset(struct buf *buf)
{
    buf->size = 0;
}

void buf_free(struct buf *buf)
{
    free(buf->data);
    *buf = (struct buf){0};
}
