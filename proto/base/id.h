/* id: 128 random bits, for requests, pools and receipts; printed as 32 lower-case hex digits. */
#ifndef VOTE_BASE_ID_H
#define VOTE_BASE_ID_H

#include "proto/base/str.h"

enum { ID_TEXT = 32 }; /* digits, without the NUL */

struct id {
    uint8_t bytes[16]; /* all zero: none */
};

/* id_random: fresh bits from the kernel (getrandom(2)). Any thread; a child of fork() would repeat
 * its parent's ids, but nobody here forks. */
struct id id_random(void);

bool id_equal(struct id a, struct id b);
bool id_is_none(struct id id);

/* id_print: writes ID_TEXT digits and a NUL to out; returns out. */
char *id_print(struct id id, char out[ID_TEXT + 1]);

/* id_parse: exactly ID_TEXT hex digits of either case. False on anything else. */
bool id_parse(struct str s, struct id *out);

/* random_bytes: size bytes from the kernel; die() if it refuses. */
void random_bytes(void *out, size_t size);

#endif
