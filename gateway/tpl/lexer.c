#include "gateway/tpl/lexer.h"

#include "gateway/tpl/text.h"

struct lexer lexer_start(struct str source)
{
    return (struct lexer){.source = source, .line = 1};
}

static struct str rest_of(const struct lexer *lexer)
{
    return str_make(lexer->source.data + lexer->at, lexer->source.size - lexer->at);
}

static void advance(struct lexer *lexer, size_t size)
{
    for (size_t i = 0; i < size; i++)
        lexer->line += lexer->source.data[lexer->at + i] == '\n';
    lexer->at += size;
}

static void skip_space(struct lexer *lexer)
{
    struct str rest = rest_of(lexer);
    advance(lexer, rest.size - text_trim_left(rest).size);
}

static struct token make(const struct lexer *lexer, enum token_kind kind, size_t size)
{
    return (struct token){kind, str_make(lexer->source.data + lexer->at, size), lexer->line};
}

static struct token error(const struct lexer *lexer, const char *what)
{
    return (struct token){TOKEN_ERROR, str_from(what), lexer->line};
}

static struct token take(struct lexer *lexer, enum token_kind kind, size_t size)
{
    struct token token = make(lexer, kind, size);
    advance(lexer, size);
    return token;
}

/* Eats an optional white-space sign and `end`, if the source goes on with them; with the
 * sign '-' the white space behind as well. `signs`: the signs allowed. */
static bool skip_end(struct lexer *lexer, const char *end, const char *signs)
{
    struct str rest = rest_of(lexer);
    char sign = 0;
    if (rest.size && rest.data[0] && strchr(signs, rest.data[0])) {
        sign = rest.data[0];
        rest = str_make(rest.data + 1, rest.size - 1);
    }
    if (!str_starts(rest, str_from(end)))
        return false;
    advance(lexer, (sign != 0) + strlen(end));
    if (sign == '-')
        skip_space(lexer);
    return true;
}

/* Eats "{%", a sign, `word` and the tag's end. *out_sign: the sign behind "{%", or 0. */
static bool skip_word_tag(struct lexer *lexer, const char *word, const char *end_signs,
                          char *out_sign)
{
    struct lexer ahead = *lexer;
    if (!str_starts(rest_of(&ahead), STR("{%")))
        return false;
    advance(&ahead, 2);
    struct str rest = rest_of(&ahead);
    *out_sign = rest.size && (rest.data[0] == '-' || rest.data[0] == '+') ? rest.data[0] : 0;
    advance(&ahead, *out_sign != 0);
    skip_space(&ahead);
    if (!str_starts(rest_of(&ahead), str_from(word)))
        return false;
    advance(&ahead, strlen(word));
    skip_space(&ahead);
    if (!skip_end(&ahead, "%}", end_signs))
        return false;
    *lexer = ahead;
    return true;
}

static struct str trim_for(char sign, struct str text)
{
    return sign == '-' ? text_trim_right(text) : text;
}

/* What stands between {% raw %} and {% endraw %}, as data. May be empty. */
static struct token raw_text(struct lexer *lexer)
{
    struct lexer start = *lexer;
    while (lexer->at < lexer->source.size) {
        struct str text = str_make(start.source.data + start.at, lexer->at - start.at);
        char sign;
        if (skip_word_tag(lexer, "endraw", "+-", &sign))
            return (struct token){TOKEN_DATA, trim_for(sign, text), start.line};
        advance(lexer, 1);
    }
    *lexer = start;
    return error(lexer, "{% raw %} is never closed by {% endraw %}");
}

static bool skip_comment(struct lexer *lexer)
{
    struct lexer start = *lexer;
    while (lexer->at < lexer->source.size) {
        if (skip_end(lexer, "#}", "+-"))
            return true;
        advance(lexer, 1);
    }
    *lexer = start;
    return false;
}

/* The distance to the next "{{", "{%" or "{#"; the end of the source without one. */
static size_t find_opening(struct str rest)
{
    size_t at = 0;
    while (at < rest.size) {
        const char *brace = memchr(rest.data + at, '{', rest.size - at);
        if (!brace)
            return rest.size;
        at = (size_t)(brace - rest.data);
        if (at + 1 < rest.size && strchr("{%#", brace[1]) && brace[1])
            return at;
        at++;
    }
    return rest.size;
}

