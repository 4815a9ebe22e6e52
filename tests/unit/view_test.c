#include "gateway/view.h"
#include "tests/unit/test.h"

TEST("a share is rounded half up to a tenth of a percent, whatever the numbers")
{
    static const struct {
        int64_t votes, total;
        const char *text;
    } rows[] = {
        {0, 0, "0.0%"},         {0, 3, "0.0%"},
        {1, 3, "33.3%"},        {2, 3, "66.7%"},
        {3, 3, "100.0%"},       {1, 8, "12.5%"},
        {1, 1000, "0.1%"},      {1, 2000, "0.1%"},
        {1, 2001, "0.0%"},      {1999, 2000, "100.0%"},
        {1998, 2000, "99.9%"},  {INT64_MAX, INT64_MAX, "100.0%"},
        {1, INT64_MAX, "0.0%"}, {INT64_MAX / 2, INT64_MAX, "50.0%"},
    };
    struct arena arena = {0};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        CHECK_STR(str_from(view_percent(&arena, rows[i].votes, rows[i].total)), rows[i].text);
    arena_free(&arena);
}

TEST("a vote is found among a user's votes")
{
    struct vote_mark voted[] = {{.question_id = 3}, {.question_id = 7}};
    struct user_get_reply user = {.voted = voted, .voted_count = 2};
    CHECK(view_has_voted(&user, 7));
    CHECK(!view_has_voted(&user, 4));
    CHECK(!view_has_voted(NULL, 7));
}

TEST_MAIN
