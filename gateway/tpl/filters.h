/* filters: the built-in filters, tests and functions. All are Jinja2's, but for two of ours:
 *
 * date(format = "%Y-%m-%d %H:%M"): the input, seconds since 1970-01-01 UTC or a text
 *   "YYYY-MM-DD HH:MM:SS" in UTC, moved by the environment's offset and printed by %Y %m %d %H %M
 * %S (zero-padded, %Y to four digits) and %%; any other % is an error. What is no such time, or
 * falls outside of the years 1 to 9999, comes back as it is. choice_split: "1|python,2|java" as
 * [["1", "python"], ["2", "java"]]. What is false is taken for "", and "" holds one part like every
 * text without a comma: [[""]]. */
#ifndef VOTE_TPL_FILTERS_H
#define VOTE_TPL_FILTERS_H

#include "gateway/tpl/tpl.h"

/* filters_register: all of them into env. */
void filters_register(struct tpl_env *env);

typedef bool tpl_test(struct tpl_value value, bool *out);

/* filters_test: what stands behind `is`, or NULL. A test is false if it means nothing for value. */
tpl_test *filters_test(struct str name);

/* filters_sequence: what walking over a value meets: a list's items, a dict's keys, a text's
 * characters, nothing for undefined. False, with the problem set, for anything else. */
bool filters_sequence(struct tpl_call *call, struct tpl_value value, struct tpl_list *out);

/* filters_concat: the parts as one text, as Python's + and markupsafe do it: if `safe`, or if one
 * part is, the others are escaped and the result is safe. False if a part has no text. */
bool filters_concat(struct tpl_call *call, const struct tpl_value *parts, size_t count, bool safe,
                    struct tpl_value *out);

tpl_function filters_date;

#endif
