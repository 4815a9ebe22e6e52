/* Any bytes as a frame of the queues. The body is also read as every type of message there is: what
 * is taken must print as a body that reads the same. */
#include "proto/envelope.h"
#include "proto/message.h"
#include "proto/session_value.h"
#include "tests/fuzz/fuzz.h"

/* A blank in front keeps a body from being read the plain way: JSON's own reader must agree. */
static void read_otherwise(const struct record *record, struct str body, const void *message)
{
    struct arena arena = {0};
    struct buf spaced = {0}, first = {0}, second = {0};
    const char *error = NULL;
    buf_add_char(&spaced, ' ');
    buf_add_str(&spaced, body);
    const void *other = message_unpack(record, buf_str(&spaced), &arena, &error);
    PROMISE(!message == !other);
    if (message) {
        message_pack(record, message, &first);
        message_pack(record, other, &second);
        PROMISE(str_equal(buf_str(&first), buf_str(&second)));
    }
    buf_free(&spaced);
    buf_free(&first);
    buf_free(&second);
    arena_free(&arena);
}

static void read_body(const struct message_type *type, struct str body)
{
    struct arena arena = {0};
    struct buf first = {0}, second = {0};
    const char *error = NULL;
    const struct record *record = type->record();
    void *message = message_unpack(record, body, &arena, &error);
    PROMISE(!message == !!error);
    read_otherwise(record, body, message);
    if (message) {
        message_pack(record, message, &first);
        message = message_unpack(record, buf_str(&first), &arena, &error);
        PROMISE(message);
        message_pack(record, message, &second);
        PROMISE(str_equal(buf_str(&first), buf_str(&second)));
    }
    buf_free(&first);
    buf_free(&second);
    arena_free(&arena);
}

static void read_frame(struct str frame)
{
    struct envelope envelope;
    struct str rest = frame, body;
    struct buf again = {0};
    if (envelope_check(frame) != ENVELOPE_OK)
        return;
    while (envelope_next(&rest, &envelope, &body)) {
        PROMISE(fuzz_is_inside(frame, body));
        size_t start = again.size;
        envelope_begin(&envelope, &again);
        buf_add_str(&again, body);
        envelope_end(&again, start);
        PROMISE(fuzz_is_inside(frame, envelope.trace));
        envelope_add_trace(&again, start, envelope.trace);
        const struct message_type *type = message_type_find(envelope.type);
        if (type)
            read_body(type, body);
    }
    PROMISE(again.size == frame.size);
    buf_free(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t count;
    const struct message_type *types = message_types(&count);
    struct session_value value;
    char *copy = fuzz_copy(str_make((const char *)data, size));
    struct str input = str_make(copy, size);
    read_frame(input);
    for (size_t i = 0; i < count; i++)
        read_body(&types[i], input);
    session_value_parse(input, &value);
    free(copy);
    return 0;
}
