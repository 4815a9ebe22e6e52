#include "proto/base/arena.h"
#include "proto/base/buf.h"
#include "proto/base/id.h"
#include "tests/unit/test.h"

TEST("an integer is the whole slice or nothing")
{
    static const struct {
        const char *text;
        bool good;
        int64_t value;
    } rows[] = {
        {"0", true, 0},
        {"-0", true, 0},
        {"007", true, 7},
        {"9223372036854775807", true, INT64_MAX},
        {"-9223372036854775808", true, INT64_MIN},
        {"9223372036854775808", false, 0},
        {"-9223372036854775809", false, 0},
        {"99999999999999999999", false, 0},
        {"", false, 0},
        {"-", false, 0},
        {"+1", false, 0},
        {" 1", false, 0},
        {"1abc", false, 0},
        {"1.0", false, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int64_t value = 42;
        bool good = str_to_int64(str_from(rows[i].text), &value);
        if (good != rows[i].good || value != (good ? rows[i].value : 42))
            TEST_FAIL("\"%s\" gave %d, %lld", rows[i].text, good, (long long)value);
    }
}

TEST("UTF-8 is accepted as RFC 3629 has it and nothing else")
{
    CHECK(str_is_utf8(STR("")));
    CHECK(str_is_utf8(STR("投票 🗳")));
    CHECK(str_is_utf8(STR("\xf4\x8f\xbf\xbf")));
    CHECK(!str_is_utf8(STR("\xf4\x90\x80\x80"))); /* past U+10FFFF */
    CHECK(!str_is_utf8(STR("\xed\xa0\x80")));     /* a surrogate */
    CHECK(!str_is_utf8(STR("\xc0\xaf")));         /* over-long */
    CHECK(!str_is_utf8(STR("\xe0\x80\xaf")));
    CHECK(!str_is_utf8(STR("\xe6\x8a"))); /* cut short */
    CHECK(!str_is_utf8(STR("\x80")));
    CHECK_INT(str_utf8_length(STR("投票 🗳")), 4);
}

TEST("cutting a slice visits every part, the empty ones too")
{
    struct str rest = STR("a,,b"), part;
    CHECK(str_cut(&rest, ',', &part));
    CHECK_STR(part, "a");
    CHECK(str_cut(&rest, ',', &part));
    CHECK_STR(part, "");
    CHECK(str_cut(&rest, ',', &part));
    CHECK_STR(part, "b");
    CHECK(!str_cut(&rest, ',', &part));
}

TEST("trimming takes the named bytes from both ends and leaves a NUL alone")
{
    CHECK_STR(str_trim(STR(" \ta b\t "), " \t"), "a b");
    CHECK_INT(str_trim(STR("\0x\0"), " ").size, 3);
    CHECK_INT(str_trim(STR("   "), " ").size, 0);
}

TEST("an id survives printing and parsing, and only 32 digits are an id")
{
    struct id id = id_random(), back;
    char text[ID_TEXT + 1];
    CHECK(!id_is_none(id));
    CHECK(id_parse(str_from(id_print(id, text)), &back));
    CHECK(id_equal(id, back));
    CHECK(!id_parse(STR("00"), &back));
    CHECK(!id_parse(STR("0000000000000000000000000000000g"), &back));
    CHECK(!id_parse(STR("000000000000000000000000000000000"), &back));
}

TEST("an arena gives aligned zeroed memory and forgets it all at once")
{
    struct arena arena = {0};
    for (int round = 0; round < 3; round++) {
        for (size_t size = 1; size < 20000; size = size * 3 + 1) {
            unsigned char *at = arena_alloc(&arena, size);
            CHECK_INT((uintptr_t)at % 16, 0);
            for (size_t i = 0; i < size; i++)
                CHECK_INT(at[i], 0);
            memset(at, 0xff, size);
        }
        CHECK_STR(str_from(arena_printf(&arena, "%d-%s", 7, "x")), "7-x");
        arena_reset(&arena);
        CHECK_INT(arena.used, 0);
    }
    arena_free(&arena);
}

TEST("a buffer grows at the end and gives from the front")
{
    struct buf buf = {0};
    for (int i = 0; i < 1000; i++)
        buf_add_int(&buf, i);
    buf_add_int(&buf, INT64_MIN);
    CHECK_INT(buf.size, 10 + 180 + 2700 + 20);
    buf_consume(&buf, 2890);
    CHECK_STR(buf_str(&buf), "-9223372036854775808");
    buf_reset(&buf);
    buf_printf(&buf, "%s %d", "a", 1);
    buf_add_char(&buf, '!');
    CHECK_STR(buf_str(&buf), "a 1!");
    buf_free(&buf);
}

TEST_MAIN
