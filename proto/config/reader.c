#include "proto/config/reader.h"

#include "proto/base/die.h"

#include <yaml.h>

enum { DEPTH_MAX = 16, LIST_MAX = 256, SEEN_MAX = KEY_COUNT + 2 * SECTION_COUNT };

struct reader {
    struct values *values;
    const char *name;
    struct str text;
    yaml_parser_t parser;
    yaml_event_t event; /* the current one */
    bool stopped;       /* nothing after this can be made sense of */
    struct {
        struct str path;
        int line;
    } seen[SEEN_MAX]; /* known keys and sections met so far, to find the ones given twice */
    size_t seen_count;
};

static int line_of(const struct reader *reader)
{
    return (int)reader->event.start_mark.line + 1;
}

static struct place place_of(const struct reader *reader)
{
    return (struct place){reader->name, line_of(reader)};
}

#define WRONG(reader, path, ...) \
    mistakes_add(&(reader)->values->mistakes, place_of(reader), path, __VA_ARGS__)

/* The document as a whole has no key to be called by. */
static struct str subject(struct str path)
{
    return path.size ? path : STR("document");
}

/* Bytes that are no text are found before they are scanned: no mark is there yet. */
static int line_of_error(const struct reader *reader)
{
    const yaml_parser_t *parser = &reader->parser;
    if (parser->error != YAML_READER_ERROR)
        return (int)parser->problem_mark.line + 1;
    int line = 1;
    for (size_t i = 0; i < parser->problem_offset && i < reader->text.size; i++)
        line += reader->text.data[i] == '\n';
    return line;
}

static void stop_at_error(struct reader *reader)
{
    const yaml_parser_t *parser = &reader->parser;
    if (parser->error == YAML_MEMORY_ERROR)
        die("out of memory");
    bool in_bytes = parser->error == YAML_READER_ERROR;
    mistakes_add(&reader->values->mistakes, (struct place){reader->name, line_of_error(reader)},
                 STR("syntax"), "%s%s%s, expected YAML%s", parser->context ? parser->context : "",
                 parser->context ? ": " : "", parser->problem, in_bytes ? " in UTF-8" : "");
    reader->stopped = true;
}

/* The next event, in reader->event. False when there is no more to read: mistakes that will not be
 * told are not looked for. */
static bool next(struct reader *reader)
{
    reader->stopped |= reader->values->mistakes.count >= CONFIG_ERRORS_MAX;
    if (reader->stopped)
        return false;
    yaml_event_delete(&reader->event);
    if (!yaml_parser_parse(&reader->parser, &reader->event)) {
        stop_at_error(reader);
        return false;
    }
    return true;
}

static struct str scalar_of(struct reader *reader)
{
    struct str text = {(const char *)reader->event.data.scalar.value,
                       reader->event.data.scalar.length};
    return arena_str(&reader->values->arena, text);
}

/* YAML's null: a key with nothing behind it. */
static bool is_null(const struct reader *reader)
{
    if (reader->event.type != YAML_SCALAR_EVENT ||
        reader->event.data.scalar.style != YAML_PLAIN_SCALAR_STYLE)
        return false;
    const char *text = (const char *)reader->event.data.scalar.value;
    return !*text || strcmp(text, "~") == 0 || strcmp(text, "null") == 0;
}

/* Pass over the rest of the value whose first event is the current one. */
static void skip(struct reader *reader, struct str path)
{
    int depth = 0;
    do {
        yaml_event_type_t type = reader->event.type;
        depth += type == YAML_MAPPING_START_EVENT || type == YAML_SEQUENCE_START_EVENT;
        depth -= type == YAML_MAPPING_END_EVENT || type == YAML_SEQUENCE_END_EVENT;
        if (depth > DEPTH_MAX) {
            WRONG(reader, path, "is nested too deeply, expected %d levels at most", DEPTH_MAX);
            reader->stopped = true;
        }
    } while (depth > 0 && next(reader));
}

/* What makes one node stand for others or be other than it looks. */
static bool is_plain_node(struct reader *reader, struct str path)
{
    const yaml_char_t *anchor = NULL, *tag = NULL;
    switch (reader->event.type) {
    case YAML_ALIAS_EVENT:
        WRONG(reader, path, "is an alias, expected the value itself");
        return false;
    case YAML_SCALAR_EVENT:
        anchor = reader->event.data.scalar.anchor;
        tag = reader->event.data.scalar.tag;
        break;
    case YAML_SEQUENCE_START_EVENT:
        anchor = reader->event.data.sequence_start.anchor;
        tag = reader->event.data.sequence_start.tag;
        break;
    case YAML_MAPPING_START_EVENT:
        anchor = reader->event.data.mapping_start.anchor;
        tag = reader->event.data.mapping_start.tag;
        break;
    default:
        break;
    }
    if (anchor || tag)
        WRONG(reader, path, "has %s, expected a value without", anchor ? "an anchor" : "a tag");
    return !anchor && !tag;
}

/* Known paths alone come here, so the list has an end. */
static bool is_first(struct reader *reader, struct str path)
{
    for (size_t i = 0; i < reader->seen_count; i++)
        if (str_equal(reader->seen[i].path, path)) {
            WRONG(reader, path, "is given twice, expected it once (first in line %d)",
                  reader->seen[i].line);
            return false;
        }
    must(reader->seen_count < SEEN_MAX);
    reader->seen[reader->seen_count].path = path;
    reader->seen[reader->seen_count++].line = line_of(reader);
    return true;
}

