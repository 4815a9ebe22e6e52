#include "gateway/fields.h"
#include "tests/unit/test.h"

static struct request request;

static void sent(const char *query)
{
    struct http_form_limits limits = HTTP_FORM_LIMITS_DEFAULT;
    arena_free(&request.arena);
    request = (struct request){0};
    CHECK_INT(http_form_parse_query(&request.arena, &limits, str_from(query), &request.form), 0);
}

TEST("the first reason of a field stays, and no reason is none")
{
    struct fields fields = {0};
    fields_add(&fields, "name", NULL);
    CHECK_INT(fields.count, 0);
    fields_add(&fields, "name", "long");
    fields_add(&fields, "name", "invalid");
    fields_add(&fields, "email", "missing");
    CHECK_INT(fields.count, 2);
    CHECK_STR(str_from(fields.rows[0].reason), "long");
    CHECK_STR(str_from(fields.rows[1].name), "email");
}

TEST("what is wrong with an account's field has a word")
{
    CHECK(!fields_reason(ACCOUNT_GOOD));
    CHECK_STR(str_from(fields_reason(ACCOUNT_EMPTY)), "missing");
    CHECK_STR(str_from(fields_reason(ACCOUNT_TOO_SHORT)), "short");
    CHECK_STR(str_from(fields_reason(ACCOUNT_TOO_LONG)), "long");
    CHECK_STR(str_from(fields_reason(ACCOUNT_NOT_TEXT)), "invalid");
    CHECK_STR(str_from(fields_reason(ACCOUNT_BAD_SHAPE)), "invalid");
}

TEST("a text has no white space around it, and its line breaks are blanks")
{
    sent("a=+%09x%0d%0ay%0dz%0a%0a+&b=x++y&c=%20&d=%e6%8a%95&e=%ff");
    CHECK_STR(fields_text(&request, "a"), "x y z");
    CHECK_STR(fields_text(&request, "b"), "x  y");
    CHECK_STR(fields_text(&request, "c"), "");
    CHECK_STR(fields_text(&request, "d"), "投");
    CHECK_INT(fields_text(&request, "e").size, 1);
    CHECK_STR(fields_text(&request, "none"), "");
    arena_free(&request.arena);
}

TEST("a text is there, is UTF-8 without controls, and has at most so many characters")
{
    CHECK(!fields_check(STR("投票"), 2));
    CHECK_STR(str_from(fields_check(STR("投票吧"), 2)), "long");
    CHECK_STR(str_from(fields_check(STR(""), 2)), "missing");
    CHECK_STR(str_from(fields_check(STR("\xff"), 2)), "invalid");
    CHECK_STR(str_from(fields_check(STR("\0"), 2)), "invalid");
    CHECK_STR(str_from(fields_check(STR("a\x7f"), 2)), "invalid");
}

TEST("a form shows again what was typed, unless it is no text")
{
    CHECK_STR(fields_kept(STR("<投>")).text, "<投>");
    CHECK_STR(fields_kept(STR("\xff")).text, "");
}

TEST_MAIN
