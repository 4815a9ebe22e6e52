#include "gateway/tpl/tpl.h"
#include "proto/base/buf.h"
#include "tests/unit/test.h"

#include <sys/stat.h>
#include <unistd.h>

/* What the real Jinja2 makes of every feature is compared in tpl_oracle_test.py; here stands what
 * only we promise: the interface, the messages, the bounds. */

struct page {
    struct tpl_env *env;
    struct arena arena;
    struct tpl_value context;
    struct buf out, errors;
};

static struct page page;

static void page_end(void)
{
    tpl_env_free(page.env);
    arena_free(&page.arena);
    buf_free(&page.out);
    buf_free(&page.errors);
    page = (struct page){0};
}

static void page_start(void)
{
    page_end(); /* of a test that failed */
    page.env = tpl_env_new();
    page.context = tpl_dict(&page.arena);
}

static bool add(const char *name, const char *source)
{
    return tpl_env_add(page.env, name, str_from(source), &page.errors);
}

static bool render(const char *name)
{
    return tpl_render(page.env, name, &page.context, &page.arena, &page.out, &page.errors);
}

/* The page of one template with the context built so far, or its error. */
static struct str page_of(const char *source)
{
    buf_reset(&page.out);
    buf_reset(&page.errors);
    struct tpl_env *env = tpl_env_new();
    bool good = tpl_env_add(env, "t.html", str_from(source), &page.errors) &&
                tpl_env_link(env, &page.errors) &&
                tpl_render(env, "t.html", &page.context, &page.arena, &page.out, &page.errors);
    tpl_env_free(env);
    return buf_str(good ? &page.out : &page.errors);
}

/* `unit` written `count` times. */
static const char *repeat(const char *unit, size_t count)
{
    struct buf buf = {0};
    while (count--)
        buf_add_str(&buf, str_from(unit));
    const char *text = arena_cstr(&page.arena, buf_str(&buf));
    buf_free(&buf);
    return text;
}

TEST("a page is its text with values in it, escaped unless safe")
{
    page_start();
    tpl_dict_set(&page.arena, &page.context, "name", tpl_text("<A & \"B\" 'C'>"));
    tpl_dict_set(&page.arena, &page.context, "html", tpl_safe(STR("<b>")));
    tpl_dict_set(&page.arena, &page.context, "n", tpl_int(INT64_MIN));
    CHECK_STR(page_of("1 {{ name }} {{ html }} {{ n }} {{ none }} {{ true }}[{{ gone }}]\n"),
              "1 &lt;A &amp; &#34;B&#34; &#39;C&#39;&gt; <b> -9223372036854775808 None True[]\n");
    page_end();
}

TEST("a dict keeps the order of its keys and the last value of each")
{
    page_start();
    struct tpl_value list = tpl_list(&page.arena), dict = tpl_dict(&page.arena);
    for (int i = 0; i < 100; i++) {
        tpl_dict_put(&page.arena, &dict, str_from(arena_printf(&page.arena, "k%d", i % 50)),
                     tpl_int(i));
        tpl_list_add(&page.arena, &list, tpl_int(i));
    }
    tpl_dict_set(&page.arena, &page.context, "d", dict);
    tpl_dict_set(&page.arena, &page.context, "l", list);
    CHECK_STR(page_of("{{ d|length }} {{ d.k0 }} {{ d['k49'] }} {{ l[99] }} {{ d|first }}"),
              "50 50 99 99 k0");
    page_end();
}

TEST("an attribute of what is undefined is undefined, not an error")
{
    page_start();
    CHECK_STR(page_of("[{{ a.b.c }}{{ a['b'][0] }}{{ none.x }}]{% if user.name %}x{% endif %}"),
              "[]");
    page_end();
}

TEST("equality compares by value, and ends at its budget")
{
    struct arena arena = {0};
    struct tpl_value a = tpl_list(&arena), b = tpl_list(&arena);
    for (int i = 0; i < 100; i++) {
        tpl_list_add(&arena, &a, tpl_int(i));
        tpl_list_add(&arena, &b, tpl_int(i));
    }
    size_t budget = 1000;
    CHECK(tpl_equal(a, b, &budget));
    CHECK_INT(budget, 1000 - 101);
    budget = 50;
    CHECK(!tpl_equal(a, b, &budget));
    CHECK_INT(budget, 0);
    arena_free(&arena);
}

static bool shout(struct tpl_call *call, const struct tpl_value *args, size_t count,
                  struct tpl_value *out)
{
    struct str text;
    if (!tpl_to_text(call->arena, args[0], &text)) {
        call->problem = "cannot shout that";
        return false;
    }
    *out =
        tpl_text(arena_printf(call->arena, "%.*s%s%zu", STR_ARG(text), (char *)call->owner, count));
    return true;
}

