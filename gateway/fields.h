/* fields: what is wrong with a form, field by field. Pure.
 *
 * Reasons are words that templates turn into sentences and programs can compare: missing, invalid,
 * short, long, taken, common, many, same, past. */
#ifndef VOTE_GATEWAY_FIELDS_H
#define VOTE_GATEWAY_FIELDS_H

#include "gateway/request.h"
#include "proto/account.h"

enum { FIELDS_MAX = 16 };

struct fields {
    struct request_field rows[FIELDS_MAX];
    size_t count;
};

/* fields_add: note a field's reason; NULL: nothing is wrong. The first reason of a field stays. */
void fields_add(struct fields *fields, const char *name, const char *reason);

/* fields_reason: the word for what account.h found, or NULL. */
const char *fields_reason(enum account_error error);

/* fields_text: a form's text without white space around it; line breaks inside become blanks. Empty
 * if it was not sent. Bytes that are no UTF-8 stay: account.h and fields_check find them. */
struct str fields_text(struct request *request, const char *name);

/* fields_check: a text of 1 to max characters, not blank, or the reason why not. */
const char *fields_check(struct str text, size_t max);

/* fields_kept: what to show again in a form: the text, or nothing if it is not UTF-8 or holds
 * control characters, which no page may. */
struct tpl_value fields_kept(struct str text);

#endif
