/* String literals: Jinja2 reads them as Python's unicode-escape codec does. */
#include "gateway/tpl/parser.h"
#include "gateway/tpl/text.h"

static int digit_value(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : 16;
}

/* Up to `most` digits of the base at *at; at least `least`, or -1. */
static int64_t read_code(struct str s, size_t *at, int base, size_t least, size_t most)
{
    int64_t code = 0;
    size_t count = 0;
    for (; count < most && *at < s.size && digit_value(s.data[*at]) < base; count++)
        code = code * base + digit_value(s.data[(*at)++]);
    return count < least ? -1 : code;
}

/* The escape at s[*at], behind its backslash: appended to out, *at behind it. False if malformed.
 */
static bool unescape(struct str s, size_t *at, char *out, size_t *size)
{
    static const char plain[] = "\\\\''\"\"a\ab\bf\fn\nr\rt\tv\v"; /* pairs: letter, meaning */
    char c = s.data[*at];
    if (c == '\n') { /* a line goes on */
        ++*at;
        return true;
    }
    for (const char *pair = plain; *pair; pair += 2)
        if (*pair == c) {
            out[(*size)++] = pair[1];
            ++*at;
            return true;
        }
    if ((unsigned char)c >= 0x80 || c == 'N')
        return false;
    int64_t code;
    if (c >= '0' && c <= '7') {
        code = read_code(s, at, 8, 1, 3);
    } else if (c == 'x' || c == 'u' || c == 'U') {
        size_t digits = c == 'x' ? 2 : c == 'u' ? 4 : 8;
        ++*at;
        code = read_code(s, at, 16, digits, digits);
    } else {
        out[(*size)++] = '\\'; /* Python leaves an escape it does not know */
        return true;
    }
    if (code < 0 || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
        return false;
    *size += text_put((uint32_t)code, out + *size);
    return true;
}

/* No escape is shorter than what it stands for: "\7" is one byte, "\u00e9" two, "\U…" four. */
static size_t unescape_all(struct parser *parser, struct str s, char *out)
{
    size_t size = 0;
    for (size_t at = 0; at < s.size;) {
        if (s.data[at] != '\\') {
            out[size++] = s.data[at++];
            continue;
        }
        at++;
        if (!unescape(s, &at, out, &size)) {
            parser_fail(parser, "a malformed escape in a string");
            break;
        }
    }
    return size;
}

struct str parser_string(struct parser *parser)
{
    char *text = NULL;
    size_t size = 0;
    while (parser->token.kind == TOKEN_STRING) {
        struct str part = parser->token.text;
        char *longer = arena_alloc(&parser->env->arena, size + part.size + 1);
        if (size)
            memcpy(longer, text, size);
        text = longer;
        size += unescape_all(parser, part, text + size);
        parser_next(parser);
    }
    return str_make(text, size);
}
