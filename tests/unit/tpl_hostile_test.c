/* The fuzz target on templates broken at random, from a fixed seed: a sanitizer build finds what
 * reads, writes or counts wrongly. */
#include "proto/base/str.h"
#include "tests/unit/test.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ROUNDS = 20000, LONGEST = 400 };

static const char *const pieces[] = {
    ("{% extends 'b' %}{% block x %}{{ super() }}{{ n }}{% endblock %}\x1e"
     "[{% block x scoped %}{{ s }}{% endblock %}]{% include 'c' %}\x1e{{ l[0].a|e ~ h }}"),
    "{% for x in l %}{{ loop.index }}{{ x.a }}{% else %}{% endfor %}",
    "{% for k, v in l.0.items() %}{{ k }}{{ v }}{% endfor %}{%- raw -%} {{ {%- endraw -%}",
    "{% if n > 1 and not s in [1, 'a'] or 2 <= n < 3 %}a{% elif h %}b{% else %}c{% endif %}",
    "{% set a = {'k': [n // 2, n % 3, -n]} %}{{ a.k.0 }}{{ a['k'][-1] }}{# c -#} x",
    "{{ s|choice_split|first|join('<')|replace('a', h)|upper|trim|length }}{{ n|date('%Y%%') }}",
    "{{ 'a\\x41\\u6295\\101\\\n' \"b\" if n is defined else none }}{{ range(3)|last }}",
    "{% include 'a' %}",
    "{{- (1) -}}",
    "{%+ set b = b ~ b ~ 'xyz' +%}",
    "\u3000",
    "\x1e",
    "{{",
    "%}",
    "'",
    "\"",
    "|",
    "}}",
    "{#",
    "(",
    "[",
    "{",
    "\\",
    "\xff",
    "9223372036854775807",
    " is odd",
};

static uint32_t next_random(uint32_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}

static size_t insert_piece(char *text, size_t size, uint32_t *state)
{
    const char *piece = pieces[next_random(state) % (sizeof pieces / sizeof *pieces)];
    size_t length = strlen(piece), at = next_random(state) % (size + 1);
    if (size + length > LONGEST)
        return size;
    memmove(text + at + length, text + at, size - at);
    memcpy(text + at, piece, length);
    return size + length;
}

static size_t remove_some(char *text, size_t size, uint32_t *state)
{
    size_t at = next_random(state) % size, length = 1 + next_random(state) % 4;
    if (at + length > size)
        length = size - at;
    memmove(text + at, text + at + length, size - at - length);
    return size - length;
}

TEST("templates broken in any way compile to an error or render to an end")
{
    uint32_t state = 20240229;
    for (int round = 0; round < ROUNDS; round++) {
        char text[LONGEST];
        size_t size = 0;
        for (uint32_t edits = 1 + next_random(&state) % 8; edits > 0; edits--) {
            size = insert_piece(text, size, &state);
            if (size && next_random(&state) % 2)
                size = remove_some(text, size, &state);
        }
        /* A block of its own exact size: reading past it is seen. */
        uint8_t *exact = malloc(size ? size : 1);
        CHECK(exact != NULL);
        memcpy(exact, text, size);
        LLVMFuzzerTestOneInput(exact, size);
        free(exact);
    }
}

TEST_MAIN
