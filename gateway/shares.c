#include "gateway/shares.h"

#include "proto/envelope.h"

bool shares_allowed(const struct message_type *type)
{
    return type->lane == LANE_READ && type->service != SERVICE_PASSWORD;
}

/* FNV-1a, 64 bits. Equal bodies are compared byte for byte: a collision costs time alone. */
static uint64_t hash_of(const struct message_type *type, struct str body)
{
    uint64_t hash = 0xcbf29ce484222325U ^ type->number;
    for (size_t i = 0; i < body.size; i++)
        hash = (hash ^ (unsigned char)body.data[i]) * 0x100000001b3U;
    return hash;
}

struct slot *shares_find(const struct shares *shares, const struct message_type *type,
                         struct str body, uint64_t *out_hash)
{
    *out_hash = hash_of(type, body);
    struct slot *slot = shares->buckets[*out_hash % SHARES_BUCKETS];
    while (slot && (slot->same_hash != *out_hash || slot->type != type ||
                    !str_equal(envelope_body(&slot->frame), body)))
        slot = slot->same_next;
    return slot;
}

void shares_add(struct shares *shares, struct slot *slot, uint64_t hash)
{
    struct slot **bucket = &shares->buckets[hash % SHARES_BUCKETS];
    slot->shared = true;
    slot->same_hash = hash;
    slot->same_next = *bucket;
    *bucket = slot;
}

void shares_remove(struct shares *shares, struct slot *slot)
{
    if (!slot->shared)
        return;
    struct slot **link = &shares->buckets[slot->same_hash % SHARES_BUCKETS];
    while (*link != slot)
        link = &(*link)->same_next;
    *link = slot->same_next;
    slot->shared = false;
}
