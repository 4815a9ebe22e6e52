"""Shows what the gateways of a site and their pools do, each second anew, until q.

usage: top.py [--once] VOTE-CALL GATEWAY...      GATEWAY: an endpoint; * in its path is looked up anew each second

--once: what happened in one second, printed. Rates, busy and so on are of the last second; p50 and p99 of a hop,
too, or since the start while nothing came by. Several gateways are shown as one."""
import collections
import curses
import glob
import sys
import time
import unicodedata

import gateways

HOPS = ("wait", "queue", "service", "total")
RATES = ("asked", "answered", "busy", "expired", "lost", "retried", "late")


def endpoints(patterns):
    for pattern in patterns:
        if pattern.startswith("ipc://") and "*" in pattern:
            yield from (f"ipc://{path}" for path in sorted(glob.glob(pattern[6:])))
        else:
            yield pattern


class Sample:
    """All gateways at one time, summed up."""

    def __init__(self, vote_call, patterns):
        asked = list(endpoints(patterns))
        answers = [gateways.ask(vote_call, endpoint) for endpoint in asked]
        self.silent = [e for e, answer in zip(asked, answers) if answer is None]
        self.gateways = [answer for answer in answers if answer is not None]
        self.time = time.monotonic()
        self.queues, self.hops, self.pools = {}, {}, {}
        for gateway in self.gateways:
            for queue in gateway["queues"]:
                total = self.queues.setdefault((queue["service"], queue["lane"]), collections.Counter())
                total.update({k: v for k, v in queue.items() if isinstance(v, int)})
            for hop in gateway.get("hops", ()):  # not of an older one
                total = self.hops.setdefault((hop["service"], hop["lane"], hop["hop"]), collections.Counter())
                total.update({bucket["le_us"]: bucket["count"] for bucket in hop["buckets"]})
            for pool in gateway["pools"]:
                self.add_pool(pool)

    def add_pool(self, pool):
        known = self.pools.setdefault(pool["pool_id"], {**pool, "capacity": 0, "reads_in_flight": 0,
                                                        "writes_in_flight": 0, "served": 0, "silent_ms": 0})
        for key in ("capacity", "reads_in_flight", "writes_in_flight", "served"):
            known[key] += pool[key]
        known["silent_ms"] = max(known["silent_ms"], pool["silent_ms"])
        for key in ("draining", "stuck"):
            known[key] = known[key] or pool[key]

    def total(self, key):
        return sum(gateway[key] for gateway in self.gateways)


def quantile(buckets, share):
    """In microseconds, as Prometheus computes it: evenly spread inside a bucket. None without values."""
    limits = sorted(le for le in buckets if le)
    rank, below, lower = share * sum(buckets.values()), 0, 0
    if rank == 0:
        return None
    for limit in limits:
        if below + buckets[limit] >= rank:
            return lower + (limit - lower) * (rank - below) / buckets[limit]
        below, lower = below + buckets[limit], limit
    return limits[-1]


def duration(us):
    if us is None:
        return "-"
    if us < 1000:
        return f"{us:.0f}µs"
    return f"{us / 1000:.1f}ms" if us < 1e6 else f"{us / 1e6:.1f}s"


def rate(now, before, seconds):
    each = max(0, now - before) / seconds
    return f"{each:.0f}" if each >= 10 or each == 0 else f"{each:.1f}"


def width(text):
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def table(head, rows):
    """Lines with columns as wide as what is in them; words left, figures right."""
    rows = [head.split(), *([str(cell) for cell in row] for row in rows)]
    widths = [max(width(row[i]) for row in rows) for i in range(len(rows[0]))]
    return ["  ".join(cell + " " * (w - width(cell)) if i < 2 else " " * (w - width(cell)) + cell
                      for i, (cell, w) in enumerate(zip(row, widths))).rstrip() for row in rows]


def queue_row(key, before, now, seconds):
    old, new = before.queues.get(key, {}), now.queues[key]
    row = [*key, new["queued"], new["in_flight"]]
    row += [rate(new[name], old.get(name, 0), seconds) for name in RATES]
    for hop in HOPS:
        all_of_it = now.hops.get((*key, hop), collections.Counter())
        old_hop = before.hops.get((*key, hop), {})
        lately = {limit: count - old_hop.get(limit, 0) for limit, count in all_of_it.items()}
        shown = lately if any(lately.values()) else all_of_it
        row.append("/".join(duration(quantile(shown, share)) for share in (0.5, 0.99)))
    return row


def pool_row(pool, before, seconds):
    served = before.pools.get(pool["pool_id"], pool)["served"]
    state = "draining" if pool["draining"] else "stuck" if pool["stuck"] else "good"
    in_flight = f"{pool['reads_in_flight']}+{pool['writes_in_flight']}"
    return [pool["service"], pool["host"] or "-", pool["pid"], pool["threads"], in_flight, pool["capacity"],
            rate(pool["served"], served, seconds), pool["served"], f"{pool['silent_ms']}ms", state]


def frame(before, now):
    """The screen: (line, is a heading) each."""
    seconds = max(now.time - before.time, 0.001)
    said = f"{len(now.gateways)} gateways  {now.total('connections')} connections  " \
           f"{rate(now.total('requests'), before.total('requests'), seconds)} requests/s  " \
           f"{now.total('requests')} requests"
    yield f"vote  {time.strftime('%H:%M:%S')}  {said}", True
    odd = [f"{key} {now.total(key)}" for key in ("bad_messages", "missed_edges", "late_starts", "pools_refused",
                                                 "tcp_refused") if now.total(key)]
    odd += [f"{endpoint} does not answer" for endpoint in now.silent]
    yield "  ".join(odd), False
    head = "service lane queued flight asked/s answered/s busy/s expired/s lost/s retried/s late/s " + \
           " ".join(f"{hop}-p50/p99" for hop in HOPS)
    lines = table(head, [queue_row(key, before, now, seconds) for key in now.queues])
    yield from ((line, i == 0) for i, line in enumerate(lines))
    yield "", False
    pools = sorted(now.pools.values(), key=lambda pool: (pool["service"], pool["host"], pool["pid"]))
    lines = table("service host pid threads reads+writes credit served/s served silent state",
                  [pool_row(pool, before, seconds) for pool in pools])
    yield from ((line, i == 0) for i, line in enumerate(lines))


def live(screen, take):
    curses.use_default_colors()
    curses.curs_set(0)
    screen.timeout(1000)
    before = now = take()
    while True:
        screen.erase()
        height, columns = screen.getmaxyx()
        for y, (line, heading) in enumerate([*frame(before, now), ("", False), ("q quits", False)][:height]):
            screen.insnstr(y, 0, line, columns, curses.A_BOLD if heading else curses.A_NORMAL)
        screen.refresh()
        end = time.monotonic() + 1
        while time.monotonic() < end:  # a key does not hurry it
            if screen.getch() in (ord("q"), ord("Q"), 27):
                return
        before, now = now, take()


def main(arguments):
    once = arguments[:1] == ["--once"]
    vote_call, *patterns = arguments[once:]

    def take():
        return Sample(vote_call, patterns)

    if once:
        before = take()
        time.sleep(1)
        print("\n".join(line for line, _ in frame(before, take())))
    else:
        curses.wrapper(live, take)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except KeyboardInterrupt:
        sys.exit(0)
