/* log: one line an event on standard error: time, level, event, key=value fields.
 *
 * Values are escaped: bytes from outside cannot forge a line. No password, hash, session id or
 * e-mail is ever logged. Any thread; a line is one write(2). */
#ifndef VOTE_BASE_LOG_H
#define VOTE_BASE_LOG_H

#include "proto/base/id.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

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

#define LOG_AT(level, event, ...) \
    log_event((level), (event), (const struct log_field[]){__VA_ARGS__ __VA_OPT__(, ){.key = NULL}})
#define log_debug(event, ...) LOG_AT(LOG_DEBUG, event, __VA_ARGS__)
#define log_info(event, ...)  LOG_AT(LOG_INFO, event, __VA_ARGS__)
#define log_warn(event, ...)  LOG_AT(LOG_WARN, event, __VA_ARGS__)
#define log_error(event, ...) LOG_AT(LOG_ERROR, event, __VA_ARGS__)

/* log_set_level: the lowest level written from now on, for the whole process (atomic). */
void log_set_level(enum log_level level);

#endif
