/* text: the few things about UTF-8 and HTML that lexer, renderer and filters share.
 *
 * Nothing here reads past a slice, whatever its bytes: a malformed byte counts as one character. */
#ifndef VOTE_TPL_TEXT_H
#define VOTE_TPL_TEXT_H

#include "proto/base/arena.h"

/* text_char: the first character of s; empty if s is. */
struct str text_char(struct str s);

/* text_length: characters in s. */
size_t text_length(struct str s);

/* text_space: bytes of the white-space character s starts with, 0 if it starts with another.
 * White space is what Python's str.isspace() says, U+3000 included. */
size_t text_space(struct str s);

struct str text_trim_left(struct str s);
struct str text_trim_right(struct str s);

/* text_put: the UTF-8 form of a code point up to U+10FFFF; returns its bytes. */
size_t text_put(uint32_t code, char out[4]);

/* text_plain: bytes at the start of s that HTML takes as they are, up to the first of & < > " '. */
size_t text_plain(struct str s);

/* text_entity: what stands for one of those five in HTML. */
struct str text_entity(char special);

/* text_escape: s as HTML; s itself if nothing in it is special, else a copy in the arena. */
struct str text_escape(struct arena *arena, struct str s);

/* text_escaped_size: the bytes text_escape will give, before any is made. */
size_t text_escaped_size(struct str s);

#endif
