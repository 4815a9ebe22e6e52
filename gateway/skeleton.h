/* skeleton: what a page made of an answer, for all who share that answer.
 *
 * Reads that are alike share an answer (dispatch_ask), and what pages make of it differs in a few
 * texts alone: who is logged in, the ids of forms. Those are holes (tpl_render_holes): a skeleton
 * is rendered without knowing them, so nothing of one person can be in another's page. What else
 * decides what a page shows is its key. Skeletons live in the answer's memory and die with it: one
 * is never used for a request that came after the answer was asked. */
#ifndef VOTE_GATEWAY_SKELETON_H
#define VOTE_GATEWAY_SKELETON_H

#include "gateway/dispatch.h"
#include "gateway/tpl/tpl.h"

struct skeleton {
    struct skeleton *next; /* of the same answer */
    const char *name;
    struct str key;
    struct str bytes;
    struct tpl_holes holes;
};

/* skeleton_find: the one of this name and key, or NULL. */
const struct skeleton *skeleton_find(const struct dispatch_reply *answer, const char *name,
                                     struct str key);

/* skeleton_keep: for the next who look for it. Everything is copied but the name, which is a
 * literal; holes may be NULL. */
const struct skeleton *skeleton_keep(struct dispatch_reply *answer, const char *name,
                                     struct str key, struct str bytes,
                                     const struct tpl_holes *holes);

#endif