TEST("functions and filters of the site get their owner and their arguments")
{
    static char owner[] = "!";
    page_start();
    tpl_env_add_global(page.env, "shout", shout, owner, 1, 2);
    tpl_env_add_filter(page.env, "shout", shout, owner, 0, 1);
    CHECK(!add("few", "{{ shout() }}"));
    CHECK(!add("many", "{{ 1|shout(1, 2) }}"));
    CHECK_STR(buf_str(&page.errors), "few:1: shout takes 1 to 2 arguments, not 0\n"
                                     "many:1: shout takes 0 to 1 arguments, not 2\n");
    page_start();
    tpl_env_add_global(page.env, "shout", shout, owner, 1, 2);
    tpl_env_add_filter(page.env, "shout", shout, owner, 0, 1);
    CHECK(add("a", "{{ shout('a', 1) }} {{ 'b'|shout }} {{ 'c'|shout(1) }} {{ shout('<') }}"));
    CHECK(add("bad", "\n{{ shout([]) }}"));
    CHECK(tpl_env_link(page.env, &page.errors));
    CHECK(render("a"));
    CHECK_STR(buf_str(&page.out), "a!2 b!1 c!2 &lt;!1");
    CHECK(!render("bad"));
    CHECK_STR(buf_str(&page.errors), "bad:2: cannot shout that\n");
    page_end();
}

TEST("a syntax error names template and line and what is wrong")
{
    static const struct {
        const char *source, *error;
    } rows[] = {
        {"a\n{{ n", "t.html:2: {{ is never closed by }}\n"},
        {"a\n{{ }}", "t.html:2: expected a value\n"},
        {"{% if a %}\n\n{% endfor %}",
         "t.html:3: unknown tag 'endfor' (what is open here is closed by 'endif')\n"},
        {"\n{% for x in y %}\n", "t.html:2: this tag is never closed by 'endfor'\n"},
        {"{% macro x() %}", "t.html:1: unknown tag 'macro'\n"},
        {"\r\n\r{{ a|nope }}", "t.html:3: unknown filter 'nope'\n"},
        {"{{ nope(1) }}", "t.html:1: unknown function 'nope'\n"},
        {"{{ a.b(1) }}", "t.html:1: only the functions of the site can be called\n"},
        {"{{ a is nope }}", "t.html:1: unknown test 'nope'\n"},
        {"{{ d.items }}", "t.html:1: 'items' is a method in Jinja2: write [\"items\"]\n"},
        {"{{ 1.5 }}", "t.html:1: only integers are numbers here\n"},
        {"{{ 9223372036854775808 }}", "t.html:1: a number is too large\n"},
        {"{{ '\\ud800' }}", "t.html:1: a malformed escape in a string\n"},
        {"{{ (1] }}", "t.html:1: a bracket is closed that was not opened\n"},
        {"{% for x in y %}{{ loop.cycle }}{% endfor %}", "t.html:1: loop has no 'cycle' here\n"},
        {"{% if a %}{% extends 'b' %}{% endif %}",
         "t.html:1: extends stands inside of another tag\n"},
        {"{% extends b %}", "t.html:1: extends takes the name of a template in quotes\n"},
        {"{% block a %}{% endblock %}\n{% block a %}{% endblock %}",
         "t.html:2: block 'a' stands here twice\n"},
        {"\n{{ super() }}", "t.html:2: super() stands outside of a block\n"},
        {"\n{% block a %}\n{{ super() }}{% endblock %}",
         "t.html:3: super() has nothing above it in block 'a'\n"},
        {"{% include 'gone' %}", "t.html:1: includes a template there is not: 'gone'\n"},
        {"{% extends 'gone' %}", "t.html:1: extends a template there is not: 'gone'\n"},
        {"{% extends 't.html' %}", "t.html:1: extends run in a circle from here by 't.html'\n"},
        {"\xff", "t.html:1: the template is not UTF-8\n"},
        {"{# x", "t.html:1: a comment is never closed by #}\n"},
        {"{% raw %}", "t.html:1: {% raw %} is never closed by {% endraw %}\n"},
    };
    page_start();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        CHECK_STR(page_of(rows[i].source), rows[i].error);
    page_end();
}

