#include "gateway/slots.h"

#include "proto/base/die.h"
#include "proto/base/id.h"

#include <stdlib.h>

struct slots {
    struct slot *rows; /* memory that was not used is not touched */
    size_t count, used, in_use;
    struct slot *free; /* of those used before, by next */
    uint32_t generation;
};

/* Buffers larger than this are given back with the slot: a table of rare giants would keep them. */
enum { FRAME_KEEP = 1024 };

void ask_list_append(struct ask_list *list, struct dispatch_ask *ask)
{
    ask->next = NULL;
    ask->previous = list->last;
    *(list->last ? &list->last->next : &list->first) = ask;
    list->last = ask;
    list->count++;
}

void ask_list_remove(struct ask_list *list, struct dispatch_ask *ask)
{
    *(ask->previous ? &ask->previous->next : &list->first) = ask->next;
    *(ask->next ? &ask->next->previous : &list->last) = ask->previous;
    ask->next = ask->previous = NULL;
    list->count--;
}

void slot_list_append(struct slot_list *list, struct slot *slot)
{
    slot->next = NULL;
    slot->previous = list->last;
    *(list->last ? &list->last->next : &list->first) = slot;
    list->last = slot;
    list->count++;
}

void slot_list_prepend(struct slot_list *list, struct slot *slot)
{
    slot->previous = NULL;
    slot->next = list->first;
    *(list->first ? &list->first->previous : &list->last) = slot;
    list->first = slot;
    list->count++;
}

void slot_list_remove(struct slot_list *list, struct slot *slot)
{
    *(slot->previous ? &slot->previous->next : &list->first) = slot->next;
    *(slot->next ? &slot->next->previous : &list->last) = slot->previous;
    slot->next = slot->previous = NULL;
    list->count--;
}

struct slots *slots_new(size_t count)
{
    struct slots *slots = calloc(1, sizeof *slots);
    if (!slots || count > UINT32_MAX || !(slots->rows = calloc(count, sizeof *slots->rows)))
        die("out of memory for %zu slots", count);
    slots->count = count;
    random_bytes(&slots->generation, sizeof slots->generation);
    return slots;
}

void slots_free(struct slots *slots)
{
    if (!slots)
        return;
    must(slots->in_use == 0);
    for (size_t i = 0; i < slots->used; i++)
        buf_free(&slots->rows[i].frame);
    free(slots->rows);
    free(slots);
}

static struct slot *first_use(struct slots *slots)
{
    if (slots->used == slots->count)
        return NULL;
    struct slot *slot = &slots->rows[slots->used];
    slot->index = (uint32_t)slots->used++;
    slot->generation = slots->generation;
    return slot;
}

struct slot *slots_take(struct slots *slots)
{
    struct slot *slot = slots->free;
    if (slot)
        slots->free = slot->next;
    else if (!(slot = first_use(slots)))
        return NULL;
    slots->in_use++;
    slot->next = slot->previous = NULL;
    return slot;
}

void slots_give(struct slots *slots, struct slot *slot)
{
    struct buf frame = slot->frame;
    if (frame.capacity > FRAME_KEEP)
        buf_free(&frame);
    buf_reset(&frame);
    *slot = (struct slot){
        .index = slot->index,
        .generation = slot->generation + 1,
        .frame = frame,
        .next = slots->free,
    };
    slots->free = slot;
    slots->in_use--;
}

struct slot *slots_find(struct slots *slots, uint32_t index, uint32_t generation)
{
    if (index >= slots->used)
        return NULL;
    struct slot *slot = &slots->rows[index];
    return slot->state != SLOT_FREE && slot->generation == generation ? slot : NULL;
}

size_t slots_in_use(const struct slots *slots)
{
    return slots->in_use;
}
