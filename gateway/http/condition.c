#include "gateway/http/condition.h"

#include "gateway/http/date.h"

/* ---- entity tags --------------------------------------------------------------------------- */

/* Is the tag in the list? Weak: W/ does not matter. What is not well formed ends the list. */
static bool list_has(struct str list, struct str etag, bool weak)
{
    if (str_equal(list, STR("*")))
        return true;
    for (;;) {
        list = str_trim(list, " \t,");
        bool is_weak = str_starts(list, STR("W/"));
        if (is_weak)
            list = str_make(list.data + 2, list.size - 2);
        if (!list.size || list.data[0] != '"')
            return false;
        ptrdiff_t quote = str_find(str_make(list.data + 1, list.size - 1), '"');
        if (quote < 0)
            return false;
        struct str opaque = str_make(list.data, (size_t)quote + 2);
        if ((weak || !is_weak) && str_equal(opaque, etag))
            return true;
        list = str_make(list.data + opaque.size, list.size - opaque.size);
    }
}

/* *out_has: the tag is in one of the headers of that name. False if there is no such header. */
static bool find_tag(const struct http_request *request, const char *name, struct str etag,
                     bool weak, bool *out_has)
{
    bool there = false;
    *out_has = false;
    for (size_t i = 0; i < request->header_count; i++)
        if (str_equal_nocase(request->headers[i].name, str_from(name))) {
            there = true;
            *out_has = *out_has || list_has(request->headers[i].value, etag, weak);
        }
    return there;
}

/* ---- conditions ---------------------------------------------------------------------------- */

int http_condition_status(const struct http_request *request,
                          const struct http_validators *validators)
{
    bool has;
    int64_t since;
    if (find_tag(request, "if-match", validators->etag, false, &has)) {
        if (!has)
            return 412;
    } else if (http_date_parse(http_header(request, "if-unmodified-since"), &since) &&
               validators->modified > since) {
        return 412;
    }
    if (find_tag(request, "if-none-match", validators->etag, true, &has))
        return has ? 304 : 0;
    if (http_date_parse(http_header(request, "if-modified-since"), &since))
        return validators->modified <= since ? 304 : 0;
    return 0;
}

/* RFC 9110 section 13.1.5: one tag, or the very date. */
static bool if_range_holds(const struct http_request *request,
                           const struct http_validators *validators)
{
    struct str value;
    int64_t date;
    size_t count = http_header_count(request, "if-range", &value);
    if (count == 0)
        return true;
    if (count > 1)
        return false;
    if (http_date_parse(value, &date))
        return !validators->date_is_weak && date == validators->modified;
    return str_equal(value, validators->etag);
}

/* ---- ranges -------------------------------------------------------------------------------- */

/* 1*DIGIT; what is larger than any file is the largest number. False if it is no number. */
static bool read_position(struct str s, int64_t *out)
{
    int64_t value = 0;
    for (size_t i = 0; i < s.size; i++) {
        if (s.data[i] < '0' || s.data[i] > '9')
            return false;
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, s.data[i] - '0', &value))
            value = INT64_MAX;
    }
    *out = value;
    return s.size > 0;
}

static enum http_range read_suffix(struct str text, int64_t size, int64_t *out_first,
                                   int64_t *out_count)
{
    int64_t count;
    if (!read_position(text, &count) || count == 0 || size == 0)
        return HTTP_RANGE_NONE;
    *out_count = count < size ? count : size;
    *out_first = size - *out_count;
    return HTTP_RANGE_PART;
}

enum http_range http_range_read(const struct http_request *request,
                                const struct http_validators *validators, int64_t size,
                                int64_t *out_first, int64_t *out_count)
{
    struct str range, unit, first;
    int64_t last;
    size_t count = http_header_count(request, "range", &range);
    if (count == 0 || request->method != HTTP_GET || !if_range_holds(request, validators))
        return HTTP_RANGE_WHOLE;
    if (count > 1 || str_find(range, '=') < 0 || !str_cut(&range, '=', &unit))
        return HTTP_RANGE_NONE;
    if (!str_equal_nocase(unit, STR("bytes")))
        return HTTP_RANGE_WHOLE; /* section 14.2: a unit we do not know is ignored */
    if (str_find(range, '-') < 0 || !str_cut(&range, '-', &first))
        return HTTP_RANGE_NONE;
    if (first.size == 0)
        return read_suffix(range, size, out_first, out_count);
    if (!read_position(first, out_first) || *out_first >= size)
        return HTTP_RANGE_NONE;
    if (range.size == 0)
        last = size - 1;
    else if (!read_position(range, &last) || last < *out_first)
        return HTTP_RANGE_NONE;
    *out_count = (last < size ? last + 1 : size) - *out_first;
    return HTTP_RANGE_PART;
}
