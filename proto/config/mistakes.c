#include "proto/config/mistakes.h"

#include <stdlib.h>

enum { SHOWN_MAX = 48 };

void mistakes_add(struct mistakes *mistakes, struct place place, struct str key, const char *format,
                  ...)
{
    size_t number = mistakes->count++;
    if (number >= CONFIG_ERRORS_MAX)
        return;
    va_list args;
    va_start(args, format);
    const char *message = arena_vprintf(mistakes->arena, format, args);
    va_end(args);
    if (key.size)
        message =
            arena_printf(mistakes->arena, "%s: %s", text_shown(mistakes->arena, key), message);
    mistakes->list[number] = (struct mistake){place, number, message};
}

static int compare(const void *a, const void *b)
{
    const struct mistake *x = a, *y = b;
    if (x->place.order != y->place.order)
        return x->place.order < y->place.order ? -1 : 1;
    return x->number < y->number ? -1 : 1;
}

bool mistakes_report(struct mistakes *mistakes, struct buf *out)
{
    bool full = mistakes->count >= CONFIG_ERRORS_MAX;
    size_t count = full ? CONFIG_ERRORS_MAX : mistakes->count;
    qsort(mistakes->list, count, sizeof *mistakes->list, compare);
    for (size_t i = 0; i < count; i++) {
        place_print(mistakes->list[i].place, out);
        buf_printf(out, ": %s\n", mistakes->list[i].text);
    }
    if (full)
        buf_printf(out, "too many mistakes: there may be more\n");
    return count > 0;
}

static void add_shown(struct buf *out, struct str s)
{
    bool utf8 = str_is_utf8(s);
    for (size_t i = 0; i < s.size; i++) {
        unsigned char c = (unsigned char)s.data[i];
        if (c < 0x20 || c == 0x7f || (c >= 0x80 && !utf8))
            buf_printf(out, "\\x%02x", c);
        else
            buf_add_char(out, (char)c);
    }
}

void place_print(struct place place, struct buf *out)
{
    add_shown(out, str_from(place.origin));
    if (place.order > 0 && place.order < PLACE_OVERRIDE)
        buf_printf(out, ":%d", place.order);
}

const char *text_shown(struct arena *arena, struct str s)
{
    size_t size = s.size;
    if (size > SHOWN_MAX)
        for (size = SHOWN_MAX; size && ((unsigned char)s.data[size] & 0xc0) == 0x80;)
            size--;
    struct buf out = {0};
    add_shown(&out, str_make(s.data, size));
    if (size < s.size)
        buf_printf(&out, "…");
    const char *text = arena_cstr(arena, buf_str(&out));
    buf_free(&out);
    return text;
}
