/* clock: the two clocks, each with its unit in its name. Any thread; never blocks. */
#ifndef VOTE_BASE_CLOCK_H
#define VOTE_BASE_CLOCK_H

#include <stdint.h>

/* clock_us, clock_ms: monotonic time since an arbitrary start; for deadlines and durations. */
int64_t clock_us(void);
int64_t clock_ms(void);

/* clock_wall_ms: milliseconds since 1970-01-01 UTC; for what people and other hosts read. */
int64_t clock_wall_ms(void);

#endif
