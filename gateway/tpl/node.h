/* node: the tree a template is compiled to. Lives in the environment's arena, never changes. */
#ifndef VOTE_TPL_NODE_H
#define VOTE_TPL_NODE_H

#include "gateway/tpl/tpl.h"

enum node_kind {
    /* statements */
    NODE_TEXT,
    NODE_PRINT,
    NODE_IF,
    NODE_FOR,
    NODE_SET,
    NODE_BLOCK,
    NODE_INCLUDE,
    /* expressions */
    NODE_CONST,
    NODE_NAME,
    NODE_ATTR,
    NODE_ITEM,
    NODE_LIST,
    NODE_DICT,
    NODE_FILTER,
    NODE_CALL,
    NODE_SUPER,
    NODE_TEST,
    NODE_NOT,
    NODE_SIGN,
    NODE_ARITHMETIC,
    NODE_CONCAT,
    NODE_COMPARE,
    NODE_AND,
    NODE_OR,
    NODE_COND,
    NODE_KINDS,
};

/* Operators, in op of NODE_ARITHMETIC, NODE_SIGN and struct comparison. */
enum node_op {
    OP_ADD,
    OP_SUBTRACT,
    OP_MULTIPLY,
    OP_FLOOR_DIVIDE,
    OP_MODULO,
    OP_EQUAL,
    OP_NOT_EQUAL,
    OP_LESS,
    OP_LESS_EQUAL,
    OP_GREATER,
    OP_GREATER_EQUAL,
    OP_IN,
    OP_NOT_IN,
};

struct node_list {
    struct node **items;
    size_t count;
};

/* name_ref: a name, and a number for it that is the same in all templates of an environment. */
struct name_ref {
    struct str text;
    unsigned symbol;
};

/* function: a registered filter or global. */
struct function {
    const char *name;
    tpl_function *run;
    void *owner;
    size_t min, max; /* arguments, without a filter's input */
};

struct template;

struct node {
    enum node_kind kind : 8;
    enum node_op op : 8;
    unsigned depth : 16; /* of the tree below, bounded by the parser */
    unsigned line;
    union {
        struct str text;        /* TEXT */
        struct tpl_value value; /* CONST */
        struct name_ref name;   /* NAME */
        struct node_list list;  /* LIST, CONCAT; DICT: key, value, key, value … */
        struct node *operand;   /* PRINT, NOT, SIGN */
        struct {
            struct node *left, *right; /* ARITHMETIC, AND, OR, ITEM (object, index) */
        };
        struct {
            struct node *object; /* ATTR, TEST */
            struct str attr;
            bool (*test)(struct tpl_value value, bool *out);
        };
        struct {
            struct node *first; /* COMPARE: first op[0] operands[0] op[1] operands[1] … */
            struct node_list operands;
            enum node_op *ops;
        };
        struct {
            struct node *condition, *yes, *no; /* COND; no may be NULL */
        };
        struct {
            const struct function *function; /* FILTER: args[0] is the input; CALL */
            struct node_list args;
        };
        struct branch *branches; /* IF: in order, ended by one without condition */
        struct {
            struct name_ref targets[2]; /* FOR; [1].text is empty if there is one. SET: [0] */
            struct node *source;        /* FOR: what is walked; SET: the value */
            struct node_list body, otherwise;
            bool uses_loop; /* FOR: the body says `loop` */
        };
        struct block *block; /* BLOCK */
        struct {
            struct str target; /* INCLUDE */
            const struct template *included;
            struct node *next_include; /* of the template */
        };
    };
};

/* branch: of an if. The last one has no condition and is `else`, its body perhaps empty. */
struct branch {
    struct node *condition;
    struct node_list body;
};

struct block {
    struct name_ref name;
    bool scoped;
    unsigned line, super_line; /* where it begins; where it says super(), 0 without */
    struct node_list body;
    struct block *next; /* of the template */
};

/* override: the definitions of one block along a chain of extends, the nearest first. */
struct override {
    unsigned symbol;
    size_t count;
    struct definition {
        const struct block *block;
        const struct template *owner;
    } * definitions;
};

struct template
{
    const char *name;
    struct node_list body; /* of one that extends: only what Jinja2 still runs of it */
    struct block *blocks;
    struct node *includes;
    struct str extends; /* empty: nothing */
    unsigned extends_line;
    const struct template *parent; /* this and below: set by linking */
    struct override *overrides;
    size_t override_count;
};

#endif
