/* What dispatch tells the traces of requests. A slot's frame carries the trace of the first ask
 * that has one; its report goes to all of them. */
#include "gateway/dispatch_own.h"
#include "gateway/trace.h"

void dispatch_trace_ask(struct slot *slot, const struct dispatch_ask *ask)
{
    char text[TRACEPARENT_TEXT + 1];
    ask->trace->joined = slot->asks.count > 1;
    if (!slot->traced) {
        struct traceparent context = ask->trace->trace->context;
        context.parent = ask->trace->span;
        context.sampled = true;
        envelope_add_trace(&slot->frame, 0, str_from(traceparent_print(&context, text)));
    }
    slot->traced = true;
}

void dispatch_trace_sent(const struct slot *slot)
{
    const struct pool *pool = slot->pool;
    for (struct dispatch_ask *ask = slot->asks.first; ask; ask = ask->next)
        if (ask->trace)
            trace_sent(ask->trace, pool->id, pool->host, pool->pid, slot->sent_us, ask->deadline_us,
                       slot->frame.size);
}

void dispatch_trace_lost(const struct slot *slot, const char *why)
{
    for (struct dispatch_ask *ask = slot->asks.first; ask; ask = ask->next)
        if (ask->trace)
            trace_lost(ask->trace, why);
}

void dispatch_trace_answered(const struct slot *slot, const struct envelope *envelope, size_t size)
{
    for (struct dispatch_ask *ask = slot->asks.first; ask; ask = ask->next)
        if (ask->trace)
            trace_answered(ask->trace, envelope, size, (unsigned)slot->asks.count);
}
