/* site_time: a date and time as a person or a program writes it, made UTC. Pure. */
#ifndef VOTE_GATEWAY_SITE_TIME_H
#define VOTE_GATEWAY_SITE_TIME_H

#include "proto/base/str.h"

enum { SITE_TIME_TEXT = 19 }; /* "YYYY-MM-DD HH:MM:SS", without the NUL */

/* site_time_to_utc: "YYYY-MM-DDTHH:MM[:SS]" (a blank may stand for the T; HTML, datetime-local) in
 * a zone offset_minutes east of UTC, or with "Z" or "+HH:MM" behind it (RFC 3339) in that one.
 * Writes UTC and a NUL. False if it is no such text or no such day. */
bool site_time_to_utc(struct str text, int64_t offset_minutes, char out[SITE_TIME_TEXT + 1]);

/* site_time_offset: "+08:00". */
char *site_time_offset(int64_t offset_minutes, char out[8]);

#endif
