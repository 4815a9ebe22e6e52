/* status: how a request ended. It travels unchanged in the reply's envelope and becomes HTTP in one
 * table (gateway/outcome.c). X(name, number, error_code, text): number is what the wire carries and
 * never changes its meaning; error_code and text are what programs read in JSON. */
#ifndef VOTE_PROTO_STATUS_H
#define VOTE_PROTO_STATUS_H

#include "proto/base/str.h"

#define STATUS_LIST(X)                                                     \
    X(OK, 0, 0, "ok")                                                      \
    X(ACCOUNT_TAKEN, 1, 20001, "The email or phone has been registered")   \
    X(STORAGE_FAILED, 2, 20002, "Please try again if registration fails")  \
    X(USER_UNKNOWN, 3, 20003, "User does not exists")                      \
    X(PASSWORD_MISMATCH, 4, 20004, "Password mismatch")                    \
    X(INVALID, 5, 20005, "A field is missing or invalid")                  \
    X(ALREADY_VOTED, 6, 20006, "You have already voted on this question")  \
    X(QUESTION_CLOSED, 7, 20007, "The question is closed")                 \
    X(NOT_FOUND, 8, 20008, "No such question or choice")                   \
    X(TOO_MANY_ATTEMPTS, 9, 20009, "Too many attempts, try again later")   \
    X(NOT_LOGGED_IN, 10, 20010, "Please log in")                           \
    X(BUSY, 11, 20011, "The service is busy, try again")                   \
    X(UNAVAILABLE, 12, 20011, "The service is away, try again")            \
    X(EXPIRED, 13, 20011, "The service did not answer in time, try again") \
    X(BAD_MESSAGE, 14, 20012, "Internal error")                            \
    X(INTERNAL, 15, 20012, "Internal error")                               \
    X(REJECTED, 16, 20011, "The service is leaving, try again")

#define STATUS_ENUM(name, number, code, text) STATUS_##name = number,
enum status { STATUS_LIST(STATUS_ENUM) };
#undef STATUS_ENUM

/* status_is_known: `number` came from the wire; is it one of ours? */
bool status_is_known(unsigned number);

/* status_name: "ALREADY_VOTED". status_code: 20006. status_text: the English sentence. */
const char *status_name(enum status status);
int status_code(enum status status);
const char *status_text(enum status status);

#endif
