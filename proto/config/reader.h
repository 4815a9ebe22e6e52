/* reader: the text of a configuration file into values. The only door to yaml.h (libyaml).
 *
 * The YAML understood is what a configuration needs: mappings, scalars, lists of scalars. Anchors,
 * aliases, tags and second documents are mistakes, so a small file cannot stand for a large one. */
#ifndef VOTE_CONFIG_READER_H
#define VOTE_CONFIG_READER_H

#include "proto/config/values.h"

/* reader_read: set every value the text gives; whatever is wrong becomes a mistake at its line.
 * name: what the file is called, kept by the places. */
void reader_read(struct values *values, const char *name, struct str text);

#endif
