#include "proto/base/arena.h"

#include "proto/base/die.h"

#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>

enum { ARENA_BLOCK = 4096 - 64 };

struct arena_block {
    struct arena_block *next;
    size_t size, used;
    alignas(max_align_t) char bytes[];
};

static struct arena_block *block_new(size_t size)
{
    struct arena_block *block = malloc(sizeof *block + size);
    if (!block)
        die("out of memory");
    block->next = NULL;
    block->size = size;
    block->used = 0;
    return block;
}

void *arena_alloc(struct arena *arena, size_t size)
{
    must(size <= SIZE_MAX / 2);
    size = (size + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
    struct arena_block *block = arena->blocks;
    if (!block || block->size - block->used < size) {
        block = block_new(size > ARENA_BLOCK ? size : ARENA_BLOCK);
        block->next = arena->blocks;
        arena->blocks = block;
    }
    void *at = block->bytes + block->used;
    block->used += size;
    arena->used += size;
    memset(at, 0, size);
    return at;
}

void *arena_array(struct arena *arena, size_t count, size_t size)
{
    size_t bytes;
    must(!__builtin_mul_overflow(count, size, &bytes));
    return arena_alloc(arena, bytes);
}

char *arena_cstr(struct arena *arena, struct str s)
{
    char *copy = arena_alloc(arena, s.size + 1);
    if (s.size)
        memcpy(copy, s.data, s.size);
    return copy;
}

struct str arena_str(struct arena *arena, struct str s)
{
    return str_make(arena_cstr(arena, s), s.size);
}

char *arena_vprintf(struct arena *arena, const char *format, va_list args)
{
    va_list again;
    va_copy(again, args);
    int size = vsnprintf(NULL, 0, format, again);
    va_end(again);
    must(size >= 0);
    char *text = arena_alloc(arena, (size_t)size + 1);
    vsnprintf(text, (size_t)size + 1, format, args);
    return text;
}

char *arena_printf(struct arena *arena, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *text = arena_vprintf(arena, format, args);
    va_end(args);
    return text;
}

void arena_reset(struct arena *arena)
{
    struct arena_block *block = arena->blocks;
    while (block && block->next) {
        struct arena_block *next = block->next;
        free(block);
        block = next;
    }
    if (block && block->size > ARENA_BLOCK) {
        free(block);
        block = NULL;
    }
    if (block)
        block->used = 0;
    arena->blocks = block;
    arena->used = 0;
}

void arena_free(struct arena *arena)
{
    arena_reset(arena);
    free(arena->blocks);
    arena->blocks = NULL;
}
