#include "proto/base/str.h"

#include <strings.h>

bool str_equal(struct str a, struct str b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

static char ascii_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

bool str_equal_nocase(struct str a, struct str b)
{
    if (a.size != b.size)
        return false;
    for (size_t i = 0; i < a.size; i++)
        if (ascii_lower(a.data[i]) != ascii_lower(b.data[i]))
            return false;
    return true;
}

bool str_starts(struct str s, struct str prefix)
{
    return s.size >= prefix.size && str_equal(str_make(s.data, prefix.size), prefix);
}

bool str_ends(struct str s, struct str suffix)
{
    return s.size >= suffix.size &&
           str_equal(str_make(s.data + (s.size - suffix.size), suffix.size), suffix);
}

ptrdiff_t str_find(struct str s, char byte)
{
    const char *at = s.size ? memchr(s.data, byte, s.size) : NULL;
    return at ? at - s.data : -1;
}

struct str str_trim(struct str s, const char *set)
{
    while (s.size && s.data[0] && strchr(set, s.data[0])) {
        s.data++;
        s.size--;
    }
    while (s.size && s.data[s.size - 1] && strchr(set, s.data[s.size - 1]))
        s.size--;
    return s;
}

bool str_cut(struct str *s, char byte, struct str *out_head)
{
    if (s->size == 0)
        return false;
    ptrdiff_t at = str_find(*s, byte);
    if (at < 0) {
        *out_head = *s;
        *s = (struct str){0};
        return true;
    }
    *out_head = str_make(s->data, (size_t)at);
    *s = str_make(s->data + at + 1, s->size - (size_t)at - 1);
    return true;
}

bool str_to_int64(struct str s, int64_t *out)
{
    size_t i = 0;
    bool negative = s.size && s.data[0] == '-';
    if (negative)
        i++;
    if (i == s.size)
        return false;
    int64_t value = 0;
    for (; i < s.size; i++) {
        if (s.data[i] < '0' || s.data[i] > '9')
            return false;
        int digit = s.data[i] - '0';
        /* Counted downwards: INT64_MIN has no positive twin. */
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_sub_overflow(value, digit, &value))
            return false;
    }
    if (!negative && value == INT64_MIN)
        return false;
    *out = negative ? value : -value;
    return true;
}

/* Bytes of the sequence at s, 0 if it is not well formed (RFC 3629, section 4). */
static size_t utf8_sequence(const unsigned char *s, size_t left)
{
    unsigned char c = s[0];
    if (c < 0x80)
        return 1;
    size_t need = c >= 0xc2 && c <= 0xdf   ? 2
                  : c >= 0xe0 && c <= 0xef ? 3
                  : c >= 0xf0 && c <= 0xf4 ? 4
                                           : 0;
    if (need == 0 || left < need)
        return 0;
    unsigned char low = c == 0xe0 ? 0xa0 : c == 0xf0 ? 0x90 : 0x80;
    unsigned char high = c == 0xed ? 0x9f : c == 0xf4 ? 0x8f : 0xbf;
    if (s[1] < low || s[1] > high)
        return 0;
    for (size_t i = 2; i < need; i++)
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    return need;
}

bool str_is_utf8(struct str s)
{
    const unsigned char *at = (const unsigned char *)s.data;
    for (size_t left = s.size; left > 0;) {
        size_t n = utf8_sequence(at, left);
        if (n == 0)
            return false;
        at += n;
        left -= n;
    }
    return true;
}

size_t str_utf8_length(struct str s)
{
    size_t count = 0;
    for (size_t i = 0; i < s.size; i++)
        count += ((unsigned char)s.data[i] & 0xc0) != 0x80;
    return count;
}

bool str_has_control(struct str s)
{
    for (size_t i = 0; i < s.size; i++)
        if ((unsigned char)s.data[i] < 0x20 || s.data[i] == 0x7f)
            return true;
    return false;
}

/* Length of the white-space character at the start of s (not empty), or 0. */
static size_t blank_sequence(struct str s)
{
    static const struct str blanks[] = {
        {"\xc2\x85", 2},     {"\xc2\xa0", 2},     {"\xe2\x80\xa8", 3},
        {"\xe2\x80\xa9", 3}, {"\xe3\x80\x80", 3}, {"\xef\xbb\xbf", 3},
    };
    if (s.data[0] == ' ' || (s.data[0] >= '\t' && s.data[0] <= '\r'))
        return 1;
    for (size_t i = 0; i < sizeof blanks / sizeof *blanks; i++)
        if (str_starts(s, blanks[i]))
            return blanks[i].size;
    bool spaces = str_starts(s, STR("\xe2\x80")) && s.size >= 3 &&
                  (unsigned char)s.data[2] >= 0x80 && (unsigned char)s.data[2] <= 0x8b;
    return spaces ? 3 : 0;
}

bool str_is_blank(struct str s)
{
    while (s.size > 0) {
        size_t n = blank_sequence(s);
        if (n == 0)
            return false;
        s = str_make(s.data + n, s.size - n);
    }
    return true;
}

/* Number of the `size` digits at `at`, or -1. */
static int digits_at(struct str s, size_t at, size_t size)
{
    int value = 0;
    for (size_t i = at; i < at + size; i++) {
        if (s.data[i] < '0' || s.data[i] > '9')
            return -1;
        value = value * 10 + (s.data[i] - '0');
    }
    return value;
}

bool str_is_datetime(struct str s)
{
    static const int month_days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (s.size != 19 || s.data[4] != '-' || s.data[7] != '-' || s.data[10] != ' ' ||
        s.data[13] != ':' || s.data[16] != ':')
        return false;
    int year = digits_at(s, 0, 4), month = digits_at(s, 5, 2), day = digits_at(s, 8, 2);
    int hour = digits_at(s, 11, 2), minute = digits_at(s, 14, 2), second = digits_at(s, 17, 2);
    if (year < 1000 || month < 1 || month > 12 || day < 1)
        return false;
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    if (day > month_days[month - 1] + (month == 2 && leap))
        return false;
    return hour >= 0 && hour < 24 && minute >= 0 && minute < 60 && second >= 0 && second < 60;
}

void hex_encode(const void *bytes, size_t size, char *out)
{
    static const char digits[] = "0123456789abcdef";
    const unsigned char *in = bytes;
    for (size_t i = 0; i < size; i++) {
        out[2 * i] = digits[in[i] >> 4];
        out[2 * i + 1] = digits[in[i] & 15];
    }
    out[2 * size] = '\0';
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = ascii_lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool hex_decode(struct str s, void *out, size_t size)
{
    unsigned char *to = out;
    if (s.size != 2 * size)
        return false;
    for (size_t i = 0; i < size; i++) {
        int high = hex_digit(s.data[2 * i]), low = hex_digit(s.data[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        to[i] = (unsigned char)(high << 4 | low);
    }
    return true;
}
