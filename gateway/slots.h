/* slots: requests on their way to pools and back. A fixed table; a place is named by (index,
 * generation), and a generation is never used twice for the same place within 2^32 uses, so that a
 * late answer is recognised. The first generation is random: a pool may still answer what the
 * gateway before this one asked. No pointer ever leaves the gateway. */
#ifndef VOTE_GATEWAY_SLOTS_H
#define VOTE_GATEWAY_SLOTS_H

#include "gateway/dispatch.h"
#include "proto/base/buf.h"

struct pool;

struct ask_list {
    struct dispatch_ask *first, *last;
    size_t count;
};

void ask_list_append(struct ask_list *list, struct dispatch_ask *ask);
void ask_list_remove(struct ask_list *list, struct dispatch_ask *ask);

enum slot_state { SLOT_FREE, SLOT_QUEUED, SLOT_SENT };

struct slot {
    uint32_t index, generation;
    enum slot_state state;
    struct slot *next, *previous; /* in the list of its state */
    const struct message_type *type;
    struct buf frame;      /* envelope and body as sent; kept for a second attempt */
    struct ask_list asks;  /* who gets the answer; never empty while in use */
    struct ask_list later; /* the same reads, asked after this was sent: asked again behind it */
    struct pool *pool;     /* SLOT_SENT: who works on it */
    int64_t bundle;        /* SLOT_SENT: which of the pool's bundles it is in */
    unsigned attempt;
    int64_t queued_us, sent_us, deadline_us; /* the latest deadline of its asks */
    struct slot *same_next;                  /* shares.c: in its bucket */
    uint64_t same_hash;
    bool shared; /* others may join it */
    bool traced; /* one of its asks is */
};

/* A list of slots in one state. */
struct slot_list {
    struct slot *first, *last;
    size_t count;
};

void slot_list_append(struct slot_list *list, struct slot *slot);
void slot_list_prepend(struct slot_list *list, struct slot *slot);
void slot_list_remove(struct slot_list *list, struct slot *slot);

struct slots;

struct slots *slots_new(size_t count);
void slots_free(struct slots *slots);

/* slots_take: a free slot, in no list, or NULL if all are in use. */
struct slot *slots_take(struct slots *slots);

/* slots_give: back to the free ones (out of its list already); its old name finds nothing now. */
void slots_give(struct slots *slots, struct slot *slot);

/* slots_find: the slot of that name if it is in use, else NULL. Any numbers may come from outside.
 */
struct slot *slots_find(struct slots *slots, uint32_t index, uint32_t generation);

size_t slots_in_use(const struct slots *slots);

#endif
