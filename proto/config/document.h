/* document: keys and values as YAML, block style; read back by the reader and by the schema. */
#ifndef VOTE_CONFIG_DOCUMENT_H
#define VOTE_CONFIG_DOCUMENT_H

#include "proto/config/values.h"

/* document_section: append the lines that open a section ("databases:", "  default:"); returns how
 * deep its keys stand. */
int document_section(struct buf *out, const struct section *section);

/* document_value: append "name: value" without a line break. Items are printable UTF-8. */
void document_value(struct buf *out, int depth, const struct key *key, const struct str *items,
                    size_t count);

#endif
