/* log: one line an event on standard error: time, level, event, fields; as key=value or as JSON.
 *
 * Values are escaped: bytes from outside cannot forge a line. No password, hash, session id or
 * e-mail is ever logged. Any thread; a line is one write(2). */
#ifndef VOTE_BASE_LOG_H
#define VOTE_BASE_LOG_H

#include "proto/base/id.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };
enum log_format { LOG_KEY_VALUE, LOG_JSON };

struct log_field {
    const char *key; /* NULL ends the list */
    enum { LOG_STR_FIELD, LOG_INT_FIELD, LOG_ID_FIELD } kind;
    struct str text;
    int64_t number;
    struct id id;
};

#define L_STR(key_, value_) \
    ((struct log_field){.key = (key_), .kind = LOG_STR_FIELD, .text = (value_)})
#define L_TEXT(key_, value_) L_STR(key_, str_from(value_))
#define L_INT(key_, value_) \
    ((struct log_field){.key = (key_), .kind = LOG_INT_FIELD, .number = (value_)})
#define L_ID(key_, value_) ((struct log_field){.key = (key_), .kind = LOG_ID_FIELD, .id = (value_)})

/* log_event: write a line if level is enabled. event: a noun_verb, e.g. "pool_ready". */
void log_event(enum log_level level, const char *event, const struct log_field *fields);

#define LOG_AT(level, event, ...)                                                         \
    (log_enabled(level)                                                                   \
         ? log_event((level), (event),                                                    \
                     (const struct log_field[]){__VA_ARGS__ __VA_OPT__(, ){.key = NULL}}) \
         : (void)0)
#define log_debug(event, ...) LOG_AT(LOG_DEBUG, event, __VA_ARGS__)
#define log_info(event, ...)  LOG_AT(LOG_INFO, event, __VA_ARGS__)
#define log_warn(event, ...)  LOG_AT(LOG_WARN, event, __VA_ARGS__)
#define log_error(event, ...) LOG_AT(LOG_ERROR, event, __VA_ARGS__)

/* log_enabled: would somebody get a line of this level? Fields are not even looked at otherwise. */
bool log_enabled(enum log_level level);

/* log_set_level: the lowest level written from now on, for the whole process (atomic).
 * log_set_verbose: everything from now on, or again what log_set_level said; told in the log.
 * log_set_format: before the first line. */
void log_set_level(enum log_level level);
void log_set_verbose(bool verbose);
void log_set_format(enum log_format format);

/* Who listens to the lines of one thread, of all levels. `line` gets level, event and fields as
 * key=value, and the field "request" (none if the line has none). */
struct log_watch {
    void (*line)(struct log_watch *watch, struct id request, struct str text);
};

/* log_set_watch: of the calling thread, from now on; NULL: nobody. */
void log_set_watch(struct log_watch *watch);

#endif
