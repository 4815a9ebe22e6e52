#include "gateway/http/response.h"
#include "gateway/outcome.h"
#include "tests/unit/test.h"

static const enum status all[] = {
#define ROW(name, ...) STATUS_##name,
    STATUS_LIST(ROW)
#undef ROW
};

TEST("every status has an HTTP status that has a reason")
{
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        const char *reason = http_reason(outcome_http(all[i]));
        if (strcmp(reason, "Unknown") == 0)
            TEST_FAIL("%s gave %d", status_name(all[i]), outcome_http(all[i]));
    }
}

TEST("a program of the first days gets 200 with the four codes it knows, and no other failure is "
     "200")
{
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        int code = status_code(all[i]);
        CHECK_INT(outcome_http(all[i]) == 200, code == 0 || (code >= 20001 && code <= 20004));
    }
}

TEST("what may work when it is asked again is 503")
{
    static const enum status again[] = {STATUS_BUSY, STATUS_UNAVAILABLE, STATUS_EXPIRED,
                                        STATUS_REJECTED};
    for (size_t i = 0; i < sizeof again / sizeof *again; i++)
        CHECK_INT(outcome_http(again[i]), 503);
    CHECK_INT(outcome_http(STATUS_TOO_MANY_ATTEMPTS), 429);
    CHECK_INT(outcome_http(STATUS_ALREADY_VOTED), 409);
    CHECK_INT(outcome_http(STATUS_NOT_LOGGED_IN), 401);
}

TEST("an HTTP error that never came to a page has a code near to it")
{
    static const struct {
        int http;
        enum status status;
    } rows[] = {
        {400, STATUS_INVALID},           {401, STATUS_NOT_LOGGED_IN},
        {403, STATUS_INVALID},           {404, STATUS_NOT_FOUND},
        {405, STATUS_INVALID},           {413, STATUS_INVALID},
        {429, STATUS_TOO_MANY_ATTEMPTS}, {500, STATUS_INTERNAL},
        {501, STATUS_INTERNAL},          {503, STATUS_BUSY},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        CHECK_INT(outcome_status(rows[i].http), rows[i].status);
}

TEST_MAIN
