#include "gateway/slots.h"

#include "proto/base/die.h"
#include "proto/base/id.h"

#include <stdlib.h>

struct slots {
    struct slot *rows;
    size_t count, in_use;
    struct slot *free; /* by next */
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
    uint32_t first;
    random_bytes(&first, sizeof first);
    for (size_t i = count; i-- > 0;) {
        slots->rows[i].index = (uint32_t)i;
        slots->rows[i].generation = first;
        slots->rows[i].next = slots->free;
        slots->free = &slots->rows[i];
    }
    return slots;
}

void slots_free(struct slots *slots)
{
    if (!slots)
        return;
    must(slots->in_use == 0);
    for (size_t i = 0; i < slots->count; i++)
        buf_free(&slots->rows[i].frame);
    free(slots->rows);
    free(slots);
}

struct slot *slots_take(struct slots *slots)
{
    struct slot *slot = slots->free;
    if (!slot)
        return NULL;
    slots->free = slot->next;
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
    if (index >= slots->count)
        return NULL;
    struct slot *slot = &slots->rows[index];
    return slot->state != SLOT_FREE && slot->generation == generation ? slot : NULL;
}

size_t slots_in_use(const struct slots *slots)
{
    return slots->in_use;
}
