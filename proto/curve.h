/* curve: keys for CURVE (ZeroMQ RFC 26) as text, and the files they are kept in.
 *
 * A key is 40 characters of Z85 (RFC 32). A file holds one a line; what follows a key after a blank
 * is a comment, and so is a line that begins with # (Z85 has that letter, but no key begins with
 * it: 32 bits do not reach so far). Secret and public keys look the same; `vote-keygen` writes
 * both. No message here shows a key. */
#ifndef VOTE_PROTO_CURVE_H
#define VOTE_PROTO_CURVE_H

#include "proto/base/arena.h"

enum {
    CURVE_KEY = 40,             /* characters */
    CURVE_FILE_MAX = 256 * 1024 /* bytes */
};

struct curve_key {
    char text[CURVE_KEY + 1];
};

struct curve_keys {
    struct curve_key *keys;
    size_t count;
};

bool curve_key_equal(const struct curve_key *a, const struct curve_key *b);

/* curve_key_parse: text is a key and nothing else. */
bool curve_key_parse(struct str text, struct curve_key *out);

/* curve_keys_parse: every key of a file's text, in arena; none is fine. False, and *out_line, the
 * first line that is wrong. */
bool curve_keys_parse(struct str text, struct arena *arena, struct curve_keys *out,
                      size_t *out_line);

/* curve_secret_read: the one key of a file that nobody but its owner and group may read.
 * curve_public_read: the one key of a file that nobody but its owner and group may write.
 * curve_public_read_all: any number of them. They block as files do. False, and *out_error (in
 * arena): "PATH: what is wrong, expected …". */
bool curve_secret_read(const char *path, struct curve_key *out, struct arena *arena,
                       const char **out_error);
bool curve_public_read(const char *path, struct curve_key *out, struct arena *arena,
                       const char **out_error);
bool curve_public_read_all(const char *path, struct curve_keys *out, struct arena *arena,
                           const char **out_error);

#endif
