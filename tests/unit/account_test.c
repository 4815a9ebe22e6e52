#include "proto/account.h"
#include "tests/unit/test.h"

#define FORTY "1234567890123456789012345678901234567890"

static void check_all(enum account_error (*rule)(struct str), const char *const *texts,
                      enum account_error expected)
{
    for (; *texts; texts++)
        if (rule(str_from(*texts)) != expected)
            TEST_FAIL("\"%s\" is %d, expected %d", *texts, rule(str_from(*texts)), expected);
}

#define CHECK_ALL(rule, expected, ...) \
    check_all(rule, (const char *const[]){__VA_ARGS__, NULL}, expected)

TEST("an e-mail has one @, a dot in its domain, no white space and at most 40 characters")
{
    CHECK_ALL(account_email, ACCOUNT_GOOD, "a@b.c", "xiaoman@example.com", "a.b+c@d-e.example",
              "'or'1'='1@example.com", "小满@例子.中国", "😀@example.com",
              "123456789012345678901234567890@example.x");
    CHECK_ALL(account_email, ACCOUNT_BAD_SHAPE, "a", "@b.c", "a@", "a@b", "a@b.", "a@.c", "a@b..c",
              "a@b@c.d", "a b@c.d", "a@b.c ", "a\u3000b@c.d", "a\u00a0@c.d", "15400000001");
    CHECK_ALL(account_email, ACCOUNT_EMPTY, "", " ", "\u3000");
    CHECK_ALL(account_email, ACCOUNT_TOO_LONG, "1234567890123456789012345678901@example.x");
    CHECK_ALL(account_email, ACCOUNT_NOT_TEXT, "a\n@b.c", "a\xff@b.c", "\xed\xa0\x80@b.c");
    CHECK_INT(account_email(STR("a\0@b.c")), ACCOUNT_NOT_TEXT);
}

TEST("a phone is a mobile number of 11 digits, or none")
{
    CHECK_ALL(account_phone, ACCOUNT_GOOD, "", "15400000001", "13000000000", "19999999999");
    CHECK_ALL(account_phone, ACCOUNT_BAD_SHAPE, "1", "12000000000", "25400000001", "1540000000",
              "154000000011", "1540000000a", "+8615400000001", " 15400000001");
}

TEST("a name is 1 to 40 characters of any script and not blank")
{
    CHECK_ALL(account_name, ACCOUNT_GOOD, "小", "<script>", "' OR 1=1 --", "😀😀", FORTY);
    CHECK_ALL(account_name, ACCOUNT_EMPTY, "", "  ", "\u3000\u00a0\u200b\ufeff");
    CHECK_ALL(account_name, ACCOUNT_TOO_LONG, FORTY "1");
    CHECK_ALL(account_name, ACCOUNT_NOT_TEXT, "a\tb", "\x80", "\xf0\x9f\x98");
    CHECK_ALL(account_name, ACCOUNT_NOT_TEXT, "\u202a", "a\u202eb", "\u202dab", "a\u2066",
              "a\u2069");
    CHECK_ALL(account_name, ACCOUNT_GOOD, "\u05d0\u200f", "a\u2029b", "\u202f.", "\u206a.");
}

TEST("a password is 8 to 1024 bytes, white space and control characters included")
{
    static char long_one[ACCOUNT_PASSWORD_MAX + 1];
    memset(long_one, 'x', sizeof long_one);
    CHECK_ALL(account_password, ACCOUNT_GOOD, "        ", "\t\n345678", "密码密", "' OR 1=1 --");
    CHECK_ALL(account_password, ACCOUNT_TOO_SHORT, "1234567", "密码");
    CHECK_ALL(account_password, ACCOUNT_NOT_TEXT, "1234567\xff");
    CHECK_INT(account_password(STR("")), ACCOUNT_EMPTY);
    CHECK_INT(account_password(STR("1234\0006789")), ACCOUNT_GOOD);
    CHECK_INT(account_password(str_make(long_one, ACCOUNT_PASSWORD_MAX)), ACCOUNT_GOOD);
    CHECK_INT(account_password(str_make(long_one, sizeof long_one)), ACCOUNT_TOO_LONG);
}

TEST("who logs in is told by shape: an e-mail, a phone, or neither")
{
    CHECK_INT(account_shape(STR("xiaoman@example.com")), ACCOUNT_IS_EMAIL);
    CHECK_INT(account_shape(STR("15400000001")), ACCOUNT_IS_PHONE);
    CHECK_INT(account_shape(STR("")), ACCOUNT_IS_NEITHER);
    CHECK_INT(account_shape(STR("xiaoman")), ACCOUNT_IS_NEITHER);
    CHECK_INT(account_shape(STR("' OR 1=1 --")), ACCOUNT_IS_NEITHER);
}

TEST("a moment is written YYYY-MM-DD HH:MM:SS and exists")
{
    static const char *const good[] = {"2018-04-15 19:47:16", "2024-02-29 00:00:00",
                                       "2000-02-29 23:59:59", "9999-12-31 23:59:59"};
    static const char *const bad[] = {
        "",
        "2018-04-15",
        "2018-04-15T19:47:16",
        "2018-04-15 19:47:16 ",
        "2018-4-15 19:47:16",
        "2023-02-29 00:00:00",
        "1900-02-29 00:00:00",
        "0000-01-01 00:00:00",
        "2018-13-01 00:00:00",
        "2018-00-01 00:00:00",
        "2018-01-00 00:00:00",
        "2018-04-31 00:00:00",
        "2018-04-15 24:00:00",
        "2018-04-15 00:60:00",
        "2018-04-15 00:00:60",
        "2018-04-15 -1:00:00",
    };
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        if (!str_is_datetime(str_from(good[i])))
            TEST_FAIL("\"%s\" is not taken", good[i]);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (str_is_datetime(str_from(bad[i])))
            TEST_FAIL("\"%s\" is taken", bad[i]);
}

TEST_MAIN
