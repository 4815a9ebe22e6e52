#include "proto/traceparent.h"
#include "tests/unit/test.h"

#include <stdlib.h>

/* In memory of exactly its size, so that the sanitizer sees a read past its end. */
static bool parse(const char *text, struct traceparent *out)
{
    size_t size = strlen(text);
    char *copy = malloc(size ? size : 1);
    memcpy(copy, text, size);
    bool good = traceparent_parse(str_make(copy, size), out);
    free(copy);
    return good;
}

TEST("a traceparent is read and written back as it was")
{
    static const char *const texts[] = {
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00",
    };
    for (size_t i = 0; i < 2; i++) {
        struct traceparent context;
        char text[TRACEPARENT_TEXT + 1];
        CHECK(parse(texts[i], &context));
        CHECK_INT(context.sampled, i == 0);
        CHECK_STR(str_from(traceparent_print(&context, text)), texts[i]);
    }
}

TEST("of a later version and of other flags, what is known is taken")
{
    static const char *const texts[] = {
        "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-what the future will be like",
        "fe-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-ff",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-03",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct traceparent context;
        CHECK(parse(texts[i], &context));
        CHECK(context.sampled);
        CHECK_INT(context.trace.bytes[0], 0x4b);
        CHECK_INT(context.parent.bytes[7], 0xb7);
    }
}

TEST("anything else is no traceparent")
{
    static const char *const texts[] = {
        "",
        "00",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01 ",
        "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01.x",
        "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "0g-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00F067AA0BA902B7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0A",
        "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
        "00_4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e473-600f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7_01",
        "00-4bf92f3577b34da6a3ce929d0e0e47 6-00f067aa0ba902b7-01",
        " 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct traceparent context = {.sampled = true};
        if (parse(texts[i], &context))
            TEST_FAIL("taken: %s", texts[i]);
        CHECK(context.sampled); /* untouched */
    }
}

TEST("a fresh span has an id")
{
    char text[SPAN_TEXT + 1];
    struct span_id id = span_id_random();
    CHECK(!span_id_is_none(id));
    CHECK_INT(strlen(span_id_print(id, text)), SPAN_TEXT);
}

TEST_MAIN