TEST("an operation without meaning fails the page, names the line and leaves the output alone")
{
    static const struct {
        const char *source, *error;
    } rows[] = {
        {"a\n{{ 1 + 'a' }}", "t.html:2: no arithmetic between a number and a text\n"},
        {"{{ 9223372036854775807 + 1 }}", "t.html:1: a number is too large, or divided by 0\n"},
        {"{{ 1 % 0 }}", "t.html:1: a number is too large, or divided by 0\n"},
        {"{{ (0 - 9223372036854775807 - 1) // (0 - 1) }}",
         "t.html:1: a number is too large, or divided by 0\n"},
        {"{{ -(0 - 9223372036854775807 - 1) }}", "t.html:1: a number is too large\n"},
        {"{{ 'a' < 1 }}", "t.html:1: a text and a number cannot be compared so\n"},
        {"{{ [1] }}", "t.html:1: a list cannot be printed\n"},
        {"{% for x in 1 %}{% endfor %}", "t.html:1: a number cannot be walked over\n"},
        {"{% for a, b in ['abc'] %}{% endfor %}", "t.html:1: an item has 3 parts, not 2\n"},
        {"{{ 'a' is odd }}", "t.html:1: this test says nothing about a text\n"},
        {"{{ 0|date('%y') }}", "t.html:1: date knows %Y %m %d %H %M %S and %%\n"},
    };
    page_start();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        CHECK_STR(page_of(rows[i].source), rows[i].error);
    CHECK(add("bad", "text {{ 1 // 0 }}"));
    CHECK(tpl_env_link(page.env, &page.errors));
    buf_reset(&page.out);
    buf_add_str(&page.out, STR("kept"));
    CHECK(!render("bad"));
    CHECK_STR(buf_str(&page.out), "kept");
    page_end();
}

TEST("all errors of a set of templates are listed at once, and nothing of it is rendered")
{
    page_start();
    CHECK(!add("a", "{{"));
    CHECK(add("b", "{% extends 'gone' %}\n{% include 'a' %}\n{% include 'lost' %}"));
    CHECK(add("c", "fine"));
    CHECK(!add("c", "twice"));
    CHECK(!tpl_env_link(page.env, &page.errors));
    CHECK_STR(buf_str(&page.errors), "a:1: {{ is never closed by }}\n"
                                     "c:1: this name is taken\n"
                                     "b:1: extends a template there is not: 'gone'\n"
                                     "b:3: includes a template there is not: 'lost'\n");
    buf_reset(&page.errors);
    CHECK(!render("c"));
    CHECK_STR(buf_str(&page.errors), "c:0: no such template\n");
    page_end();
}

TEST("a template that does not compile leaves nothing but its name behind")
{
    page_start();
    CHECK(!add("a", "{% include 'lost' %}{% block b %}{% endblock %}{% block b %}{% endblock %}"));
    CHECK(add("b", "{% extends 'a' %}{% block b %}{% endblock %}"));
    buf_reset(&page.errors);
    CHECK(!tpl_env_link(page.env, &page.errors));
    CHECK_INT(page.errors.size, 0);
    CHECK(!render("b"));
    page_end();
}

static void write_file(const char *dir, const char *name, const char *text)
{
    FILE *file = fopen(arena_printf(&page.arena, "%s/%s", dir, name), "w");
    CHECK(file != NULL);
    fputs(text, file);
    fclose(file);
}