/* Data up to the next tag, its white space trimmed; goes into the tag. May be empty. */
static struct token data(struct lexer *lexer)
{
    size_t size = find_opening(rest_of(lexer));
    struct token token = take(lexer, TOKEN_DATA, size);
    struct lexer tag = *lexer;
    char sign = 0;
    if (lexer->at == lexer->source.size)
        return token;
    if (skip_word_tag(&tag, "raw", "-", &sign)) {
        token.text = trim_for(sign, token.text);
        if (token.text.size)
            return token; /* the raw tag is met again, behind white space or nothing */
        *lexer = tag;
        return raw_text(lexer);
    }
    struct str rest = rest_of(lexer);
    sign = rest.size > 2 && (rest.data[2] == '-' || rest.data[2] == '+') ? rest.data[2] : 0;
    token.text = trim_for(sign, token.text);
    char opening = rest.data[1];
    struct lexer before = *lexer;
    advance(lexer, 2 + (sign != 0));
    if (opening == '#') {
        if (skip_comment(lexer))
            return token;
        *lexer = before;
        return error(lexer, "a comment is never closed by #}");
    }
    lexer->mode = opening == '{' ? LEXER_PRINT : LEXER_TAG;
    lexer->opened = true;
    return token;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static struct token name(struct lexer *lexer)
{
    struct str rest = rest_of(lexer);
    size_t size = 1;
    while (size < rest.size && (is_letter(rest.data[size]) || is_digit(rest.data[size])))
        size++;
    return take(lexer, TOKEN_NAME, size);
}

static struct token number(struct lexer *lexer)
{
    struct str rest = rest_of(lexer);
    size_t size = 1;
    while (size < rest.size && is_digit(rest.data[size]))
        size++;
    if (size < rest.size && is_letter(rest.data[size]))
        return error(lexer, "a number runs into a name (only decimal integers are numbers)");
    bool after_dot = lexer->at > 0 && lexer->source.data[lexer->at - 1] == '.';
    if (!after_dot && size + 1 < rest.size && rest.data[size] == '.' &&
        is_digit(rest.data[size + 1]))
        return error(lexer, "only integers are numbers here");
    if (size > 1 && rest.data[0] == '0')
        return error(lexer, "a number starts with 0");
    return take(lexer, TOKEN_INT, size);
}

static struct token string(struct lexer *lexer)
{
    struct str rest = rest_of(lexer);
    size_t size = 1;
    while (size < rest.size && rest.data[size] != rest.data[0])
        size += rest.data[size] == '\\' ? 2 : 1;
    if (size >= rest.size)
        return error(lexer, "a string is never closed");
    struct token token = make(lexer, TOKEN_STRING, size + 1);
    token.text = str_make(rest.data + 1, size - 1);
    advance(lexer, size + 1);
    return token;
}

/* Keeps the row of open brackets; NULL or what is wrong. */
static const char *count_bracket(struct lexer *lexer, char c)
{
    if (c == '(' || c == '[' || c == '{') {
        if (lexer->bracket_count == LEXER_BRACKETS)
            return "brackets are nested too deeply";
        lexer->brackets[lexer->bracket_count++] = c == '(' ? ')' : c == '[' ? ']' : '}';
    } else if (c == ')' || c == ']' || c == '}') {
        if (lexer->bracket_count == 0 || lexer->brackets[--lexer->bracket_count] != c)
            return "a bracket is closed that was not opened";
    }
    return NULL;
}

static struct token operator(struct lexer *lexer)
{
    static const struct str pairs[] = {STR("//"), STR("**"), STR("=="),
                                       STR("!="), STR(">="), STR("<=")};
    struct str rest = rest_of(lexer);
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        if (str_starts(rest, pairs[i]))
            return take(lexer, TOKEN_OPERATOR, 2);
    if (!rest.data[0] || !strchr("+-/*%~[](){}><=.:|,;", rest.data[0]))
        return error(lexer, "an unexpected character");
    const char *problem = count_bracket(lexer, rest.data[0]);
    return problem ? error(lexer, problem) : take(lexer, TOKEN_OPERATOR, 1);
}

/* A token inside {{ }} or {% %}. */
static struct token inside(struct lexer *lexer)
{
    bool print = lexer->mode == LEXER_PRINT;
    if (lexer->opened) {
        lexer->opened = false;
        return make(lexer, print ? TOKEN_PRINT_BEGIN : TOKEN_TAG_BEGIN, 0);
    }
    skip_space(lexer);
    struct str rest = rest_of(lexer);
    if (rest.size == 0)
        return error(lexer, print ? "{{ is never closed by }}" : "{% is never closed by %}");
    struct token end = make(lexer, print ? TOKEN_PRINT_END : TOKEN_TAG_END, 0);
    if (lexer->bracket_count == 0 && skip_end(lexer, print ? "}}" : "%}", print ? "-" : "+-")) {
        lexer->mode = LEXER_DATA;
        return end;
    }
    char c = rest.data[0];
    if (is_letter(c))
        return name(lexer);
    if (is_digit(c))
        return number(lexer);
    if (c == '"' || c == '\'')
        return string(lexer);
    return operator(lexer);
}

struct token lexer_next(struct lexer *lexer)
{
    while (lexer->mode == LEXER_DATA) {
        if (lexer->at == lexer->source.size)
            return make(lexer, TOKEN_END, 0);
        struct token token = data(lexer);
        if (token.kind == TOKEN_ERROR || token.text.size)
            return token;
    }
    return inside(lexer);
}
