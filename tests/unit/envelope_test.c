#include "proto/envelope.h"
#include "tests/unit/test.h"

static const struct envelope full = {
    .attempt = 2,
    .type = 0x0120,
    .status = 0x0203,
    .slot = 0x01020304,
    .generation = 0xfffefdfc,
    .request_id = {{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}},
    .ttl_ms = 0x80000001,
    .credit = 0xfffe,
    .batch = 64,
    .queue_us = 0x11223344,
    .service_us = 0x55667788,
};

static struct buf frame_of(struct str body)
{
    struct buf frame = {0};
    envelope_begin(&full, &frame);
    buf_add_str(&frame, body);
    envelope_end(&frame, 0);
    return frame;
}

/* In memory of exactly its size, so that the sanitizer sees a read past its end. */
static enum envelope_error read_exact(struct str frame)
{
    char *copy = malloc(frame.size ? frame.size : 1);
    if (frame.size)
        memcpy(copy, frame.data, frame.size);
    enum envelope_error error = envelope_check(str_make(copy, frame.size));
    free(copy);
    return error;
}

TEST("an envelope survives writing and reading, with any body")
{
    static const char *const bodies[] = {"", "{}", "{\"a\": \"投票\"}"};
    for (size_t i = 0; i < 3; i++) {
        struct buf frame = frame_of(str_from(bodies[i]));
        struct envelope back;
        struct str body;
        memset(&back, 0, sizeof back);
        struct str rest = buf_str(&frame);
        CHECK_INT(envelope_check(rest), ENVELOPE_OK);
        CHECK(envelope_next(&rest, &back, &body));
        CHECK_INT(rest.size, 0);
        CHECK_STR(body, bodies[i]);
        CHECK_INT(back.attempt, full.attempt);
        CHECK_INT(back.type, full.type);
        CHECK_INT(back.status, full.status);
        CHECK_INT(back.slot, full.slot);
        CHECK_INT(back.generation, full.generation);
        CHECK(id_equal(back.request_id, full.request_id));
        CHECK_INT(back.ttl_ms, full.ttl_ms);
        CHECK_INT(back.credit, full.credit);
        CHECK_INT(back.batch, full.batch);
        CHECK_INT(back.queue_us, full.queue_us);
        CHECK_INT(back.service_us, full.service_us);
        buf_free(&frame);
    }
}

TEST("the bytes of a header stand where the layout says")
{
    static const char expected[] = "56510102"
                                   "01200203"
                                   "01020304"
                                   "fffefdfc"
                                   "000102030405060708090a0b0c0d0e0f"
                                   "80000001"
                                   "fffe0040"
                                   "11223344"
                                   "55667788"
                                   "00000000"
                                   "00000002"
                                   "7b7d";
    struct buf frame = frame_of(STR("{}"));
    char hex[2 * 64 + 1];
    CHECK_INT(frame.size, 58);
    hex_encode(frame.data, frame.size, hex);
    CHECK_STR(str_from(hex), expected);
    buf_free(&frame);
}

TEST("the layout has no gap and no overlap")
{
    static const struct {
        int offset, size;
    } rows[] = {
#define ROW(offset_, size_, name_, phrase_) {offset_, size_},
        ENVELOPE_LAYOUT(ROW)
#undef ROW
    };
    int at = 0;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        CHECK_INT(rows[i].offset, at);
        at += rows[i].size;
    }
    CHECK_INT(at, ENVELOPE_SIZE);
}

TEST("a frame cut anywhere is too short, and read no further than it goes")
{
    struct buf frame = frame_of(STR("{\"a\": 1}"));
    for (size_t size = 0; size < frame.size; size++)
        CHECK_INT(read_exact(str_make(frame.data, size)), ENVELOPE_SHORT);
    CHECK_INT(read_exact(buf_str(&frame)), ENVELOPE_OK);
    buf_free(&frame);
}

TEST("what stands behind a message and is none is refused")
{
    struct buf frame = frame_of(STR("{}"));
    buf_add_char(&frame, '\n');
    CHECK_INT(read_exact(buf_str(&frame)), ENVELOPE_TRAILING);
    buf_add_str(&frame, str_make(frame.data, frame.size - 1));
    CHECK_INT(read_exact(buf_str(&frame)), ENVELOPE_TRAILING);
    buf_free(&frame);
}

