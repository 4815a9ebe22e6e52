/* config: the one YAML file of all programs, checked, with every mistake found at once.
 *
 * proto/config/keys.def lists every key: config->gateway.port is gateway.port in the file, and
 * `databases.default` is config->database, `caches.default` config->cache, the keys at the top
 * config->files. The file may also say `gateway.port: 9101` on one line. An option of the command
 * line wins over the file, the file over the default.
 *
 * Two libraries share the work. libyaml reads the file as events, because only so every value has a
 * line, every mistake is reported and not the first alone, and anchors, aliases and tags can be
 * refused (proto/config/reader.h). What it found, checked, with overrides and defaults, is written
 * as one complete YAML document, which libcyaml turns into the struct by a schema made from
 * keys.def (proto/config/schema.h); --print-config shows that document with its secrets masked.
 *
 * For start-up: loading reads files and may block. Afterwards a configuration is read only. */
#ifndef VOTE_CONFIG_CONFIG_H
#define VOTE_CONFIG_CONFIG_H

#include "proto/base/buf.h"
#include "proto/base/log.h"

struct config_list {
    const char **items; /* count of them */
    uint32_t count;
};

/* Strings are never NULL: what is not set is "". Units and bounds: keys.def. */
struct config {
/* clang-format off */
#define SECTION(id, path, help)                             struct {
#define END(id)                                             } id;
/* clang-format on */
#define TEXT(section, name, standard, min, max, help)       const char *name;
#define SECRET(section, name, help)                         const char *name;
#define INT(section, name, standard, min, max, help)        int64_t name;
#define FLAG(section, name, standard, help)                 bool name;
#define CHOICE(section, name, type, standard, words, help)  type name;
#define LIST(section, name, standard, min, max, item, help) struct config_list name;
#include "proto/config/keys.def"
    struct config_own *own; /* memory, and the text of config_print */
};

struct config_override {
    const char *origin; /* what a message calls it: "--set", "--port" */
    const char *key;    /* "gateway.port" */
    const char *value;  /* as is, no quotes or escapes of YAML; items of a list between commas */
};

struct config_args {
    const char *file; /* NULL: config/vote.yaml, or if there is none, /etc/vote/vote.yaml */
    const struct config_override *overrides; /* the last of a key wins */
    size_t override_count;
    bool secrets; /* this program logs in somewhere. False: passwords stay "", their files and
                   * variables are not looked at: a gateway need not be trusted with them */
};

/* config_load: true and *out (give it to config_free), or false and, appended to out_errors, a line
 * for every mistake, in the order of the file:
 *     config/vote.yaml:12: gateway.port: 99999 is out of range, expected 1 to 65535
 * Overrides come after the file, as "--set: gateway.port: …". No secret is in a message.
 * At most CONFIG_FILE_MAX bytes are read, and CONFIG_ERRORS_MAX mistakes told. */
enum { CONFIG_FILE_MAX = 1024 * 1024, CONFIG_ERRORS_MAX = 100 };
bool config_load(const struct config_args *args, struct config **out, struct buf *out_errors);

/* config_free: NULL is allowed. */
void config_free(struct config *config);

/* config_print: append the configuration in force as YAML: every key, and where its value comes
 * from unless it is the default. Secrets are "***". Loading the text gives the same configuration,
 * but for those. */
void config_print(const struct config *config, struct buf *out);

#endif
