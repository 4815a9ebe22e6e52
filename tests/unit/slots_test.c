#include "gateway/slots.h"
#include "tests/unit/test.h"

TEST("as many slots as there are can be taken, and each again when it was given back")
{
    struct slots *slots = slots_new(3);
    struct slot *taken[3];
    for (int i = 0; i < 3; i++)
        CHECK((taken[i] = slots_take(slots)));
    CHECK(!slots_take(slots));
    CHECK_INT(slots_in_use(slots), 3);
    slots_give(slots, taken[1]);
    CHECK_INT(slots_in_use(slots), 2);
    CHECK(slots_take(slots) == taken[1]);
    for (int i = 0; i < 3; i++)
        slots_give(slots, taken[i]);
    slots_free(slots);
}

TEST("a slot is found by its name while it is in use, and by its old name never again")
{
    struct slots *slots = slots_new(2);
    struct slot *slot = slots_take(slots);
    uint32_t index = slot->index, generation = slot->generation;
    CHECK(!slots_find(slots, index, generation)); /* in no state yet */
    slot->state = SLOT_SENT;
    CHECK(slots_find(slots, index, generation) == slot);
    CHECK(!slots_find(slots, index, generation + 1));
    CHECK(!slots_find(slots, 2, generation));
    CHECK(!slots_find(slots, UINT32_MAX, generation));
    slots_give(slots, slot);
    CHECK(!slots_find(slots, index, generation));
    slot = slots_take(slots);
    slot->state = SLOT_QUEUED;
    CHECK_INT(slot->index, index);
    CHECK(!slots_find(slots, index, generation));
    CHECK(slots_find(slots, index, generation + 1) == slot);
    slots_give(slots, slot);
    slots_free(slots);
}

TEST("a slot keeps its buffer for the next use, unless it grew large")
{
    struct slots *slots = slots_new(1);
    struct slot *slot = slots_take(slots);
    buf_add_str(&slot->frame, STR("small"));
    slots_give(slots, slot);
    slot = slots_take(slots);
    CHECK(slot->frame.capacity > 0 && slot->frame.size == 0);
    buf_reserve(&slot->frame, 100000);
    slots_give(slots, slot);
    CHECK_INT(slots_take(slots)->frame.capacity, 0);
    slots_give(slots, slot);
    slots_free(slots);
}

TEST("a list keeps its order through appending, prepending and removing anywhere")
{
    struct slots *slots = slots_new(4);
    struct slot_list list = {0};
    struct slot *a = slots_take(slots), *b = slots_take(slots), *c = slots_take(slots),
                *d = slots_take(slots);
    slot_list_append(&list, b);
    slot_list_append(&list, c);
    slot_list_prepend(&list, a);
    slot_list_append(&list, d);
    CHECK_INT(list.count, 4);
    CHECK(list.first == a && a->next == b && b->next == c && c->next == d && !d->next);
    CHECK(list.last == d && d->previous == c && c->previous == b && b->previous == a);
    slot_list_remove(&list, b);
    CHECK(a->next == c && c->previous == a);
    slot_list_remove(&list, a);
    slot_list_remove(&list, d);
    CHECK(list.first == c && list.last == c && !c->next && !c->previous);
    slot_list_remove(&list, c);
    CHECK(!list.first && !list.last && list.count == 0);
    struct slot *all[] = {a, b, c, d};
    for (int i = 0; i < 4; i++)
        slots_give(slots, all[i]);
    slots_free(slots);
}

TEST_MAIN
