/* common_passwords: what everybody tries first, and so nobody may register with. */
#ifndef VOTE_GATEWAY_COMMON_PASSWORDS_H
#define VOTE_GATEWAY_COMMON_PASSWORDS_H

#include "proto/base/str.h"

struct common_passwords;

/* common_passwords_load: a file with one password a line; empty lines and those that begin with '#'
 * do not count. path "": none at all. NULL, and errno, if it cannot be read; may block. */
struct common_passwords *common_passwords_load(const char *path);
void common_passwords_free(struct common_passwords *passwords);

/* common_passwords_has: is it one of them, whatever the case of its ASCII letters? Pure. */
bool common_passwords_has(const struct common_passwords *passwords, struct str password);

#endif
