/* date: HTTP's dates (RFC 9110, section 5.6.7). Pure but for the clock's value, which is passed in.
 */
#ifndef VOTE_HTTP_DATE_H
#define VOTE_HTTP_DATE_H

#include "proto/base/str.h"

enum { HTTP_DATE_TEXT = 29 }; /* "Sun, 06 Nov 1994 08:49:37 GMT" */

/* http_date_print: writes HTTP_DATE_TEXT bytes and a NUL to out; returns out. */
char *http_date_print(int64_t seconds, char out[HTTP_DATE_TEXT + 1]);

/* http_date_parse: IMF-fixdate, and the two obsolete forms a recipient must take. False on anything
 * else. Seconds since 1970. */
bool http_date_parse(struct str s, int64_t *out_seconds);

/* The text of one second, printed once. All zero is empty. */
struct http_date {
    int64_t second;
    char text[HTTP_DATE_TEXT + 1];
};

/* http_date_at: the date for seconds since 1970, borrowed until the next call. */
struct str http_date_at(struct http_date *date, int64_t seconds);

#endif
