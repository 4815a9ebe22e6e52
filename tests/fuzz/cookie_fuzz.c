/* Any bytes as a Cookie header: what is found is a piece of it, and is found again. */
#include "gateway/http/cookie.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const names[] = {"sessionid", "__Host-sessionid", "a"};
    struct str input = str_make((const char *)data, size);
    char *copy = fuzz_copy(input);
    struct str header = str_make(copy, size), value;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct buf again = {0};
        if (!http_cookie_find(header, names[i], &value))
            continue;
        PROMISE(fuzz_is_inside(header, value));
        PROMISE(str_find(value, ';') < 0);
        buf_printf(&again, "x=y; %s=\"%.*s\"; %s=z", names[i], STR_ARG(value), names[i]);
        struct str once = value;
        PROMISE(memchr(once.data ? once.data : "", 0, once.size) ||
                (http_cookie_find(buf_str(&again), names[i], &value) && str_equal(value, once)));
        buf_free(&again);
    }
    free(copy);
    return 0;
}
