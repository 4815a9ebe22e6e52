/* parser: source to tree. parser.c knows the tags, expression.c what stands inside them.
 *
 * Follows jinja2/parser.py. The first error wins: it is written down, the token becomes TOKEN_END
 * for good, and every function returns some harmless node, so that nobody has to look. */
#ifndef VOTE_TPL_PARSER_H
#define VOTE_TPL_PARSER_H

#include "gateway/tpl/env.h"
#include "gateway/tpl/lexer.h"

enum {
    PARSER_NESTING = 200, /* of brackets and tags while parsing */
    PARSER_DEPTH = 200,   /* of the tree: what rendering will recurse into */
};

/* enclosing_for: a `for` whose body is being read. */
struct enclosing_for {
    struct enclosing_for *outer;
    bool uses_loop;
};

struct parser {
    struct tpl_env *env;
    struct template *template;
    struct lexer lexer;
    struct token token; /* the current one */
    struct buf *errors;
    bool failed;
    unsigned nesting;
    struct enclosing_for *loops; /* the innermost, not looking out of a block */
    unsigned for_depth;
    struct block *block; /* the innermost, or NULL */
    bool extended;       /* behind the extends tag */
    struct node nothing; /* what a failed function returns */
};

/* parser_run: compile source into template. False with a line in errors. source must live as long
 * as env. */
bool parser_run(struct tpl_env *env, struct template *template, struct str source,
                struct buf *errors);

/* parser_fail: note an error at the current token (parser_fail_at: at a line). */
struct node *parser_fail(struct parser *parser, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
struct node *parser_fail_at(struct parser *parser, unsigned line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* parser_next: go to the next token. */
void parser_next(struct parser *parser);

/* parser_at_name, parser_at_operator: is the current token this word, this operator?
 * parser_skip_…: and if so, go on. parser_expect_operator: it must be. */
bool parser_at_name(const struct parser *parser, const char *word);
bool parser_at_operator(const struct parser *parser, const char *operator);
bool parser_skip_name(struct parser *parser, const char *word);
bool parser_skip_operator(struct parser *parser, const char *operator);
void parser_expect_operator(struct parser *parser, const char *operator);

/* parser_name: take a name; what: "a block name", for the message. */
struct str parser_name(struct parser *parser, const char *what);

/* parser_symbol: a name with its number. */
struct name_ref parser_symbol(struct parser *parser, struct str name);

/* parser_target: take a name that can be assigned to. */
struct name_ref parser_target(struct parser *parser);

/* parser_node: a node at the current line. parser_child: child goes below node; returns child. */
struct node *parser_node(struct parser *parser, enum node_kind kind);
struct node *parser_child(struct parser *parser, struct node *node, struct node *child);

/* parser_push: append to a list. */
void parser_push(struct parser *parser, struct node_list *list, struct node *item);

/* parser_enter: one level deeper; false, and an error, if that is too deep. parser_leave ends it,
 * in both cases. */
bool parser_enter(struct parser *parser);
void parser_leave(struct parser *parser);

/* parser_string: the current token, a string, and those that follow it; escapes resolved. */
struct str parser_string(struct parser *parser);

/* expression_parse: an expression. expression_parse_plain: without `a if b else c` at its top. */
struct node *expression_parse(struct parser *parser);
struct node *expression_parse_plain(struct parser *parser);

#endif
