#include "gateway/skeleton.h"

const struct skeleton *skeleton_find(const struct dispatch_reply *answer, const char *name,
                                     struct str key)
{
    const struct skeleton *skeleton = answer->skeletons;
    while (skeleton && !(strcmp(skeleton->name, name) == 0 && str_equal(skeleton->key, key)))
        skeleton = skeleton->next;
    return skeleton;
}

const struct skeleton *skeleton_keep(struct dispatch_reply *answer, const char *name,
                                     struct str key, struct str bytes,
                                     const struct tpl_holes *holes)
{
    struct skeleton *skeleton = arena_new(&answer->arena, struct skeleton);
    *skeleton = (struct skeleton){
        .next = answer->skeletons,
        .name = name,
        .key = arena_str(&answer->arena, key),
        .bytes = arena_str(&answer->arena, bytes),
    };
    if (holes && holes->count) {
        struct tpl_hole *items = arena_array(&answer->arena, holes->count, sizeof *items);
        memcpy(items, holes->items, holes->count * sizeof *items);
        skeleton->holes = (struct tpl_holes){items, holes->count};
    }
    answer->skeletons = skeleton;
    return skeleton;
}