TEST("a directory is loaded with all below it, names relative, other files left alone")
{
    char dir[] = "/tmp/tpl_test.XXXXXX";
    page_start();
    CHECK(mkdtemp(dir) != NULL);
    CHECK_INT(mkdir(arena_printf(&page.arena, "%s/part", dir), 0700), 0);
    write_file(dir, "index.html", "<{% block a %}{% endblock %}>");
    write_file(dir, "part/leaf.html", "{% extends 'index.html' %}{% block a %}leaf{% endblock %}");
    write_file(dir, ".hidden.html", "{{");
    write_file(dir, "notes.txt", "{{");
    CHECK(tpl_env_load(page.env, dir, &page.errors));
    CHECK_INT(tpl_env_count(page.env), 2);
    CHECK_STR(str_from(tpl_env_name(page.env, 1)), "part/leaf.html");
    CHECK(render("part/leaf.html"));
    CHECK_STR(buf_str(&page.out), "<leaf>");

    /* The same directory again, broken: the environment in use is not touched. */
    write_file(dir, "index.html", "\n{% if %}");
    struct tpl_env *again = tpl_env_new();
    CHECK(!tpl_env_load(again, dir, &page.errors));
    CHECK_STR(buf_str(&page.errors), "index.html:2: expected a value\n");
    tpl_env_free(again);
    CHECK(render("part/leaf.html"));
    static const char *const names[] = {"index.html", "part/leaf.html", ".hidden.html",
                                        "notes.txt"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        unlink(arena_printf(&page.arena, "%s/%s", dir, names[i]));
    rmdir(arena_printf(&page.arena, "%s/part", dir));
    rmdir(dir);
    page_end();
}

TEST("a directory that is not there is an error with its name")
{
    page_start();
    CHECK(!tpl_env_load(page.env, "/nowhere/at/all", &page.errors));
    CHECK_STR(buf_str(&page.errors), "/nowhere/at/all:0: No such file or directory\n");
    page_end();
}

TEST("date prints in the offset of the environment")
{
    page_start();
    tpl_env_set_utc_offset(page.env, 8 * 60);
    CHECK(add("a", "{{ '2023-12-31 16:00:00'|date }} {{ 0|date('%H:%M:%S') }}"));
    CHECK(tpl_env_link(page.env, &page.errors));
    CHECK(render("a"));
    CHECK_STR(buf_str(&page.out), "2024-01-01 00:00 08:00:00");
    page_end();
}

TEST("upper and lower change the letters of ASCII and no others")
{
    page_start();
    CHECK_STR(page_of("{{ 'aZ é ß Я 投'|upper }}{{ 'aZ É Я'|lower }}"), "AZ é ß Я 投az É Я");
    page_end();
}

TEST("nesting is bounded when templates are compiled")
{
    static const struct {
        const char *before, *unit, *after;
    } rows[] = {
        {"{{ ", "(", ""},
        {"{{ ", "[", ""},
        {"{{ ", "-", "1 }}"},
        {"{{ ", "not ", "1 }}"},
        {"{{ 1", " + 1", " }}"},
        {"{{ 1", "|e", " }}"},
        {"{{ a", ".b", " }}"},
        {"{{ a", "[0]", " }}"},
        {"{{ 1", " if 1 else 1", " }}"},
        {"{{ 1", " if 1", " }}"},
        {"{{ 1", " and 1", " }}"},
        {"", "{% if 1 %}", ""},
        {"", "{% for x in y %}", ""},
    };
    page_start();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct str error = page_of(arena_printf(&page.arena, "%s%s%s", rows[i].before,
                                                repeat(rows[i].unit, 10000), rows[i].after));
        if (!str_ends(error, STR("deeply\n")))
            TEST_FAIL("\"%s\" gave %.*s", rows[i].unit, STR_ARG(error));
    }
    CHECK_STR(page_of(arena_printf(&page.arena, "{{ %s1%s }}", repeat("(", 40), repeat(")", 40))),
              "1");
    page_end();
}

TEST("templates that include themselves end at a depth")
{
    page_start();
    CHECK(add("a", "{% include 'b' %}"));
    CHECK(add("b", "{% if 1 %}{% include 'a' %}{% endif %}"));
    CHECK(tpl_env_link(page.env, &page.errors));
    CHECK(!render("a"));
    CHECK(str_ends(buf_str(&page.errors), STR("templates are nested too deeply\n")));
    page_end();
}

