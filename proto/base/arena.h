/* arena: memory that dies together. Everything of a request or of a message lives in one.
 *
 * An arena belongs to one thread at a time. Allocation never fails: out of memory is die(). */
#ifndef VOTE_BASE_ARENA_H
#define VOTE_BASE_ARENA_H

#include "proto/base/str.h"

#include <stdarg.h>

struct arena {
    struct arena_block *blocks; /* newest first */
    size_t used;                /* bytes handed out since the last reset */
};

/* arena_alloc: size bytes, aligned for any type, zeroed, valid until arena_reset or arena_free. */
void *arena_alloc(struct arena *arena, size_t size) __attribute__((malloc, alloc_size(2)));

/* arena_array: count zeroed elements; die() if the product overflows. */
void *arena_array(struct arena *arena, size_t count, size_t size);

/* arena_str: a copy of s with a NUL behind it (not counted in size). */
struct str arena_str(struct arena *arena, struct str s);

/* arena_cstr: the same, as a C string. A NUL inside s ends it early for C readers. */
char *arena_cstr(struct arena *arena, struct str s);

/* arena_printf: a formatted C string. */
char *arena_printf(struct arena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
char *arena_vprintf(struct arena *arena, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));

/* arena_reset: forget all allocations, keep the first block for the next use. */
void arena_reset(struct arena *arena);

/* arena_free: give everything back. The arena is empty and usable again. */
void arena_free(struct arena *arena);

/* arena_new: one element of a type. */
#define arena_new(arena, type) ((type *)arena_alloc((arena), sizeof(type)))

#endif