/* A list's value: scalars up to its end. */
static void read_list(struct reader *reader, const struct key *key, struct str path)
{
    struct place place = place_of(reader);
    struct str items[LIST_MAX];
    size_t count = 0;
    bool good = true;
    while (next(reader) && reader->event.type != YAML_SEQUENCE_END_EVENT) {
        if (!is_plain_node(reader, path)) {
            good = false;
        } else if (reader->event.type != YAML_SCALAR_EVENT) {
            WRONG(reader, path, "item %zu is a list or a section, expected %s", count + 1,
                  key_item_phrase(key->item));
            good = false;
        } else if (count < LIST_MAX) {
            items[count] = scalar_of(reader);
        }
        count++;
        skip(reader, path);
    }
    if (reader->stopped || !good)
        return;
    if (count > LIST_MAX)
        mistakes_add(&reader->values->mistakes, place, path, "has %zu items, expected at most %lld",
                     count, (long long)key->max);
    else
        values_set(reader->values, key, place, items, count);
}

static void wrong_shape(struct reader *reader, const struct key *key, struct str path)
{
    yaml_event_type_t type = reader->event.type;
    struct buf expected = {0};
    key_expected(key, &expected);
    WRONG(reader, path, "is %s, expected %.*s",
          type == YAML_SEQUENCE_START_EVENT  ? "a list"
          : type == YAML_MAPPING_START_EVENT ? "a section"
                                             : "a single value",
          STR_ARG(buf_str(&expected)));
    buf_free(&expected);
    skip(reader, path);
}

static void read_value(struct reader *reader, const struct key *key, struct str path)
{
    yaml_event_type_t type = reader->event.type;
    if (is_null(reader))
        values_set_text(reader->values, key, place_of(reader), (struct str){0});
    else if (key->kind == KEY_LIST && type == YAML_SEQUENCE_START_EVENT)
        read_list(reader, key, path);
    else if (key->kind != KEY_LIST && type == YAML_SCALAR_EVENT)
        values_set_text(reader->values, key, place_of(reader), scalar_of(reader));
    else
        wrong_shape(reader, key, path);
}

static void read_section(struct reader *reader, struct str path);

/* A key, which is the current event, and its value. */
static void read_entry(struct reader *reader, struct str path)
{
    char nearest[KEY_PATH];
    const struct key *key = key_find(path);
    bool known = key || key_is_section(path);
    if (!known)
        WRONG(reader, path, "is no known key, expected one like %s", key_nearest(path, nearest));
    bool use = known && is_first(reader, path);
    if (!next(reader))
        return;
    if (!is_plain_node(reader, path) || !use)
        skip(reader, path);
    else if (key)
        read_value(reader, key, path);
    else
        read_section(reader, path);
}

/* "gateway" and "port": "gateway.port". A name may hold any byte. */
static struct str join(struct reader *reader, struct str path, struct str name)
{
    if (path.size == 0)
        return name;
    size_t size = path.size + 1 + name.size;
    char *joined = arena_alloc(&reader->values->arena, size + 1);
    memcpy(joined, path.data, path.size);
    joined[path.size] = '.';
    memcpy(joined + path.size + 1, name.data, name.size);
    return str_make(joined, size);
}

/* path: empty for the whole document. As deep as the known sections are, no deeper. */
static void read_section(struct reader *reader, struct str path)
{
    if (is_null(reader)) /* every key commented out */
        return;
    if (reader->event.type != YAML_MAPPING_START_EVENT) {
        WRONG(reader, subject(path), "is %s, expected a section with keys",
              reader->event.type == YAML_SCALAR_EVENT ? "a single value" : "a list");
        skip(reader, subject(path));
        return;
    }
    while (next(reader) && reader->event.type != YAML_MAPPING_END_EVENT) {
        if (reader->event.type == YAML_SCALAR_EVENT && is_plain_node(reader, subject(path))) {
            read_entry(reader, join(reader, path, scalar_of(reader)));
            continue;
        }
        if (reader->event.type != YAML_SCALAR_EVENT)
            WRONG(reader, subject(path), "has a key that is no word, expected a name");
        skip(reader, subject(path));
        if (next(reader))
            skip(reader, subject(path));
    }
}

static void read_stream(struct reader *reader)
{
    int documents = 0;
    while (next(reader) && reader->event.type != YAML_STREAM_END_EVENT) {
        if (reader->event.type != YAML_DOCUMENT_START_EVENT)
            continue;
        if (documents++ > 0) {
            WRONG(reader, STR("document"), "is the second, expected one");
            return;
        }
        if (next(reader) && is_plain_node(reader, STR("document")))
            read_section(reader, (struct str){0});
    }
}

void reader_read(struct values *values, const char *name, struct str text)
{
    struct reader reader = {.values = values, .name = name, .text = text};
    if (!yaml_parser_initialize(&reader.parser))
        die("out of memory");
    yaml_parser_set_encoding(&reader.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&reader.parser, (const unsigned char *)text.data, text.size);
    read_stream(&reader);
    yaml_event_delete(&reader.event);
    yaml_parser_delete(&reader.parser);
}
