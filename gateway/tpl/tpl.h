/* tpl: HTML pages from templates in a subset of Jinja2; what it renders, Jinja2 renders the same,
 * byte for byte (autoescape on, keep_trailing_newline on, all else by default).
 *
 * Tags:     extends "x"; block NAME [scoped] … endblock [NAME]; include "x"; if/elif/else/endif;
 *           for X in …, for K, V in …, else, endfor; set X = …; raw … endraw; {# comments #}.
 *           White-space control {%- -%} {{- -}} {#- -#}.
 * Values:   "text" 'text' 12 true false none [a, b] (a, b) {"k": v} name a.b a["b"] a.0 a[-1];
 *           loop.index index0 revindex revindex0 first last length; super(); d.items().
 * Operators: or and not, == != < <= > >= (chained as in Python), in, not in, + - * // % on
 *           numbers, + on texts, ~, a if c else b, is [not] defined undefined none odd even string.
 * Filters:  e escape safe default d length count upper lower trim first last join replace items,
 *           and two of ours: date, choice_split (filters.h says what they do).
 * Functions: range(stop), range(start, stop), and what tpl_env_add_global adds.
 *
 * Where it differs from Jinja2:
 *  - An attribute or item of an undefined value is undefined (Jinja2 raises UndefinedError).
 *  - Less is accepted: no macro, import, call, filter tag, block set, slices, floats, keyword
 *    arguments, methods; extends and include take a literal name, extends stands outside of if and
 *    for. All of this is refused when templates are compiled, never silently at rendering.
 *  - Numbers are 64 bits: overflow is an error. Texts and lists are not multiplied, lists neither
 *    added, ordered nor printed: an error. upper and lower change ASCII letters only.
 *  - A template has 256 KiB at most, an environment 1024 names of variables and blocks.
 *  - d.items, d.get and other names of Python's dict methods are refused: write d["items"].
 *
 * An environment is built by one thread, then read by any number; nothing blocks but tpl_env_load.
 */
#ifndef VOTE_TPL_TPL_H
#define VOTE_TPL_TPL_H

#include "gateway/tpl/value.h"
#include "proto/base/buf.h"

struct tpl_env;

/* tpl_call: what a function or filter gets beside its arguments. */
struct tpl_call {
    struct arena *arena;    /* for the result; lives as long as the rendering's scratch */
    size_t arena_limit;     /* arena->used must stay below */
    void *owner;            /* as registered */
    const char *problem;    /* to be set, in the arena or static, before returning false */
    int utc_offset_minutes; /* as configured */
};

/* A function or filter: false fails the page with call->problem. args[0] is a filter's input. */
typedef bool tpl_function(struct tpl_call *call, const struct tpl_value *args, size_t count,
                          struct tpl_value *out);

/* tpl_call_room: size bytes for a result, or NULL with the problem set where that is too much. */
char *tpl_call_room(struct tpl_call *call, size_t size);

/* tpl_env_new: an environment with the built-in filters and functions and no templates. Owned by
 * the caller; tpl_env_free takes it back (NULL is fine), and all templates with it. */
struct tpl_env *tpl_env_new(void);
void tpl_env_free(struct tpl_env *env);

/* tpl_env_add_global: a function templates can call by this name, with at least min and at most max
 * arguments. name and owner are borrowed for the life of env. Before any template is added. */
void tpl_env_add_global(struct tpl_env *env, const char *name, tpl_function *function, void *owner,
                        size_t min, size_t max);

/* tpl_env_add_filter: the same for filters; min and max do not count the input. */
void tpl_env_add_filter(struct tpl_env *env, const char *name, tpl_function *filter, void *owner,
                        size_t min, size_t max);

/* tpl_env_set_utc_offset: minutes east of UTC in which `date` prints. 0 until set. */
void tpl_env_set_utc_offset(struct tpl_env *env, int minutes);

/* tpl_env_set_limits: the most one tpl_render writes and the most steps (nodes, iterations,
 * comparisons) it takes, both > 0. 8 MiB and 5,000,000 until set. */
void tpl_env_set_limits(struct tpl_env *env, size_t output_bytes, size_t steps);

/* tpl_env_add: compile one template from memory; name and source are copied. False on a syntax
 * error, unknown filter or function, bad UTF-8, or a name that is taken: one line
 * "NAME:LINE: what is wrong" is appended to out_errors. Any bytes are safe. */
bool tpl_env_add(struct tpl_env *env, const char *name, struct str source, struct buf *out_errors);

/* tpl_env_link: after the last tpl_env_add: find what templates extend and include. False if a
 * template did not compile, and with a line for every target that is missing, every circle of
 * extends, every super() without a parent. */
bool tpl_env_link(struct tpl_env *env, struct buf *out_errors);

/* tpl_env_load: add every *.html below dir (names relative to it, "/" between; names starting with
 * "." are left out) and link. False if anything failed, with a line for each error. Reading blocks.
 * To reload, build a new environment and free the old one. */
bool tpl_env_load(struct tpl_env *env, const char *dir, struct buf *out_errors);

/* tpl_env_count, tpl_env_name: the templates there are, in the order of their names once linked. */
size_t tpl_env_count(const struct tpl_env *env);
const char *tpl_env_name(const struct tpl_env *env, size_t index);

/* tpl_render: append the page to out. context: a dict; scratch: for what is computed, may be reset
 * afterwards. False, out as before, and "NAME:LINE: what is wrong" appended to out_error, if the
 * template is unknown, the environment not linked, an operation has no meaning for its values, or a
 * limit is met. Bounded in depth, output, memory and time, whatever the template. */
bool tpl_render(const struct tpl_env *env, const char *name, const struct tpl_value *context,
                struct arena *scratch, struct buf *out, struct buf *out_error);

/* Where a page goes on with a text that was not known when it was rendered. */
struct tpl_hole {
    size_t at; /* bytes of the page before it */
    size_t number;
};

struct tpl_holes {
    struct tpl_hole *items; /* in the order of the page */
    size_t count;
};

/* tpl_render_holes: likewise, but for values of tpl_hole() in the context. Where one is printed,
 * nothing is written, and the place is noted in *out_holes (zeroed before; in scratch). Anything
 * else a template does with one fails the page, but for asking whether it is there. */
bool tpl_render_holes(const struct tpl_env *env, const char *name, const struct tpl_value *context,
                      struct arena *scratch, struct buf *out, struct tpl_holes *out_holes,
                      struct buf *out_error);

/* tpl_fill: append the page with texts[number], escaped, in every hole of that number. */
void tpl_fill(struct str html, const struct tpl_holes *holes, const struct str *texts,
              struct buf *out);

#endif
