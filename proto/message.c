/* One table of fields drives everything here; no message has code of its own. */
#include "proto/message.h"

#include "proto/base/die.h"
#include "proto/message_plain.h"

#include <jansson.h>
#include <stdio.h>

static const char *const service_names[] = {"gateway", "db", "session", "password"};

const char *service_name(enum service service)
{
    must(service < SERVICE_COUNT);
    return service_names[service];
}

bool service_parse(struct str name, enum service *out)
{
    for (int i = 0; i < SERVICE_COUNT; i++)
        if (str_equal(name, str_from(service_names[i]))) {
            *out = (enum service)i;
            return true;
        }
    return false;
}

/* clang-format off */
#define BEGIN_RECORD(name_, phrase_)                                                               \
    const struct record *record_##name_(void)                                                      \
    {                                                                                              \
        typedef struct name_ self;                                                                 \
        static const char phrase[] = phrase_;                                                      \
        static const struct field fields[] = {
#define RECORD(name_, phrase_)                       BEGIN_RECORD(name_, phrase_)
#define REQUEST(name_, number_, service_, lane_, phrase_) BEGIN_RECORD(name_, phrase_)
#define REPLY(name_, number_, service_, phrase_)     BEGIN_RECORD(name_, phrase_)
#define CONTROL(name_, number_, phrase_)             BEGIN_RECORD(name_, phrase_)
#define OPTIONAL .optional = true
/* The rest: a sample, a phrase, and OPTIONAL or nothing. */
#define FIELD(name_, kind_, min_, max_, ...)                                                       \
            {.name = #name_, .kind = kind_, .offset = offsetof(self, name_), .min = min_,          \
             .max = max_, .sample = __VA_ARGS__},
#define INT(name_, min_, max_, ...)    FIELD(name_, FIELD_INT, min_, max_, __VA_ARGS__)
#define BOOL(name_, ...)               FIELD(name_, FIELD_BOOL, 0, 1, __VA_ARGS__)
#define TEXT(name_, min_, max_, ...)   FIELD(name_, FIELD_TEXT, min_, max_, __VA_ARGS__)
#define SECRET(name_, min_, max_, ...) FIELD(name_, FIELD_SECRET, min_, max_, __VA_ARGS__)
#define ID(name_, ...)                 FIELD(name_, FIELD_ID, 0, 0, __VA_ARGS__)
#define LIST(name_, rows_, min_, max_, ...)                                                        \
            {.name = #name_, .kind = FIELD_LIST, .offset = offsetof(self, name_),                  \
             .count_offset = offsetof(self, name_##_count), .min = min_, .max = max_,              \
             .record = record_##rows_, .sample = __VA_ARGS__},
#define END(name_)                                                                                 \
            {.name = NULL}};                                                                       \
        static const struct record record = {#name_, phrase, sizeof(self), fields,                 \
                                             sizeof fields / sizeof *fields - 1};                  \
        return &record;                                                                            \
    }
#include "proto/messages.def"

static const struct message_type types[] = {
#define REQUEST(name_, number_, service_, lane_, ...)                                              \
    {number_, MESSAGE_REQUEST, SERVICE_OF_##service_, LANE_##lane_, #name_, record_##name_},
#define REPLY(name_, number_, service_, ...)                                                       \
    {number_, MESSAGE_REPLY, SERVICE_OF_##service_, LANE_READ, #name_, record_##name_},
#define CONTROL(name_, number_, ...)                                                               \
    {number_, MESSAGE_CONTROL, SERVICE_GATEWAY, LANE_READ, #name_, record_##name_},
#define SERVICE_OF_gateway  SERVICE_GATEWAY
#define SERVICE_OF_db       SERVICE_DB
#define SERVICE_OF_session  SERVICE_SESSION
#define SERVICE_OF_password SERVICE_PASSWORD
#include "proto/messages.def"
};
/* clang-format on */

const struct message_type *message_type_find(unsigned number)
{
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (types[i].number == number)
            return &types[i];
    return NULL;
}

const struct message_type *message_type_named(struct str name)
{
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (str_equal(str_from(types[i].name), name))
            return &types[i];
    return NULL;
}

const struct message_type *message_types(size_t *out_count)
{
    *out_count = sizeof types / sizeof *types;
    return types;
}

const struct message_type *message_reply_type(const struct message_type *request)
{
    must(request->kind == MESSAGE_REQUEST);
    const struct message_type *reply = message_type_find(request->number + 1U);
    must(reply && reply->kind == MESSAGE_REPLY);
    return reply;
}

/* ---- struct → JSON ------------------------------------------------------------------------- */

void json_add_text(struct buf *out, struct str s)
{
    size_t plain = 0; /* start of the run not yet copied */
    buf_add_char(out, '"');
    for (size_t i = 0; i < s.size; i++) {
        unsigned char c = (unsigned char)s.data[i];
        if (c >= 0x20 && c != '"' && c != '\\')
            continue;
        buf_add(out, s.data + plain, i - plain);
        plain = i + 1;
        if (c == '"' || c == '\\')
            buf_printf(out, "\\%c", c);
        else
            buf_printf(out, "\\u%04x", c);
    }
    buf_add(out, s.data + plain, s.size - plain);
    buf_add_char(out, '"');
}

static void pack_list(const struct field *field, const void *message, struct buf *out)
{
    const struct record *rows = field->record();
    const char *row = *(char *const *)((const char *)message + field->offset);
    size_t count = *(const size_t *)((const char *)message + field->count_offset);
    buf_add_char(out, '[');
    for (size_t i = 0; i < count; i++, row += rows->size) {
        if (i)
            buf_add_str(out, STR(", "));
        message_pack(rows, row, out);
    }
    buf_add_char(out, ']');
}

static void pack_value(const struct field *field, const void *message, struct buf *out)
{
    const void *value = (const char *)message + field->offset;
    char id[ID_TEXT + 1];
    switch (field->kind) {
    case FIELD_INT:
        buf_add_int(out, *(const int64_t *)value);
        break;
    case FIELD_BOOL:
        buf_add_str(out, *(const bool *)value ? STR("true") : STR("false"));
        break;
    case FIELD_TEXT:
    case FIELD_SECRET:
        json_add_text(out, *(const struct str *)value);
        break;
    case FIELD_ID:
        json_add_text(out, str_from(id_print(*(const struct id *)value, id)));
        break;
    case FIELD_LIST:
        pack_list(field, message, out);
        break;
    }
}

static void add_key(const struct field *field, bool first, struct buf *out)
{
    buf_add_str(out, first ? STR("\"") : STR(", \""));
    buf_add_str(out, str_from(field->name));
    buf_add_str(out, STR("\": "));
}

void message_pack(const struct record *record, const void *message, struct buf *out)
{
    buf_add_char(out, '{');
    for (const struct field *field = record->fields; field->name; field++) {
        add_key(field, field == record->fields, out);
        pack_value(field, message, out);
    }
    buf_add_char(out, '}');
}

void message_sample(const struct record *record, struct buf *out)
{
    buf_add_char(out, '{');
    for (const struct field *field = record->fields; field->name; field++) {
        add_key(field, field == record->fields, out);
        buf_add_str(out, str_from(field->sample));
    }
    buf_add_char(out, '}');
}

/* ---- JSON → struct ------------------------------------------------------------------------- */

static const char *expected(const struct field *field, struct arena *arena)
{
    switch (field->kind) {
    case FIELD_INT:
        return arena_printf(arena, "%s: expected a whole number from %lld to %lld", field->name,
                            (long long)field->min, (long long)field->max);
    case FIELD_BOOL:
        return arena_printf(arena, "%s: expected true or false", field->name);
    case FIELD_TEXT:
        return arena_printf(arena,
                            "%s: expected a text of %lld to %lld characters, none of them a "
                            "control character",
                            field->name, (long long)field->min, (long long)field->max);
    case FIELD_SECRET:
        return arena_printf(arena, "%s: expected a text of %lld to %lld characters", field->name,
                            (long long)field->min, (long long)field->max);
    case FIELD_ID:
        return arena_printf(arena, "%s: expected %d hex digits", field->name, ID_TEXT);
    case FIELD_LIST:
        return arena_printf(arena, "%s: expected a list of %lld to %lld rows", field->name,
                            (long long)field->min, (long long)field->max);
    }
    return field->name;
}

static bool in_range(const struct field *field, int64_t n)
{
    return n >= field->min && n <= field->max;
}

static bool unpack_text(const struct field *field, const json_t *json, struct arena *arena,
                        struct str *out)
{
    if (!json_is_string(json))
        return false;
    struct str s = str_make(json_string_value(json), json_string_length(json));
    if (!in_range(field, (int64_t)str_utf8_length(s)))
        return false;
    if (field->kind == FIELD_TEXT && str_has_control(s))
        return false;
    *out = arena_str(arena, s);
    return true;
}

static void *unpack_object(const struct record *record, const json_t *json, void *out,
                           struct arena *arena, const char **out_error);

static bool unpack_list(const struct field *field, const json_t *json, void *message,
                        struct arena *arena, const char **out_error)
{
    if (!json_is_array(json) || !in_range(field, (int64_t)json_array_size(json)))
        return false;
    const struct record *rows = field->record();
    size_t count = json_array_size(json);
    char *items = arena_array(arena, count, rows->size);
    for (size_t i = 0; i < count; i++) {
        const char *error;
        if (!unpack_object(rows, json_array_get(json, i), items + i * rows->size, arena, &error)) {
            *out_error = arena_printf(arena, "%s[%zu].%s", field->name, i, error);
            return false;
        }
    }
    *(char **)((char *)message + field->offset) = items;
    *(size_t *)((char *)message + field->count_offset) = count;
    return true;
}

static bool unpack_value(const struct field *field, const json_t *json, void *message,
                         struct arena *arena, const char **out_error)
{
    void *value = (char *)message + field->offset;
    switch (field->kind) {
    case FIELD_INT:
        if (!json_is_integer(json) || !in_range(field, json_integer_value(json)))
            return false;
        *(int64_t *)value = json_integer_value(json);
        return true;
    case FIELD_BOOL:
        if (!json_is_boolean(json))
            return false;
        *(bool *)value = json_is_true(json);
        return true;
    case FIELD_TEXT:
    case FIELD_SECRET:
        return unpack_text(field, json, arena, value);
    case FIELD_ID:
        return json_is_string(json) &&
               id_parse(str_make(json_string_value(json), json_string_length(json)), value);
    case FIELD_LIST:
        return unpack_list(field, json, message, arena, out_error);
    }
    return false;
}

/* The rest is 0 already, and no rows; a text is never NULL. */
static void set_default(const struct field *field, void *message)
{
    if (field->kind == FIELD_TEXT || field->kind == FIELD_SECRET)
        *(struct str *)((char *)message + field->offset) = STR("");
}

static void *unpack_object(const struct record *record, const json_t *json, void *out,
                           struct arena *arena, const char **out_error)
{
    if (!json_is_object(json)) {
        *out_error = "(body): expected a JSON object";
        return NULL;
    }
    for (const struct field *field = record->fields; field->name; field++) {
        const json_t *value = json_object_get(json, field->name);
        if (!value && field->optional) {
            set_default(field, out);
            continue;
        }
        if (!value) {
            *out_error = arena_printf(arena, "%s: is missing", field->name);
            return NULL;
        }
        const char *deeper = NULL;
        if (!unpack_value(field, value, out, arena, &deeper)) {
            *out_error = deeper ? deeper : expected(field, arena);
            return NULL;
        }
    }
    return out;
}

void *message_unpack(const struct record *record, struct str body, struct arena *arena,
                     const char **out_error)
{
    void *plain = message_read_plain(record, body, arena);
    if (plain)
        return plain;
    json_error_t error;
    json_t *json = json_loadb(body.data ? body.data : "", body.size,
                              JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
    if (!json) {
        *out_error = arena_printf(arena, "(body): not JSON at byte %d: %s", error.position,
                                  json_error_code(&error) == json_error_duplicate_key
                                      ? "a key twice"
                                      : "syntax or UTF-8 is wrong");
        return NULL;
    }
    void *message = unpack_object(record, json, arena_alloc(arena, record->size), arena, out_error);
    json_decref(json);
    return message;
}
