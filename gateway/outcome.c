#include "gateway/outcome.h"

#include "proto/base/die.h"

int outcome_http(enum status status)
{
    static const int table[] = {
        [STATUS_OK] = 200,
        /* Programs of the first days read error_code and expect 200 for these four. */
        [STATUS_ACCOUNT_TAKEN] = 200,
        [STATUS_STORAGE_FAILED] = 200,
        [STATUS_USER_UNKNOWN] = 200,
        [STATUS_PASSWORD_MISMATCH] = 200,
        [STATUS_INVALID] = 422,
        [STATUS_ALREADY_VOTED] = 409,
        [STATUS_QUESTION_CLOSED] = 409,
        [STATUS_NOT_FOUND] = 404,
        [STATUS_TOO_MANY_ATTEMPTS] = 429,
        [STATUS_NOT_LOGGED_IN] = 401,
        [STATUS_BUSY] = 503,
        [STATUS_UNAVAILABLE] = 503,
        [STATUS_EXPIRED] = 503,
        [STATUS_BAD_MESSAGE] = 500,
        [STATUS_INTERNAL] = 500,
        [STATUS_REJECTED] = 503,
    };
    must(status_is_known(status) && table[status]);
    return table[status];
}

enum status outcome_status(int http)
{
    switch (http) {
    case 401:
        return STATUS_NOT_LOGGED_IN;
    case 404:
        return STATUS_NOT_FOUND;
    case 429:
        return STATUS_TOO_MANY_ATTEMPTS;
    case 503:
        return STATUS_BUSY;
    default:
        return http >= 500 ? STATUS_INTERNAL : STATUS_INVALID;
    }
}
