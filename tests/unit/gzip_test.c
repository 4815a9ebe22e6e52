#include "gateway/gzip.h"
#include "tests/unit/test.h"

#include <zlib.h>

static void check_round(struct gzip *gzip, struct str text)
{
    struct buf packed = {0};
    char *plain = malloc(text.size + 1);
    buf_add_str(&packed, STR("before"));
    gzip_add(gzip, text, &packed);
    z_stream stream = {.next_in = (Bytef *)packed.data + 6,
                       .avail_in = (uInt)packed.size - 6,
                       .next_out = (Bytef *)plain,
                       .avail_out = (uInt)text.size + 1};
    CHECK_INT(inflateInit2(&stream, MAX_WBITS + 16), Z_OK);
    CHECK_INT(inflate(&stream, Z_FINISH), Z_STREAM_END);
    CHECK_INT(stream.avail_in, 0);
    CHECK(str_equal(str_make(plain, stream.total_out), text));
    inflateEnd(&stream);
    free(plain);
    buf_free(&packed);
}

TEST("what was compressed is read again by any gzip, one text after the other")
{
    struct gzip *gzip = gzip_new();
    struct buf text = {0};
    check_round(gzip, STR(""));
    check_round(gzip, STR("x"));
    for (uint32_t i = 0, noise = 1; i < 100000; i++, noise = noise * 1664525 + 1013904223)
        buf_add_char(&text, (char)(noise >> 24));
    check_round(gzip, buf_str(&text));
    check_round(gzip, STR("投票投票投票投票"));
    buf_free(&text);
    gzip_free(gzip);
    gzip_free(NULL);
}

TEST("what repeats becomes small, and what was before is no part of it")
{
    struct gzip *gzip = gzip_new();
    struct buf text = {0}, first = {0}, second = {0};
    for (int i = 0; i < 1000; i++)
        buf_add_str(&text, STR("<li>投票</li>"));
    gzip_add(gzip, buf_str(&text), &first);
    gzip_add(gzip, buf_str(&text), &second);
    CHECK(first.size < text.size / 20);
    CHECK(str_equal(buf_str(&first), buf_str(&second)));
    buf_free(&text);
    buf_free(&first);
    buf_free(&second);
    gzip_free(gzip);
}

TEST_MAIN
