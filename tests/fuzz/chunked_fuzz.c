/* Any bytes as a chunked body: whole, and a byte at a time. */
#include "gateway/http/chunked.h"
#include "tests/fuzz/fuzz.h"

enum { LIMIT = 500 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct http_chunked whole = {0}, cut = {0};
    struct buf whole_body = {0}, cut_body = {0};
    struct str input = str_make((const char *)data, size);
    size_t taken = http_chunked_feed(&whole, input, LIMIT, &whole_body), cut_taken = 0;
    while (cut_taken < size && cut.state < CHUNK_DONE) {
        char byte = input.data[cut_taken];
        cut_taken += http_chunked_feed(&cut, str_make(&byte, 1), LIMIT, &cut_body);
    }
    PROMISE(whole.state == cut.state && whole.status == cut.status);
    PROMISE(whole.state == CHUNK_FAILED || taken == cut_taken);
    PROMISE(whole_body.size <= LIMIT);
    PROMISE(whole.state == CHUNK_FAILED || str_equal(buf_str(&whole_body), buf_str(&cut_body)));
    PROMISE((whole.state == CHUNK_FAILED) == (whole.status != 0));
    buf_free(&whole_body);
    buf_free(&cut_body);
    return 0;
}
