/* Any bytes as the conditions of a request for a file: lines of "Name: value" behind a line with
 * the file's size. */
#include "gateway/http/coding.h"
#include "gateway/http/condition.h"
#include "gateway/http/date.h"
#include "gateway/http/syntax.h"
#include "tests/fuzz/fuzz.h"

enum { HEADERS = 8 };

static void read_conditions(const struct http_request *request, int64_t size)
{
    static const char *const codings[] = {"br", "gzip", "identity"};
    struct http_validators validators = {.etag = STR("\"a-b\""), .modified = 784111777};
    int64_t first = -1, count = -1;
    int status = http_condition_status(request, &validators);
    enum http_range range = http_range_read(request, &validators, size, &first, &count);
    PROMISE(status == 0 || status == 304 || status == 412);
    PROMISE(range != HTTP_RANGE_PART ||
            (first >= 0 && count > 0 && first < size && count <= size - first));
    for (size_t i = 0; i < sizeof codings / sizeof *codings; i++) {
        int weight = http_coding_weight(request, codings[i]);
        PROMISE(weight >= 0 && weight <= HTTP_WEIGHT_MAX);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct http_header headers[HEADERS];
    struct http_request request = {.method = HTTP_GET, .headers = headers};
    char *copy = fuzz_copy(str_make((const char *)data, size));
    struct str rest = str_make(copy, size), line;
    int64_t file_size = 0, date;
    if (str_cut(&rest, '\n', &line) && (!str_to_int64(line, &file_size) || file_size < 0))
        file_size = 100;
    while (request.header_count < HEADERS && str_cut(&rest, '\n', &line)) {
        struct http_header *header = &headers[request.header_count];
        if (!http_field_line(line, &header->name, &header->value))
            continue;
        request.header_count++;
        http_date_parse(header->value, &date);
    }
    read_conditions(&request, file_size);
    free(copy);
    return 0;
}
