#include "proto/base/log.h"

#include "proto/base/buf.h"

#include <stdatomic.h>
#include <time.h>
#include <unistd.h>

static _Atomic int lowest_level = LOG_INFO;

static const char *const level_names[] = {"debug", "info", "warn", "error"};

void log_set_level(enum log_level level)
{
    atomic_store(&lowest_level, (int)level);
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

/* Quoted when it holds anything that could be taken for the line's own syntax. */
static void add_text(struct buf *line, struct str s)
{
    if (is_plain(s)) {
        buf_add_str(line, s);
        return;
    }
    bool utf8 = str_is_utf8(s);
    buf_add_char(line, '"');
    for (size_t i = 0; i < s.size; i++) {
        unsigned char c = (unsigned char)s.data[i];
        if (c == '"' || c == '\\')
            buf_printf(line, "\\%c", c);
        else if (c < 0x20 || c == 0x7f || (c >= 0x80 && !utf8))
            buf_printf(line, "\\x%02x", c);
        else
            buf_add_char(line, (char)c);
    }
    buf_add_char(line, '"');
}

void log_event(enum log_level level, const char *event, const struct log_field *fields)
{
    if ((int)level < atomic_load_explicit(&lowest_level, memory_order_relaxed))
        return;
    struct buf line = {0};
    char id[ID_TEXT + 1];
    add_time(&line);
    buf_printf(&line, " %s %s", level_names[level], event);
    for (; fields->key; fields++) {
        buf_printf(&line, " %s=", fields->key);
        switch (fields->kind) {
        case LOG_STR_FIELD:
            add_text(&line, fields->text);
            break;
        case LOG_INT_FIELD:
            buf_add_int(&line, fields->number);
            break;
        case LOG_ID_FIELD:
            buf_add_str(&line, str_from(id_print(fields->id, id)));
            break;
        }
    }
    buf_add_char(&line, '\n');
    ssize_t written = write(STDERR_FILENO, line.data, line.size);
    (void)written; /* nowhere left to complain to */
    buf_free(&line);
}
