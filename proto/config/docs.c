/* config-docs: keys.def as the files people read, so that nothing about a key is written twice.
 *
 *   config-docs yaml|markdown         print config/vote.yaml, or the table of the README
 *   config-docs yaml|markdown FILE    exit 1 unless FILE holds that text
 */
#include "proto/config/document.h"

#include "proto/base/die.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static const char heading[] =
    "# The configuration of vote-gateway, vote-worker and vote-migrate: every key, at its "
    "default.\n"
    "# Looked for as config/vote.yaml, then as /etc/vote/vote.yaml; or --config FILE.\n"
    "# An option wins over this file (--set gateway.port=9101), this file over the default.\n"
    "# --check-config tells every mistake; --print-config shows what is in force.\n"
    "#\n"
    "# Printed from proto/config/keys.def by config-docs; a key left out has its default.\n";

/* The limits of a value, where they tell more than the default does. */
static void add_bounds(struct buf *out, const struct key *key)
{
    if (key->kind == KEY_INT)
        buf_printf(out, "%lld to %lld", (long long)key->min, (long long)key->max);
    else if (key->kind == KEY_CHOICE)
        key_expected(key, out);
}

static void add_default(struct buf *out, int depth, const struct values *values, size_t i)
{
    document_value(out, depth, &keys[i], values->of[i].items, values->of[i].count);
}

static void print_yaml(const struct values *values, struct buf *out)
{
    int depth = 0;
    buf_printf(out, "%s", heading);
    for (size_t i = 0; i < KEY_COUNT; i++) {
        const struct section *section = &sections[keys[i].section];
        if (i == 0 || keys[i].section != keys[i - 1].section) {
            buf_printf(out, "\n# %s\n", section->help);
            depth = document_section(out, section);
        }
        struct buf bounds = {0};
        add_bounds(&bounds, &keys[i]);
        buf_printf(out, "%*s# %s", 2 * depth, "", keys[i].help);
        if (bounds.size)
            buf_printf(out, " (%.*s)", STR_ARG(buf_str(&bounds)));
        buf_add_char(out, '\n');
        add_default(out, depth, values, i);
        buf_add_char(out, '\n');
        buf_free(&bounds);
    }
}

static void print_markdown(const struct values *values, struct buf *out)
{
    buf_printf(out, "| key | default | what it is |\n| --- | --- | --- |\n");
    for (size_t i = 0; i < KEY_COUNT; i++) {
        char path[KEY_PATH];
        struct buf line = {0}, bounds = {0};
        add_default(&line, 0, values, i);
        add_bounds(&bounds, &keys[i]);
        struct str standard = buf_str(&line);
        size_t name = strlen(keys[i].name) + 2; /* "port: " */
        standard = str_make(standard.data + name, standard.size - name);
        buf_printf(out, "| `%s` | `%.*s` | %s", key_path(&keys[i], path), STR_ARG(standard),
                   keys[i].help);
        if (bounds.size)
            buf_printf(out, " (%.*s)", STR_ARG(buf_str(&bounds)));
        buf_printf(out, " |\n");
        buf_free(&bounds);
        buf_free(&line);
    }
}

static void read_file(const char *name, struct buf *out)
{
    FILE *file = fopen(name, "r");
    if (!file)
        die("%s: %s", name, strerror(errno));
    size_t n;
    while ((n = fread(buf_reserve(out, 4096), 1, 4096, file)) > 0)
        out->size += n;
    fclose(file);
}

static int check_file(const char *kind, const char *name, const struct buf *text)
{
    struct buf file = {0};
    read_file(name, &file);
    bool holds = memmem(file.data, file.size, text->data, text->size) != NULL;
    buf_free(&file);
    if (!holds)
        fprintf(stderr, "%s is not what keys.def says: put the output of 'config-docs %s' there\n",
                name, kind);
    return holds ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int argc, char **argv)
{
    struct values values;
    struct buf text = {0};
    int status = EXIT_SUCCESS;
    const char *kind = argc == 2 || argc == 3 ? argv[1] : "";
    bool yaml = strcmp(kind, "yaml") == 0;
    if (!yaml && strcmp(kind, "markdown") != 0)
        die("expected yaml or markdown, and perhaps a file");
    values_init(&values);
    (yaml ? print_yaml : print_markdown)(&values, &text);
    values_free(&values);
    if (argc == 3)
        status = check_file(kind, argv[2], &text);
    else
        fwrite(text.data, 1, text.size, stdout);
    buf_free(&text);
    return status;
}