TEST("a frame of several messages is read in order, and refused if it is cut in any of them")
{
    struct buf frame = {0};
    for (unsigned i = 0; i < 3; i++) {
        size_t start = frame.size;
        envelope_begin(&(struct envelope){.slot = i}, &frame);
        buf_add(&frame, "xxx", i);
        envelope_end(&frame, start);
    }
    for (size_t size = 0; size <= frame.size; size++) {
        bool whole = size == 56 || size == 56 + 57 || size == 56 + 57 + 58;
        CHECK_INT(read_exact(str_make(frame.data, size)), whole       ? ENVELOPE_OK
                                                          : size < 56 ? ENVELOPE_SHORT
                                                                      : ENVELOPE_TRAILING);
    }
    struct envelope envelope;
    struct str rest = buf_str(&frame), body;
    for (unsigned i = 0; i < 3; i++) {
        CHECK(envelope_next(&rest, &envelope, &body));
        CHECK_INT(envelope.slot, i);
        CHECK_INT(body.size, i);
    }
    CHECK(!envelope_next(&rest, &envelope, &body));
    buf_free(&frame);
}

TEST("a body size near 2^32 does not overflow")
{
    struct buf frame = frame_of(STR("{}"));
    memset(frame.data + 52, 0xff, 4);
    CHECK_INT(read_exact(buf_str(&frame)), ENVELOPE_SHORT);
    buf_free(&frame);
}

TEST("a trace goes behind the body, and comes back apart from it and from the next message")
{
    struct buf frame = frame_of(STR("{\"a\": 1}"));
    struct envelope back;
    struct str rest, body;
    envelope_add_trace(&frame, 0, STR("00-trace"));
    size_t size = frame.size;
    struct buf next = frame_of(STR("{}"));
    buf_add_str(&frame, buf_str(&next));
    buf_free(&next);
    rest = buf_str(&frame);
    CHECK_INT(envelope_check(rest), ENVELOPE_OK);
    CHECK(envelope_next(&rest, &back, &body));
    CHECK_INT(rest.size, frame.size - size);
    CHECK_STR(body, "{\"a\": 1}");
    CHECK_STR(back.trace, "00-trace");
    CHECK_STR(envelope_body(&frame), "{\"a\": 1}");
    buf_free(&frame);
}

TEST("a trace cut anywhere is too short, and bytes behind it are refused")
{
    struct buf frame = frame_of(STR("{}"));
    envelope_add_trace(&frame, 0, STR("00-trace"));
    for (size_t size = 0; size < frame.size; size++)
        CHECK_INT(read_exact(str_make(frame.data, size)), ENVELOPE_SHORT);
    buf_add_char(&frame, '\n');
    CHECK_INT(read_exact(buf_str(&frame)), ENVELOPE_TRAILING);
    memset(frame.data + 48, 0xff, 8);
    CHECK_INT(read_exact(buf_str(&frame)), ENVELOPE_SHORT);
    buf_free(&frame);
}

TEST("another magic and another version are told apart, however short the frame")
{
    struct buf frame = frame_of(STR("{}"));
    frame.data[2] = 2;
    CHECK_INT(read_exact(buf_str(&frame)), ENVELOPE_BAD_VERSION);
    CHECK_INT(read_exact(str_make(frame.data, 3)), ENVELOPE_BAD_VERSION);
    frame.data[2] = 0;
    CHECK_INT(read_exact(buf_str(&frame)), ENVELOPE_BAD_VERSION);
    frame.data[1] = 'R';
    CHECK_INT(read_exact(buf_str(&frame)), ENVELOPE_NOT_OURS);
    CHECK_INT(read_exact(STR("GET / HTTP/1.1\r\n\r\n")), ENVELOPE_NOT_OURS);
    buf_free(&frame);
}

TEST("a frame that is sent again differs in what a stamp is for, and in nothing else")
{
    struct buf frame = frame_of(STR("{}"));
    struct envelope back, again = {.attempt = 3, .slot = 9, .generation = 8, .ttl_ms = 7};
    struct str body;
    envelope_stamp(&frame, &again);
    struct str rest = buf_str(&frame);
    CHECK_INT(envelope_check(rest), ENVELOPE_OK);
    CHECK(envelope_next(&rest, &back, &body));
    CHECK_INT(back.attempt, 3);
    CHECK_INT(back.slot, 9);
    CHECK_INT(back.generation, 8);
    CHECK_INT(back.ttl_ms, 7);
    CHECK_STR(body, "{}");
    envelope_stamp(&frame, &full);
    struct buf before = frame_of(STR("{}"));
    CHECK(str_equal(buf_str(&frame), buf_str(&before)));
    buf_free(&before);
    buf_free(&frame);
}

TEST("every error has a text")
{
    for (int i = ENVELOPE_OK; i <= ENVELOPE_BAD_VERSION; i++)
        CHECK(envelope_error_text((enum envelope_error)i)[0]);
}

TEST_MAIN
