#include "gateway/http/syntax.h"

enum {
    T = HTTP_TOKEN,
    F = HTTP_FIELD,
    U = HTTP_TARGET,
    H = HTTP_HOST,
};

static const unsigned char classes[256] = {
    ['\t'] = F,
    [' '] = F,
    ['!'] = T | F | U | H,
    ['"'] = F,
    ['#'] = T | F,
    ['$' ... '\''] = T | F | U | H,
    ['(' ... ')'] = F | U | H,
    ['*' ... '+'] = T | F | U | H,
    [','] = F | U | H,
    ['-' ... '.'] = T | F | U | H,
    ['/'] = F | U,
    ['0' ... '9'] = T | F | U | H,
    [':'] = F | U,
    [';'] = F | U | H,
    ['<'] = F,
    ['='] = F | U | H,
    ['>'] = F,
    ['?' ... '@'] = F | U,
    ['A' ... 'Z'] = T | F | U | H,
    ['[' ... ']'] = F | U,
    ['^'] = T | F | U,
    ['_'] = T | F | U | H,
    ['`'] = T | F | U,
    ['a' ... 'z'] = T | F | U | H,
    ['{'] = F | U,
    ['|'] = T | F | U,
    ['}'] = F | U,
    ['~'] = T | F | U | H,
    [0x80 ... 0xff] = F,
};

bool http_is(char c, enum http_class class)
{
    return classes[(unsigned char)c] & class;
}

static bool all_are(struct str s, enum http_class class)
{
    for (size_t i = 0; i < s.size; i++)
        if (!http_is(s.data[i], class))
            return false;
    return true;
}

bool http_all(struct str s, enum http_class class)
{
    return s.size > 0 && all_are(s, class);
}

bool http_field_line(struct str line, struct str *out_name, struct str *out_value)
{
    ptrdiff_t colon = str_find(line, ':');
    if (colon < 0)
        return false;
    *out_name = str_make(line.data, (size_t)colon);
    *out_value = str_trim(str_make(line.data + colon + 1, line.size - (size_t)colon - 1), " \t");
    return http_all(*out_name, HTTP_TOKEN) && all_are(*out_value, HTTP_FIELD);
}

/* The part of "[::1]:80" up to the bracket's end; 0 if it is no bracketed address. */
static size_t ip_literal(struct str s)
{
    ptrdiff_t end = str_find(s, ']');
    if (end < 3)
        return 0;
    for (ptrdiff_t i = 1; i < end; i++)
        if (!strchr("0123456789abcdefABCDEF:.", s.data[i]) || !s.data[i])
            return 0;
    return (size_t)end + 1;
}

bool http_is_authority(struct str s)
{
    size_t host = 0;
    if (s.size && s.data[0] == '[')
        host = ip_literal(s);
    else
        while (host < s.size && http_is(s.data[host], HTTP_HOST))
            host++;
    if (host == 0)
        return false;
    if (host == s.size)
        return true;
    if (s.data[host] != ':' || s.size - host > 6)
        return false;
    for (size_t i = host + 1; i < s.size; i++)
        if (s.data[i] < '0' || s.data[i] > '9')
            return false;
    return true;
}

bool http_percent_decode(struct str s, bool plus_is_blank, char *out, size_t *out_size)
{
    size_t n = 0;
    for (size_t i = 0; i < s.size; i++) {
        char c = s.data[i];
        if (c == '%') {
            if (s.size - i < 3 || !hex_decode(str_make(s.data + i + 1, 2), &c, 1))
                return false;
            i += 2;
        } else if (c == '+' && plus_is_blank) {
            c = ' ';
        }
        out[n++] = c;
    }
    *out_size = n;
    return true;
}

static struct str skip(struct str s, size_t count)
{
    return str_make(s.data + count, s.size - count);
}

static struct str skip_blanks(struct str s)
{
    while (s.size && (s.data[0] == ' ' || s.data[0] == '\t'))
        s = skip(s, 1);
    return s;
}

bool http_parameter(struct str *rest, struct str *out_name, struct str *out_value)
{
    struct str s = skip_blanks(*rest);
    if (s.size == 0) {
        *rest = s;
        return false;
    }
    if (s.data[0] != ';')
        return false;
    s = skip_blanks(skip(s, 1));
    ptrdiff_t equals = str_find(s, '=');
    if (equals < 0)
        return false;
    *out_name = str_make(s.data, (size_t)equals);
    s = skip(s, (size_t)equals + 1);
    if (s.size && s.data[0] == '"') {
        s = skip(s, 1);
        ptrdiff_t quote = str_find(s, '"');
        if (quote < 0)
            return false;
        *out_value = str_make(s.data, (size_t)quote);
        s = skip(s, (size_t)quote + 1);
        if (!all_are(*out_value, HTTP_FIELD))
            return false;
    } else {
        size_t n = 0;
        while (n < s.size && http_is(s.data[n], HTTP_TOKEN))
            n++;
        *out_value = str_make(s.data, n);
        s = skip(s, n);
        if (n == 0)
            return false;
    }
    if (!http_all(*out_name, HTTP_TOKEN))
        return false;
    *rest = s;
    return true;
}

bool http_list_next(struct str *rest, struct str *out_element)
{
    while (str_cut(rest, ',', out_element)) {
        *out_element = str_trim(*out_element, " \t");
        if (out_element->size)
            return true;
    }
    return false;
}
