#include "proto/config/document.h"

static void add_indent(struct buf *out, int depth)
{
    buf_printf(out, "%*s", 2 * depth, "");
}

int document_section(struct buf *out, const struct section *section)
{
    struct str rest = str_from(section->path), part;
    int depth = 0;
    while (str_cut(&rest, '.', &part)) {
        add_indent(out, depth++);
        buf_printf(out, "%.*s:\n", STR_ARG(part));
    }
    return depth;
}

static void add_quoted(struct buf *out, struct str s)
{
    buf_add_char(out, '"');
    for (size_t i = 0; i < s.size; i++) {
        if (s.data[i] == '"' || s.data[i] == '\\')
            buf_add_char(out, '\\');
        buf_add_char(out, s.data[i]);
    }
    buf_add_char(out, '"');
}

static void add_scalar(struct buf *out, const struct key *key, struct str s)
{
    if (key->kind == KEY_INT || key->kind == KEY_FLAG || key->kind == KEY_CHOICE)
        buf_add_str(out, s);
    else
        add_quoted(out, s);
}

void document_value(struct buf *out, int depth, const struct key *key, const struct str *items,
                    size_t count)
{
    add_indent(out, depth);
    buf_printf(out, "%s: %s", key->name, key->kind == KEY_LIST ? "[" : "");
    for (size_t i = 0; i < count; i++) {
        buf_printf(out, "%s", i ? ", " : "");
        add_scalar(out, key, items[i]);
    }
    buf_printf(out, "%s", key->kind == KEY_LIST ? "]" : "");
}

static struct str masked(struct str secret)
{
    return secret.size ? STR("***") : STR("");
}

void values_write(const struct values *values, enum values_style style, struct buf *out)
{
    int depth = 0;
    for (size_t i = 0; i < KEY_COUNT; i++) {
        const struct value *value = &values->of[i];
        if (i == 0 || keys[i].section != keys[i - 1].section)
            depth = document_section(out, &sections[keys[i].section]);
        bool is_secret = keys[i].kind == KEY_SECRET;
        struct str secret =
            is_secret && style == VALUES_MASKED ? masked(value->items[0]) : value->secret;
        document_value(out, depth, &keys[i], is_secret ? &secret : value->items, value->count);
        if (style == VALUES_MASKED && value->place.origin) {
            buf_printf(out, " # ");
            place_print(value->place, out);
        }
        buf_add_char(out, '\n');
    }
}
