/* schema: a complete YAML document into struct config. The only door to cyaml.h (libcyaml). */
#ifndef VOTE_CONFIG_SCHEMA_H
#define VOTE_CONFIG_SCHEMA_H

#include "proto/base/arena.h"
#include "proto/config/config.h"

/* schema_new: libcyaml's view of keys.def; lives in the arena. */
const struct cyaml_schema_value *schema_new(struct arena *arena);

/* schema_load: a new struct config from a document that has every key, and has been checked
 * already; die_bug() if libcyaml sees that otherwise. For schema_free, with the same schema. */
struct config *schema_load(const struct cyaml_schema_value *schema, struct str document);
void schema_free(const struct cyaml_schema_value *schema, struct config *config);

#endif
