#include "proto/traceparent.h"

#include <stdio.h>

enum { FLAG_SAMPLED = 1 };

struct span_id span_id_random(void)
{
    struct span_id id;
    do
        random_bytes(id.bytes, sizeof id.bytes);
    while (span_id_is_none(id));
    return id;
}

bool span_id_is_none(struct span_id id)
{
    static const struct span_id none;
    return memcmp(id.bytes, none.bytes, sizeof none.bytes) == 0;
}

char *span_id_print(struct span_id id, char out[SPAN_TEXT + 1])
{
    hex_encode(id.bytes, sizeof id.bytes, out);
    return out;
}

/* hex_decode takes both cases; the standard takes one. */
static bool read_hex(const char *at, size_t size, void *out)
{
    for (size_t i = 0; i < 2 * size; i++)
        if (at[i] >= 'A' && at[i] <= 'F')
            return false;
    return hex_decode(str_make(at, 2 * size), out, size);
}

bool traceparent_parse(struct str text, struct traceparent *out)
{
    struct traceparent read;
    uint8_t version, flags;
    const char *at = text.data;
    if (text.size < TRACEPARENT_TEXT || at[2] != '-' || at[35] != '-' || at[52] != '-' ||
        !read_hex(at, 1, &version) || !read_hex(at + 3, 16, read.trace.bytes) ||
        !read_hex(at + 36, 8, read.parent.bytes) || !read_hex(at + 53, 1, &flags))
        return false;
    bool longer = text.size > TRACEPARENT_TEXT;
    if (version == 0xff || (longer && (version == 0 || at[TRACEPARENT_TEXT] != '-')))
        return false;
    if (id_is_none(read.trace) || span_id_is_none(read.parent))
        return false;
    read.sampled = flags & FLAG_SAMPLED;
    *out = read;
    return true;
}

char *traceparent_print(const struct traceparent *from, char out[TRACEPARENT_TEXT + 1])
{
    char trace[ID_TEXT + 1], parent[SPAN_TEXT + 1];
    snprintf(out, TRACEPARENT_TEXT + 1, "00-%s-%s-%02x", id_print(from->trace, trace),
             span_id_print(from->parent, parent), from->sampled ? FLAG_SAMPLED : 0);
    return out;
}
