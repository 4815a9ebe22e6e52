/* die: end the process on our own bug, a start-up that cannot go on, or memory running out.
 *
 * Never reachable by bytes from outside: those get a status (proto/status.h). */
#ifndef VOTE_BASE_DIE_H
#define VOTE_BASE_DIE_H

#include <stddef.h>

/* die: print "PROGRAM: MESSAGE" to standard error, flush, and exit(1). Any thread. Does not return.
 */
_Noreturn void die(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* die_bug: like die, for a broken invariant: names the place and abort()s, so that a core is left.
 */
_Noreturn void die_bug(const char *file, int line, const char *condition);

/* must: an invariant of ours, checked in every build. */
#define must(condition) ((condition) ? (void)0 : die_bug(__FILE__, __LINE__, #condition))

/* zeroed: size bytes of zeros, to be freed by free(); die() if there are none. For what comes and
 * goes with every request: glibc's malloc takes it from what was freed last, its calloc does not.
 */
void *zeroed(size_t size) __attribute__((malloc, alloc_size(1)));

#endif
