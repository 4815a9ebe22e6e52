/* Most bodies come from message_pack: those need no tree of JSON values in between. Whatever is
 * unusual here is for message_unpack to judge: this reader only says yes. */
#include "proto/message_plain.h"

enum { FIRST_ROWS = 8, DIGITS_MAX = 18 }; /* so many digits fit an int64_t */

struct reader {
    struct str rest;
    struct arena *arena;
};

static bool take(struct reader *reader, struct str expected)
{
    if (!str_starts(reader->rest, expected))
        return false;
    reader->rest = str_make(reader->rest.data + expected.size, reader->rest.size - expected.size);
    return true;
}

static bool read_int(struct reader *reader, const struct field *field, int64_t *out)
{
    bool negative = take(reader, STR("-"));
    struct str rest = reader->rest;
    size_t size = 0;
    int64_t value = 0;
    for (; size < rest.size && rest.data[size] >= '0' && rest.data[size] <= '9'; size++) {
        if (size == DIGITS_MAX)
            return false;
        value = value * 10 + (rest.data[size] - '0');
    }
    if (size == 0 || (rest.data[0] == '0' && (size > 1 || negative)))
        return false;
    *out = negative ? -value : value;
    reader->rest = str_make(rest.data + size, rest.size - size);
    return *out >= field->min && *out <= field->max;
}

static bool read_bool(struct reader *reader, bool *out)
{
    *out = take(reader, STR("true"));
    return *out || take(reader, STR("false"));
}

/* What stands between two quotes, if it stands for itself. */
static bool read_quoted(struct reader *reader, struct str *out)
{
    if (!take(reader, STR("\"")))
        return false;
    ptrdiff_t size = str_find(reader->rest, '"');
    if (size < 0)
        return false;
    *out = str_make(reader->rest.data, (size_t)size);
    reader->rest = str_make(out->data + size + 1, reader->rest.size - (size_t)size - 1);
    return str_find(*out, '\\') < 0;
}

static bool read_text(struct reader *reader, const struct field *field, struct str *out)
{
    struct str text;
    if (!read_quoted(reader, &text) || !str_is_utf8(text) || str_has_control(text))
        return false;
    int64_t length = (int64_t)str_utf8_length(text);
    *out = arena_str(reader->arena, text);
    return length >= field->min && length <= field->max;
}

static bool read_id(struct reader *reader, struct id *out)
{
    struct str text;
    return read_quoted(reader, &text) && id_parse(text, out);
}

static bool read_object(struct reader *reader, const struct record *record, void *out);

static bool read_list(struct reader *reader, const struct field *field, void *message)
{
    const struct record *record = field->record();
    size_t count = 0, capacity = FIRST_ROWS;
    char *rows = arena_array(reader->arena, capacity, record->size);
    if (!take(reader, STR("[")))
        return false;
    for (bool more = !take(reader, STR("]")); more; more = !take(reader, STR("]"))) {
        if ((count && !take(reader, STR(", "))) || (int64_t)count == field->max)
            return false;
        if (count == capacity) {
            char *wider = arena_array(reader->arena, 2 * capacity, record->size);
            memcpy(wider, rows, count * record->size);
            rows = wider;
            capacity *= 2;
        }
        if (!read_object(reader, record, rows + count++ * record->size))
            return false;
    }
    *(char **)((char *)message + field->offset) = rows;
    *(size_t *)((char *)message + field->count_offset) = count;
    return (int64_t)count >= field->min;
}

static bool read_value(struct reader *reader, const struct field *field, void *message)
{
    void *value = (char *)message + field->offset;
    switch (field->kind) {
    case FIELD_INT:
        return read_int(reader, field, value);
    case FIELD_BOOL:
        return read_bool(reader, value);
    case FIELD_TEXT:
    case FIELD_SECRET:
        return read_text(reader, field, value);
    case FIELD_ID:
        return read_id(reader, value);
    case FIELD_LIST:
        return read_list(reader, field, message);
    }
    return false;
}

static bool read_object(struct reader *reader, const struct record *record, void *out)
{
    if (!take(reader, STR("{")))
        return false;
    for (const struct field *field = record->fields; field->name; field++)
        if (!take(reader, field == record->fields ? STR("\"") : STR(", \"")) ||
            !take(reader, str_from(field->name)) || !take(reader, STR("\": ")) ||
            !read_value(reader, field, out))
            return false;
    return take(reader, STR("}"));
}

void *message_read_plain(const struct record *record, struct str body, struct arena *arena)
{
    struct reader reader = {body, arena};
    void *message = arena_alloc(arena, record->size);
    return read_object(&reader, record, message) && reader.rest.size == 0 ? message : NULL;
}
