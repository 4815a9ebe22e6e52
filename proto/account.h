/* account: what a name, an e-mail, a phone number and a password must look like. One place for the
 * gateway, which tells the person, and the db pool, which believes nobody. Pure; any thread. */
#ifndef VOTE_PROTO_ACCOUNT_H
#define VOTE_PROTO_ACCOUNT_H

#include "proto/base/str.h"

enum {
    ACCOUNT_NAME_MAX = 40,      /* characters */
    ACCOUNT_EMAIL_MAX = 40,     /* characters */
    ACCOUNT_PASSWORD_MIN = 8,   /* bytes */
    ACCOUNT_PASSWORD_MAX = 1024 /* bytes */
};

enum account_error {
    ACCOUNT_GOOD,
    ACCOUNT_EMPTY,     /* nothing there, or only white space */
    ACCOUNT_TOO_SHORT, /* a password */
    ACCOUNT_TOO_LONG,
    ACCOUNT_NOT_TEXT, /* not UTF-8, or with control characters */
    ACCOUNT_BAD_SHAPE /* no e-mail address, no mobile number */
};

/* account_error_text: "is too long", for programs and logs. */
const char *account_error_text(enum account_error error);

/* account_name: 1 to 40 characters, not blank, none that controls the direction of text. */
enum account_error account_name(struct str name);

/* account_email: one '@' with something before it and a domain with a dot inside behind it, no
 * white space, at most 40 characters. Compared without regard to case (by the database). */
enum account_error account_email(struct str email);

/* account_phone: ^1[3-9][0-9]{9}$, or empty: none. */
enum account_error account_phone(struct str phone);

/* account_password: 8 to 1024 bytes of UTF-8, any characters. */
enum account_error account_password(struct str password);

/* account_shape: what somebody logs in with. */
enum account_shape { ACCOUNT_IS_NEITHER, ACCOUNT_IS_EMAIL, ACCOUNT_IS_PHONE };
enum account_shape account_shape(struct str account);

#endif