TEST("output, steps and memory of a page are bounded")
{
    static const struct {
        const char *source, *error;
    } rows[] = {
        {"{% for a in range(100000) %}{{ 'xxxxxxxxxxxxxxxxxxxx' }}{% endfor %}",
         "a:1: the page is too large\n"},
        {"{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}",
         "a:1: this takes too many steps\n"},
        {"{% set t = 'xxxxxxxx' %}{% for a in range(9) %}{% set t = t ~ t %}{% endfor %}"
         "{% set t = [t, t, t]|join(t) %}"
         "{% set t = t|replace('x', t) %}{% set t = t|replace('x', t) %}{% set t = t|replace('x', "
         "t) %}"
         "{% set t = t|replace('x', t) %}{% set t = t|replace('x', t) %}",
         "a:1: this takes too much memory\n"},
        {"{{ range(100001)|length }}", "a:1: range() gives 100000 numbers at most\n"},
        {"{% set l = [1] %}{% for a in range(99) %}{% for b in range(99) %}"
         "{% if [l, l, l] == [l, l, l] %}{{ [l]|length }}{% endif %}{% endfor %}{% endfor %}",
         "a:1: this takes too many steps\n"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        page_start();
        tpl_env_set_limits(page.env, 1 << 16, 100000);
        CHECK(add("a", rows[i].source));
        CHECK(tpl_env_link(page.env, &page.errors));
        CHECK(!render("a"));
        CHECK_STR(buf_str(&page.errors), rows[i].error);
        CHECK_INT(page.out.size, 0);
    }
    page_end();
}

TEST("looking through long texts again and again counts as steps")
{
    page_start();
    tpl_env_set_limits(page.env, 1 << 20, 100000);
    CHECK(add("a",
              arena_printf(&page.arena, "{%% set t = '12345678' %%}%s%s",
                           repeat("{% set t = t ~ t %}", 14),
                           "{% for a in range(1000) %}{% if t|length %}{% endif %}{% endfor %}")));
    CHECK(tpl_env_link(page.env, &page.errors));
    CHECK(!render("a"));
    CHECK_STR(buf_str(&page.errors), "a:1: this takes too many steps\n");
    page_end();
}

TEST("a template too large, and too many names, are refused")
{
    page_start();
    CHECK_STR(page_of(repeat("0123456789abcdef", 20000)), "t.html:1: the template is too large\n");
    struct buf source = {0};
    for (int i = 0; i < 2000; i++)
        buf_printf(&source, "{{ v%d }}", i);
    buf_add_char(&source, '\0');
    CHECK_STR(page_of(source.data), "t.html:1: there are more than 1024 names\n");
    buf_free(&source);
    page_end();
}

TEST("texts that are no UTF-8 are walked through without reading past them")
{
    page_start();
    tpl_dict_set(&page.arena, &page.context, "bad", tpl_str(STR("\xe6\x8a<\xf0\x9f")));
    CHECK_STR(page_of("{{ bad|length }}{{ bad[1] }}{{ bad|trim|e }}{{ bad|replace('', '') }}"),
              "3&lt;\xe6\x8a&lt;\xf0\x9f\xe6\x8a&lt;\xf0\x9f");
    page_end();
}

/* A page of which `name` is hole 1 and `id` hole 0, filled with these, or its error. */
static struct str filled(const char *source, const char *id, const char *name)
{
    struct buf html = {0};
    struct tpl_holes holes = {0};
    const struct str texts[] = {str_from(id), str_from(name)};
    page_start();
    tpl_dict_set(&page.arena, &page.context, "id", tpl_hole(0));
    tpl_dict_set(&page.arena, &page.context, "name", tpl_hole(1));
    if (add("base.html", "[{% block b %}{{ name }}{% endblock %}]") && add("t.html", source) &&
        tpl_env_link(page.env, &page.errors) &&
        tpl_render_holes(page.env, "t.html", &page.context, &page.arena, &html, &holes,
                         &page.errors))
        tpl_fill(buf_str(&html), &holes, texts, &page.out);
    buf_free(&html);
    return buf_str(page.errors.size ? &page.errors : &page.out);
}

TEST("a hole is filled with its text, escaped, wherever it is printed")
{
    CHECK_STR(filled("{{ name }}-{{ id }}-{{ name }}", "7", "<A>"), "&lt;A&gt;-7-&lt;A&gt;");
    CHECK_STR(filled("{{ id }}", "", ""), "");
    CHECK_STR(filled("nothing", "7", "A"), "nothing");
    CHECK_STR(
        filled("{% extends 'base.html' %}{% block b %}({{ super() }}){% endblock %}", "7", "A&B"),
        "[(A&amp;B)]");
    CHECK_STR(filled("{% if name %}yes{% endif %}{{ name or id }}", "7", "A"), "yesA");
    CHECK_STR(filled("{% for i in range(9) %}{{ id }}{{ i }}{% endfor %}", "x", ""),
              "x0x1x2x3x4x5x6x7x8");
    page_end();
}

TEST("what a template cannot know of a hole fails the page")
{
    static const char *const sources[] = {
        "{{ 'A' == name }}",
        "{{ name != id }}",
        "{{ name ~ 'x' }}",
        "{{ name|upper }}",
        "{{ name|length }}",
        "{{ name in ['A'] }}",
        "{{ name < 'B' }}",
        "{{ name + 'x' }}",
        "{{ [name]|join }}",
        "{{ name|e }}",
        "{{ name[0] == 'A' or name|first }}",
        "{% extends 'base.html' %}{% block b %}{{ super()|length }}{% endblock %}",
    };
    for (size_t i = 0; i < sizeof sources / sizeof *sources; i++)
        if (filled(sources[i], "7", "A").size == 0 || page.errors.size == 0)
            TEST_FAIL("%s was rendered", sources[i]);
    page_end();
}

TEST("a page that is to be whole has no holes")
{
    page_start();
    tpl_dict_set(&page.arena, &page.context, "name", tpl_hole(0));
    CHECK_STR(page_of("{{ name }}"), "t.html:1: no holes may be left here\n");
    page_end();
}

TEST_MAIN
