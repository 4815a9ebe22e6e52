#include "proto/config/options.h"

#include "proto/base/arena.h"
#include "proto/config/keys.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

/* What getopt_long returns: one of these, or ROW + the index of the program's own row. */
enum { CONFIG = 256, SET, CHECK, PRINT, HELP, VERSION, ROW };

static const struct shared_row {
    const char *name, *value, *help;
    int code;
} shared[] = {
    {"config", "FILE", "read FILE, not config/vote.yaml or /etc/vote/vote.yaml", CONFIG},
    {"set", "KEY=VALUE", "set a key of the configuration: --set log.level=debug", SET},
    {"check-config", NULL, "tell every mistake in the configuration, or ok", CHECK},
    {"print-config", NULL, "print the configuration in force, without its secrets", PRINT},
    {"help", NULL, "print this", HELP},
    {"version", NULL, "print the version", VERSION},
};
enum { SHARED = sizeof shared / sizeof *shared };

struct command_line {
    const struct options *options;
    struct arena arena;
    struct config_args args;
    struct config_override *overrides; /* args.overrides, while they are added */
    bool check, print;
};

static int refuse(const char *message, const char *value)
{
    fprintf(stderr, "%s: %s%s\n", program_invocation_short_name, message, value);
    fprintf(stderr, "Try '%s --help'.\n", program_invocation_short_name);
    return EXIT_FAILURE;
}

static void print_help_row(const char *name, const char *value, const char *help)
{
    int width = printf("  --%s%s%s", name, value ? " " : "", value ? value : "");
    printf("%*s%s\n", width < 26 ? 26 - width : 1, "", help);
}

static int print_help(const struct options *options)
{
    printf("Usage: %s %s\n%s\n\n", program_invocation_short_name, options->usage, options->summary);
    for (const struct options_row *row = options->rows; row && row->name; row++)
        print_help_row(row->name, row->value, row->help);
    for (size_t i = 0; i < SHARED; i++)
        print_help_row(shared[i].name, shared[i].value, shared[i].help);
    return EXIT_SUCCESS;
}

static void add_override(struct command_line *line, const char *origin, const char *key,
                         const char *value)
{
    line->overrides[line->args.override_count++] =
        (struct config_override){.origin = origin, .key = key, .value = value};
}

/* KEY=VALUE; the value may hold more of them. */
static int add_set(struct command_line *line, const char *text)
{
    const char *equals = strchr(text, '=');
    if (!equals)
        return refuse("--set needs KEY=VALUE, not ", text);
    struct str key = str_make(text, (size_t)(equals - text));
    add_override(line, "--set", arena_cstr(&line->arena, key), equals + 1);
    return -1;
}

/* --gateway A --gateway B is one list of two. */
static void add_row(struct command_line *line, const struct options_row *row, const char *value)
{
    if (!row->key) {
        *row->out = row->value ? value : row->name;
        return;
    }
    const struct key *key = key_find(str_from(row->key));
    const char *origin = arena_printf(&line->arena, "--%s", row->name);
    for (size_t i = 0; key && key->kind == KEY_LIST && i < line->args.override_count; i++)
        if (strcmp(line->overrides[i].origin, origin) == 0) {
            line->overrides[i].value =
                arena_printf(&line->arena, "%s,%s", line->overrides[i].value, value);
            return;
        }
    add_override(line, origin, row->key, value);
}

static int handle(struct command_line *line, int code)
{
    switch (code) {
    case CONFIG:
        line->args.file = optarg;
        return -1;
    case SET:
        return add_set(line, optarg);
    case CHECK:
        line->check = true;
        return -1;
    case PRINT:
        line->print = true;
        return -1;
    case HELP:
        return print_help(line->options);
    case VERSION:
        printf("%s %s\n", program_invocation_short_name, VOTE_VERSION);
        return EXIT_SUCCESS;
    case '?': /* getopt has said what is wrong */
        return refuse("no such use", "");
    default:
        add_row(line, &line->options->rows[code - ROW], optarg);
        return -1;
    }
}

static struct option *getopt_table(struct command_line *line)
{
    size_t own = 0;
    while (line->options->rows && line->options->rows[own].name)
        own++;
    struct option *table = arena_array(&line->arena, SHARED + own + 1, sizeof *table);
    for (size_t i = 0; i < SHARED; i++)
        table[i] =
            (struct option){shared[i].name, shared[i].value ? required_argument : no_argument, NULL,
                            shared[i].code};
    for (size_t i = 0; i < own; i++) {
        const struct options_row *row = &line->options->rows[i];
        table[SHARED + i] = (struct option){row->name, row->value ? required_argument : no_argument,
                                            NULL, ROW + (int)i};
    }
    return table;
}

/* With every option seen: load, and do what only looks at the configuration. */
static int load(struct command_line *line, struct config **out_config)
{
    struct buf text = {0};
    struct config *config = NULL;
    int status = -1;
    line->args.overrides = line->overrides;
    if (!config_load(&line->args, &config, &text)) {
        fprintf(stderr, "%.*s", STR_ARG(buf_str(&text)));
        status = EXIT_FAILURE;
    } else if (line->check) {
        puts("ok");
        status = EXIT_SUCCESS;
    } else if (line->print) {
        config_print(config, &text);
        printf("%.*s", STR_ARG(buf_str(&text)));
        status = EXIT_SUCCESS;
    }
    if (status < 0)
        *out_config = config;
    else
        config_free(config);
    buf_free(&text);
    return status;
}

int options_read(const struct options *options, int argc, char **argv, struct config **out_config,
                 int *out_first)
{
    struct command_line line = {.options = options, .args.secrets = options->secrets};
    line.overrides = arena_array(&line.arena, (size_t)argc, sizeof *line.overrides);
    const struct option *table = getopt_table(&line);
    int status = -1, code;
    optind = 0; /* GNU: start anew */
    while (status < 0 && (code = getopt_long(argc, argv, "", table, NULL)) != -1)
        status = handle(&line, code);
    if (status < 0)
        status = load(&line, out_config);
    *out_first = optind;
    arena_free(&line.arena);
    return status;
}
