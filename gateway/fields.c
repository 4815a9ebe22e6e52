#include "gateway/fields.h"

#include "proto/base/die.h"

void fields_add(struct fields *fields, const char *name, const char *reason)
{
    if (!reason)
        return;
    for (size_t i = 0; i < fields->count; i++)
        if (strcmp(fields->rows[i].name, name) == 0)
            return;
    must(fields->count < FIELDS_MAX);
    fields->rows[fields->count++] = (struct request_field){name, reason};
}

const char *fields_reason(enum account_error error)
{
    static const char *const reasons[] = {
        [ACCOUNT_GOOD] = NULL,          [ACCOUNT_EMPTY] = "missing",
        [ACCOUNT_TOO_SHORT] = "short",  [ACCOUNT_TOO_LONG] = "long",
        [ACCOUNT_NOT_TEXT] = "invalid", [ACCOUNT_BAD_SHAPE] = "invalid",
    };
    return reasons[error];
}

struct str fields_text(struct request *request, const char *name)
{
    const struct http_field *field = http_form_get(&request->form, name);
    if (!field)
        return STR("");
    struct str text = str_trim(field->value, " \t\r\n");
    char *copy = arena_cstr(&request->arena, text);
    size_t size = 0;
    for (size_t i = 0; i < text.size; i++) {
        char c = text.data[i] == '\r' || text.data[i] == '\n' ? ' ' : text.data[i];
        if (c == ' ' && text.data[i] != ' ' && size > 0 && copy[size - 1] == ' ')
            continue; /* CR LF is one break */
        copy[size++] = c;
    }
    return str_make(copy, size);
}

const char *fields_check(struct str text, size_t max)
{
    if (!str_is_utf8(text) || str_has_control(text))
        return "invalid";
    if (str_is_blank(text))
        return "missing";
    return str_utf8_length(text) > max ? "long" : NULL;
}

struct tpl_value fields_kept(struct str text)
{
    return str_is_utf8(text) && !str_has_control(text) ? tpl_str(text) : tpl_text("");
}
