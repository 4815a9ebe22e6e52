/* options: the command line all programs share, and the configuration at the end of it.
 *
 *   --config FILE   --set KEY=VALUE   --check-config   --print-config   --help   --version
 *
 * and the program's own, from a table. Options win over the file. */
#ifndef VOTE_CONFIG_OPTIONS_H
#define VOTE_CONFIG_OPTIONS_H

#include "proto/config/config.h"

struct options_row {
    const char *name;  /* "port", for --port; NULL ends the table */
    const char *value; /* what --help calls its value, "PORT"; NULL: it takes none */
    const char *help;
    const char *key; /* the key of the configuration it sets; given again, a list grows. Or NULL: */
    const char **out; /* gets the value, borrowed from argv, or the name if it takes none */
};

struct options {
    const char *usage;   /* what follows the program's name: "[OPTION…] db|session|password" */
    const char *summary; /* a sentence */
    const struct options_row *rows;
    bool secrets; /* the program logs in somewhere: see struct config_args */
};

/* options_read: parse argv, which getopt(3) may reorder, and load the configuration.
 * -1: go on, with *out_config (for config_free) and the first argument that is no option at
 * argv[*out_first]. Else end at once with the status returned: all has been said, on standard
 * output, or, of mistakes, on standard error. Call it once, before any thread exists. */
int options_read(const struct options *options, int argc, char **argv, struct config **out_config,
                 int *out_first);

#endif
