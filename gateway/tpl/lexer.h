/* lexer: the source of a template as a row of tokens, white-space control and comments done.
 *
 * Follows jinja2/lexer.py with its default delimiters, trim_blocks and lstrip_blocks off and
 * keep_trailing_newline on. Tokens borrow from the source; nothing is allocated. */
#ifndef VOTE_TPL_LEXER_H
#define VOTE_TPL_LEXER_H

#include "proto/base/str.h"

enum token_kind {
    TOKEN_END,         /* of the source */
    TOKEN_DATA,        /* text between tags, never empty */
    TOKEN_PRINT_BEGIN, /* {{ */
    TOKEN_PRINT_END,   /* }} */
    TOKEN_TAG_BEGIN,   /* {% */
    TOKEN_TAG_END,     /* %} */
    TOKEN_NAME,
    TOKEN_STRING, /* text: between the quotes, escapes not yet resolved */
    TOKEN_INT,    /* text: decimal digits */
    TOKEN_OPERATOR,
    TOKEN_ERROR, /* text: what is wrong; nothing follows */
};

struct token {
    enum token_kind kind;
    struct str text;
    unsigned line; /* 1 is the first */
};

enum { LEXER_BRACKETS = 64 };

/* lexer: copied to look ahead, and copied back. */
struct lexer {
    struct str source; /* newlines are \n */
    size_t at;
    unsigned line;
    enum { LEXER_DATA, LEXER_PRINT, LEXER_TAG } mode;
    bool opened;                   /* in LEXER_PRINT/TAG: the begin token is still to be given */
    char brackets[LEXER_BRACKETS]; /* the closers still expected; }} and %} count only without */
    unsigned bracket_count;
};

/* lexer_start: at the beginning of source, whose line ends are \n alone. */
struct lexer lexer_start(struct str source);

/* lexer_next: the next token; TOKEN_END again and again at the end. */
struct token lexer_next(struct lexer *lexer);

#endif
