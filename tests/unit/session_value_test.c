#include "proto/session_value.h"
#include "tests/unit/test.h"

TEST("what is printed is what aiohttp_session writes, and is read back")
{
    struct session_value value = {.created = 1523821636, .user_id = 7}, back;
    struct buf text = {0};
    session_value_print(&value, &text);
    CHECK_STR(buf_str(&text), "{\"created\": 1523821636, \"session\": {\"uid\": 7}}");
    CHECK(session_value_parse(buf_str(&text), &back));
    CHECK_INT(back.created, value.created);
    CHECK_INT(back.user_id, value.user_id);
    buf_free(&text);
}

TEST("keys of another service do not matter")
{
    static const char *const texts[] = {
        "{\"session\": {\"uid\": 5}, \"created\": 0}",
        "{\"created\": 0, \"session\": {\"uid\": 5, \"cart\": [1, {\"a\": null}], \"x\": 1.5}}",
        "{\"created\": 0, \"more\": {}, \"session\": {\"\\u6295\": \"\\u0000\", \"uid\": 5}}",
        " {\"created\":0,\n\"session\":{\"uid\":5}}\n",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct session_value value = {0};
        if (!session_value_parse(str_from(texts[i]), &value))
            TEST_FAIL("%s was refused", texts[i]);
        CHECK_INT(value.user_id, 5);
        CHECK_INT(value.created, 0);
    }
}

TEST("anything else is no session")
{
    static const char *const texts[] = {
        "",
        "null",
        "[]",
        "1",
        "{}",
        "x",
        "{\"created\": 1}",
        "{\"session\": {\"uid\": 1}}",
        "{\"created\": 1, \"session\": {}}",
        "{\"created\": 1, \"session\": null}",
        "{\"created\": 1, \"session\": [\"uid\", 1]}",
        "{\"created\": 1, \"session\": {\"uid\": 0}}",
        "{\"created\": 1, \"session\": {\"uid\": -1}}",
        "{\"created\": 1, \"session\": {\"uid\": \"1\"}}",
        "{\"created\": 1, \"session\": {\"uid\": 1.0}}",
        "{\"created\": 1, \"session\": {\"uid\": true}}",
        "{\"created\": 1, \"session\": {\"uid\": null}}",
        "{\"created\": 1, \"session\": {\"uid\": 9223372036854775808}}",
        "{\"created\": -1, \"session\": {\"uid\": 1}}",
        "{\"created\": \"1\", \"session\": {\"uid\": 1}}",
        "{\"created\": 1.5, \"session\": {\"uid\": 1}}",
        "{\"created\": 1, \"session\": {\"uid\": 1}",
        "{\"created\": 1, \"session\": {\"uid\": 1}} x",
        "{\"created\": 1, \"session\": {\"uid\": 1, \"x\": NaN}}",
        "{\"created\": 1, \"session\": {\"uid\": 1, \"x\": \"\xff\"}}",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct session_value value = {.created = 3, .user_id = 4};
        if (session_value_parse(str_from(texts[i]), &value))
            TEST_FAIL("%s was accepted", texts[i]);
        CHECK_INT(value.created, 3);
        CHECK_INT(value.user_id, 4);
    }
    CHECK(!session_value_parse(str_make(NULL, 0), &(struct session_value){0}));
}

TEST("a value nested without end is refused before the stack ends")
{
    struct buf text = {0};
    for (int i = 0; i < 1000000; i++)
        buf_add_str(&text, STR("{\"session\":"));
    CHECK(!session_value_parse(buf_str(&text), &(struct session_value){0}));
    buf_free(&text);
}

TEST_MAIN
