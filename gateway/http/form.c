#include "gateway/http/form.h"

#include "gateway/http/multipart.h"
#include "gateway/http/syntax.h"
#include "proto/json_form.h"

int http_form_add(struct arena *arena, const struct http_form_limits *limits,
                  struct http_form *form, struct http_field field)
{
    if (form->count == limits->fields || field.name.size > limits->name ||
        field.value.size > limits->value)
        return 413;
    /* Full at 0, 1, 2, 4 … elements: no room is stored, the count tells. */
    if ((form->count & (form->count - 1)) == 0) {
        size_t room = form->count ? 2 * form->count : 1;
        struct http_field *fields = arena_array(arena, room, sizeof *fields);
        if (form->count)
            memcpy(fields, form->fields, form->count * sizeof *fields);
        form->fields = fields;
    }
    form->fields[form->count++] = field;
    return 0;
}

/* Decoded and true, or as it is and false. */
static bool decode(struct arena *arena, struct str raw, struct str *out)
{
    char *text = arena_alloc(arena, raw.size + 1);
    size_t size;
    *out = raw;
    if (!http_percent_decode(raw, true, text, &size))
        return false;
    *out = str_make(text, size);
    return str_is_utf8(*out);
}

int http_form_parse_query(struct arena *arena, const struct http_form_limits *limits,
                          struct str query, struct http_form *out)
{
    struct str pair, name;
    *out = (struct http_form){0};
    while (str_cut(&query, '&', &pair)) {
        struct http_field field = {0};
        if (pair.size == 0)
            continue;
        if (!str_cut(&pair, '=', &name))
            name = STR("");
        bool name_valid = decode(arena, name, &field.name);
        field.valid = decode(arena, pair, &field.value) && name_valid;
        int status = http_form_add(arena, limits, out, field);
        if (status)
            return status;
    }
    return 0;
}

static int check_charset(struct str parameters)
{
    struct str name, value;
    while (http_parameter(&parameters, &name, &value))
        if (str_equal_nocase(name, STR("charset")) && !str_equal_nocase(value, STR("utf-8")))
            return 415;
    return parameters.size ? 400 : 0;
}

static int parse_urlencoded(struct arena *arena, const struct http_form_limits *limits,
                            struct str parameters, struct str body, struct http_form *out)
{
    int status = check_charset(parameters);
    return status ? status : http_form_parse_query(arena, limits, body, out);
}

struct json_reading {
    struct arena *arena;
    const struct http_form_limits *limits;
    struct http_form *form;
};

static int take_json_field(void *owner, struct str name, struct str value)
{
    struct json_reading *reading = owner;
    return http_form_add(reading->arena, reading->limits, reading->form,
                         (struct http_field){.name = name, .value = value, .valid = true});
}

static int parse_json(struct arena *arena, const struct http_form_limits *limits,
                      struct str parameters, struct str body, struct http_form *out)
{
    struct json_reading reading = {arena, limits, out};
    int status = check_charset(parameters);
    return status ? status : json_form_read(arena, body, take_json_field, &reading);
}

/* parameters: what follows the type, from its ';' on. */
static const struct {
    const char *type;
    int (*parse)(struct arena *arena, const struct http_form_limits *limits, struct str parameters,
                 struct str body, struct http_form *out);
} decoders[] = {
    {"application/x-www-form-urlencoded", parse_urlencoded},
    {"multipart/form-data", http_multipart_parse},
    {"application/json", parse_json},
};

/* Cuts a Content-Type in two at its first ';', which stays with the parameters. */
static struct str media_type(struct str content_type, struct str *out_parameters)
{
    size_t size = 0;
    while (size < content_type.size && content_type.data[size] != ';')
        size++;
    *out_parameters = str_make(content_type.data + size, content_type.size - size);
    return str_trim(str_make(content_type.data, size), " \t");
}

bool http_form_is_json(struct str content_type)
{
    struct str parameters;
    return content_type.size &&
           str_equal_nocase(media_type(content_type, &parameters), STR("application/json"));
}

int http_form_parse(struct arena *arena, const struct http_form_limits *limits,
                    struct str content_type, struct str body, struct http_form *out)
{
    *out = (struct http_form){0};
    if (body.size == 0 && content_type.size == 0)
        return 0;
    if (content_type.size == 0)
        return 415;
    struct str parameters, type = media_type(content_type, &parameters);
    for (size_t i = 0; i < sizeof decoders / sizeof *decoders; i++)
        if (str_equal_nocase(type, str_from(decoders[i].type)))
            return decoders[i].parse(arena, limits, parameters, body, out);
    return 415;
}

const struct http_field *http_form_get(const struct http_form *form, const char *name)
{
    const struct http_field *field = NULL;
    http_form_get_all(form, name, &field, 1);
    return field;
}

size_t http_form_get_all(const struct http_form *form, const char *name,
                         const struct http_field **out_fields, size_t max)
{
    size_t count = 0;
    for (size_t i = 0; i < form->count; i++)
        if (str_equal(form->fields[i].name, str_from(name)) && count++ < max)
            out_fields[count - 1] = &form->fields[i];
    return count;
}
