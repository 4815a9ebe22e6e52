#include "gateway/http/multipart.h"

#include "gateway/http/syntax.h"

enum { BOUNDARY_MAX = 70 };

/* What one part's headers say. */
struct part {
    struct str name, filename; /* data NULL: not given */
    struct str type;
    bool has_disposition, has_type;
};

static bool is_boundary(struct str s)
{
    if (s.size == 0 || s.size > BOUNDARY_MAX || s.data[s.size - 1] == ' ')
        return false;
    for (size_t i = 0; i < s.size; i++) {
        char c = s.data[i];
        bool alnum = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
        if (!alnum && (!c || !strchr("'()+_,-./:=? ", c)))
            return false;
    }
    return true;
}

/* What browsers escape in a quoted name, and nothing else. */
static struct str unescape(struct arena *arena, struct str s)
{
    static const struct {
        struct str escape;
        char byte;
    } escapes[] = {{{"%22", 3}, '"'}, {{"%0D", 3}, '\r'}, {{"%0A", 3}, '\n'}};
    char *text = arena_alloc(arena, s.size + 1);
    size_t size = 0;
    for (size_t i = 0; i < s.size; i++) {
        char c = s.data[i];
        for (size_t e = 0; e < 3 && c == '%'; e++)
            if (str_starts(str_make(s.data + i, s.size - i), escapes[e].escape)) {
                c = escapes[e].byte;
                i += 2;
                break;
            }
        text[size++] = c;
    }
    return str_make(text, size);
}

/* form-data; name="…"[; filename="…"] */
static bool parse_disposition(struct str value, struct part *part)
{
    struct str name, text;
    static const struct str form_data = {"form-data", 9};
    if (part->has_disposition || value.size < form_data.size ||
        !str_equal_nocase(str_make(value.data, form_data.size), form_data))
        return false;
    part->has_disposition = true;
    value = str_make(value.data + form_data.size, value.size - form_data.size);
    while (http_parameter(&value, &name, &text)) {
        struct str *to = str_equal_nocase(name, STR("name"))       ? &part->name
                         : str_equal_nocase(name, STR("filename")) ? &part->filename
                                                                   : NULL;
        if (to && to->data)
            return false;
        if (to)
            *to = text;
    }
    return value.size == 0 && part->name.data;
}

/* One field has one text type: text/plain, in UTF-8 if it says so. A file may have any. */
static int check_type(const struct part *part)
{
    struct str rest = part->type, type, name, value;
    if (!part->has_type || part->filename.data)
        return 0;
    size_t size = 0;
    while (size < rest.size && rest.data[size] != ';')
        size++;
    type = str_trim(str_make(rest.data, size), " \t");
    rest = str_make(rest.data + size, rest.size - size);
    if (!str_equal_nocase(type, STR("text/plain")))
        return 415;
    while (http_parameter(&rest, &name, &value))
        if (str_equal_nocase(name, STR("charset")) && !str_equal_nocase(value, STR("utf-8")))
            return 415;
    return rest.size ? 400 : 0;
}

/* RFC 7578 section 4.7: no encoding of a part's own; those that change nothing pass. */
static bool is_identity(struct str encoding)
{
    return str_equal_nocase(encoding, STR("7bit")) || str_equal_nocase(encoding, STR("8bit")) ||
           str_equal_nocase(encoding, STR("binary"));
}

static int parse_part_header(struct str line, struct part *part)
{
    struct str name, value;
    if (!http_field_line(line, &name, &value))
        return 400;
    if (str_equal_nocase(name, STR("content-disposition")))
        return parse_disposition(value, part) ? 0 : 400;
    if (str_equal_nocase(name, STR("content-transfer-encoding")))
        return is_identity(value) ? 0 : 415;
    if (str_equal_nocase(name, STR("content-type"))) {
        if (part->has_type)
            return 400;
        part->has_type = true;
        part->type = value;
    }
    return 0;
}

/* Takes the part's headers and the empty line from *rest. */
static int parse_part_head(const struct http_form_limits *limits, struct str *rest,
                           struct part *part)
{
    const char *start = rest->data;
    *part = (struct part){0};
    for (;;) {
        ptrdiff_t lf = str_find(*rest, '\n');
        if (lf < 1 || rest->data[lf - 1] != '\r')
            return 400;
        struct str line = str_make(rest->data, (size_t)lf - 1);
        *rest = str_make(rest->data + lf + 1, rest->size - (size_t)lf - 1);
        if ((size_t)(rest->data - start) > limits->part)
            return 413;
        if (line.size == 0)
            return part->has_disposition ? check_type(part) : 400;
        int status = parse_part_header(line, part);
        if (status)
            return status;
    }
}

/* Takes the content and the delimiter behind it from *rest. */
static bool cut_content(struct str *rest, struct str delimiter, struct str *out)
{
    const char *at =
        rest->size ? memmem(rest->data, rest->size, delimiter.data, delimiter.size) : NULL;
    if (!at)
        return false;
    *out = str_make(rest->data, (size_t)(at - rest->data));
    size_t gone = out->size + delimiter.size;
    *rest = str_make(rest->data + gone, rest->size - gone);
    return true;
}

static bool find_boundary(struct str parameters, struct str *out)
{
    struct str name, value;
    *out = (struct str){0};
    while (http_parameter(&parameters, &name, &value))
        if (str_equal_nocase(name, STR("boundary"))) {
            if (out->data)
                return false;
            *out = value;
        }
    return parameters.size == 0 && is_boundary(*out);
}

int http_multipart_parse(struct arena *arena, const struct http_form_limits *limits,
                         struct str parameters, struct str body, struct http_form *out)
{
    struct str boundary, content;
    struct part part;
    if (!find_boundary(parameters, &boundary))
        return 400;
    struct str delimiter =
        str_from(arena_printf(arena, "\r\n--%.*s", (int)boundary.size, boundary.data));
    struct str first = str_make(delimiter.data + 2, delimiter.size - 2);
    if (!str_starts(body, first))
        return 400;
    struct str rest = str_make(body.data + first.size, body.size - first.size);
    while (str_starts(rest, STR("\r\n"))) {
        rest = str_make(rest.data + 2, rest.size - 2);
        int status = parse_part_head(limits, &rest, &part);
        if (status)
            return status;
        if (!cut_content(&rest, delimiter, &content))
            return 400;
        struct http_field field = {
            .name = unescape(arena, part.name), .value = content, .filename = part.filename};
        field.valid = str_is_utf8(field.name) && (part.filename.data || str_is_utf8(content));
        status = http_form_add(arena, limits, out, field);
        if (status)
            return status;
    }
    return str_equal(rest, STR("--")) || str_equal(rest, STR("--\r\n")) ? 0 : 400;
}
