#include "gateway/tpl/text.h"

#include "proto/base/die.h"

static bool is_continuation(char byte)
{
    return ((unsigned char)byte & 0xc0) == 0x80;
}

struct str text_char(struct str s)
{
    size_t size = s.size > 0;
    if (size && (unsigned char)s.data[0] >= 0xc0)
        while (size < 4 && size < s.size && is_continuation(s.data[size]))
            size++;
    return str_make(s.data, size);
}

size_t text_length(struct str s)
{
    size_t count = 0;
    for (size_t at = 0; at < s.size; count++)
        at += text_char(str_make(s.data + at, s.size - at)).size;
    return count;
}

size_t text_space(struct str s)
{
    static const struct str wide[] = {
        STR("\u00a0"), STR("\u1680"), STR("\u2000"), STR("\u2001"),   STR("\u2002"),
        STR("\u2003"), STR("\u2004"), STR("\u2005"), STR("\u2006"),   STR("\u2007"),
        STR("\u2008"), STR("\u2009"), STR("\u200a"), STR("\u2028"),   STR("\u2029"),
        STR("\u202f"), STR("\u205f"), STR("\u3000"), STR("\xc2\x85"),
    };
    if (s.size == 0)
        return 0;
    unsigned char c = (unsigned char)s.data[0];
    if (c < 0x80)
        return (c >= 0x09 && c <= 0x0d) || (c >= 0x1c && c <= 0x20);
    for (size_t i = 0; i < sizeof wide / sizeof *wide; i++)
        if (str_starts(s, wide[i]))
            return wide[i].size;
    return 0;
}

struct str text_trim_left(struct str s)
{
    for (size_t n; (n = text_space(s)) > 0;)
        s = str_make(s.data + n, s.size - n);
    return s;
}

struct str text_trim_right(struct str s)
{
    while (s.size) {
        size_t back = 1;
        while (back < 4 && back < s.size && is_continuation(s.data[s.size - back]))
            back++;
        if (text_space(str_make(s.data + s.size - back, back)) != back)
            break;
        s.size -= back;
    }
    return s;
}

size_t text_put(uint32_t code, char out[4])
{
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    size_t size = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (size_t i = size - 1; i > 0; i--, code >>= 6)
        out[i] = (char)(0x80 | (code & 0x3f));
    static const unsigned char lead[] = {[2] = 0xc0, [3] = 0xe0, [4] = 0xf0};
    out[0] = (char)(lead[size] | code);
    return size;
}

/* 1 + the index in entities; 0 for bytes HTML takes as they are. */
static const unsigned char special[256] = {
    ['&'] = 1, ['<'] = 2, ['>'] = 3, ['"'] = 4, ['\''] = 5,
};

struct str text_entity(char c)
{
    /* The names markupsafe uses, so that pages come out the same byte for byte. */
    static const struct str entities[] = {
        STR("&amp;"), STR("&lt;"), STR("&gt;"), STR("&#34;"), STR("&#39;"),
    };
    unsigned index = special[(unsigned char)c];
    must(index > 0);
    return entities[index - 1];
}

size_t text_plain(struct str s)
{
    size_t at = 0;
    while (at < s.size && !special[(unsigned char)s.data[at]])
        at++;
    return at;
}

size_t text_escaped_size(struct str s)
{
    size_t size = s.size;
    for (size_t i = 0; i < s.size; i++)
        if (special[(unsigned char)s.data[i]])
            size += text_entity(s.data[i]).size - 1;
    return size;
}

struct str text_escape(struct arena *arena, struct str s)
{
    size_t size = text_escaped_size(s), to = 0;
    if (size == s.size)
        return s;
    char *html = arena_alloc(arena, size);
    for (size_t at = 0; at < s.size; at++) {
        size_t plain = text_plain(str_make(s.data + at, s.size - at));
        memcpy(html + to, s.data + at, plain);
        to += plain;
        at += plain;
        if (at < s.size) {
            struct str entity = text_entity(s.data[at]);
            memcpy(html + to, entity.data, entity.size);
            to += entity.size;
        }
    }
    must(to == size);
    return str_make(html, size);
}
