#include "proto/base/log.h"

#include "proto/base/buf.h"

#include <stdatomic.h>
#include <time.h>
#include <unistd.h>

static _Atomic int lowest_level = LOG_INFO, usual_level = LOG_INFO;
static const char *const level_names[] = {"debug", "info", "warn", "error"};

static _Atomic bool as_json;
static _Thread_local struct log_watch *watch;

void log_set_level(enum log_level level)
{
    atomic_store(&usual_level, (int)level);
    atomic_store(&lowest_level, (int)level);
}

void log_set_verbose(bool verbose)
{
    int level = verbose ? LOG_DEBUG : atomic_load(&usual_level);
    atomic_store(&lowest_level, LOG_INFO);
    log_info("log_level", L_TEXT("level", level_names[level]));
    atomic_store(&lowest_level, level);
}

static bool is_written(enum log_level level)
{
    return (int)level >= atomic_load_explicit(&lowest_level, memory_order_relaxed);
}

bool log_enabled(enum log_level level)
{
    return is_written(level) || watch;
}

void log_set_format(enum log_format format)
{
    atomic_store(&as_json, format == LOG_JSON);
}

void log_set_watch(struct log_watch *of_thread)
{
    watch = of_thread;
}

static void add_time(struct buf *line)
{
    struct timespec now;
    struct tm utc;
    char text[32];
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &utc);
    buf_printf(line, "%s.%03ldZ", text, now.tv_nsec / 1000000);
}

static bool is_plain(struct str s)
{
    for (size_t i = 0; i < s.size; i++)
        if ((unsigned char)s.data[i] <= ' ' || strchr("\"\\=\x7f", s.data[i]))
            return false;
    return s.size > 0 && str_is_utf8(s);
}

/* Quotes, backslashes and controls of JSON (RFC 8259, section 7) or, since no JSON is expected
 * there, of key=value. Bytes that are not UTF-8 become \xNN, in JSON as a text that says so. */
static void add_quoted(struct buf *line, struct str s, bool json)
{
    bool utf8 = str_is_utf8(s);
    buf_add_char(line, '"');
    for (size_t i = 0; i < s.size; i++) {
        unsigned char c = (unsigned char)s.data[i];
        if (c == '"' || c == '\\')
            buf_printf(line, "\\%c", c);
        else if (c < 0x20 || c == 0x7f)
            buf_printf(line, json ? "\\u%04x" : "\\x%02x", c);
        else if (c >= 0x80 && !utf8)
            buf_printf(line, json ? "\\\\x%02x" : "\\x%02x", c);
        else
            buf_add_char(line, (char)c);
    }
    buf_add_char(line, '"');
}

/* Of key=value: quoted when it holds anything that could be taken for the line's own syntax. */
static void add_value(struct buf *line, const struct log_field *field, bool json)
{
    char id[ID_TEXT + 1];
    struct str text = field->text;
    if (field->kind == LOG_INT_FIELD) {
        buf_add_int(line, field->number);
        return;
    }
    if (field->kind == LOG_ID_FIELD)
        text = str_from(id_print(field->id, id));
    if (!json && is_plain(text))
        buf_add_str(line, text);
    else
        add_quoted(line, text, json);
}

/* level event key=value… */
static void add_plain(struct buf *line, enum log_level level, const char *event,
                      const struct log_field *fields)
{
    buf_printf(line, "%s %s", level_names[level], event);
    for (; fields->key; fields++) {
        buf_printf(line, " %s=", fields->key);
        add_value(line, fields, false);
    }
}

/* ,"level":"info","event":"…","key":value… without the braces; keys are ours. */
static void add_json(struct buf *line, enum log_level level, const char *event,
                     const struct log_field *fields)
{
    buf_printf(line, "\",\"level\":\"%s\",\"event\":\"%s\"", level_names[level], event);
    for (; fields->key; fields++) {
        buf_printf(line, ",\"%s\":", fields->key);
        add_value(line, fields, true);
    }
}

static void tell_watch(enum log_level level, const char *event, const struct log_field *fields)
{
    struct id request = {0};
    struct buf text = {0};
    add_plain(&text, level, event, fields);
    for (; fields->key; fields++)
        if (fields->kind == LOG_ID_FIELD && strcmp(fields->key, "request") == 0)
            request = fields->id;
    watch->line(watch, request, buf_str(&text));
    buf_free(&text);
}

static void write_line(enum log_level level, const char *event, const struct log_field *fields)
{
    bool json = atomic_load_explicit(&as_json, memory_order_relaxed);
    struct buf line = {0};
    buf_add_str(&line, json ? STR("{\"time\":\"") : STR(""));
    add_time(&line);
    if (json) {
        add_json(&line, level, event, fields);
        buf_add_str(&line, STR("}\n"));
    } else {
        buf_add_char(&line, ' ');
        add_plain(&line, level, event, fields);
        buf_add_char(&line, '\n');
    }
    ssize_t written = write(STDERR_FILENO, line.data, line.size);
    (void)written; /* nowhere left to complain to */
    buf_free(&line);
}

void log_event(enum log_level level, const char *event, const struct log_field *fields)
{
    if (is_written(level))
        write_line(level, event, fields);
    if (watch)
        tell_watch(level, event, fields);
}
