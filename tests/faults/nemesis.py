"""What goes wrong, and when: a seeded list of faults, printed as they happen.

Each fault starts, lasts and is undone. Never two at once on one child; the pauses between faults are
short and at random, so that faults overlap."""
import random
import threading
import time

from tests.faults.site import wait_until


class Fault:
    """name, weight, act(site, rng) → (what was done, seconds until undone, undo) or None."""

    def __init__(self, weight, act):
        self.name, self.weight, self.act = act.__name__, weight, act


def kill_pool(site, rng):
    return by_signal(site, rng.choice(site.pools), "kill")


def kill_both_db_pools(site, rng):
    pools = [pool for pool in site.pools if pool.name.startswith("db")]
    done = [pool.name for pool in pools if pool.kill()]
    return (f"SIGKILL {', '.join(done)}", 0, None) if done else None


def stop_pool(site, rng):
    return frozen(rng.choice(site.pools), rng.choice((0.3, 1.0, 2.0, 4.5, 6.5)))


def restart_pool(site, rng):
    return by_signal(site, rng.choice(site.pools), "terminate")


def kill_gateway(site, rng):
    return by_signal(site, rng.choice(site.gateways), "kill")


def stop_gateway(site, rng):
    return frozen(rng.choice(site.gateways), rng.choice((0.2, 0.8, 2.0)))


def restart_gateway(site, rng):
    return by_signal(site, rng.choice(site.gateways), "terminate")


def kill_mariadb(site, rng):
    return by_signal(site, site.children["mariadb"], "kill")


def restart_mariadb(site, rng):
    return by_signal(site, site.children["mariadb"], "terminate")


def stop_mariadb(site, rng):
    return frozen(site.children["mariadb"], rng.choice((0.3, 1.5, 3.0)))


def kill_redis(site, rng):
    return by_signal(site, site.children["redis"], "kill")


def restart_redis(site, rng):
    return by_signal(site, site.children["redis"], "terminate")


def flush_redis(site, rng):
    try:
        site.cache.flushall()
    except Exception:  # it is down at the moment
        return None
    return "FLUSHALL of Redis", 0, None


def cut_before_commit(site, rng):
    return commits(site, before_commit=rng.randint(1, 6))


def cut_during_commit(site, rng):
    return commits(site, during_commit=rng.randint(1, 6))


def cut_after_commit(site, rng):
    return commits(site, after_commit=rng.randint(1, 6))


def cut_mariadb(site, rng):
    site.proxy("mariadb", cut=True)
    return "all links to MariaDB cut", 0, None


def refuse_mariadb(site, rng):
    site.proxy("mariadb", cut=True, refuse=True)
    return "MariaDB unreachable", rng.choice((0.5, 2.0)), lambda: site.proxy("mariadb", refuse=False)


def slow_mariadb(site, rng):
    ms = rng.choice((20, 100, 400))
    site.proxy("mariadb", hold_ms=ms)
    return (f"MariaDB's answers come {ms} ms later", rng.uniform(0.5, 2),
            lambda: site.proxy("mariadb", hold_ms=0))


def slow_reads(site, rng):
    ms = rng.choice((150, 500, 1000))
    site.proxy("mariadb", hold_reads_ms=ms)
    return (f"answers to reads of tallies come {ms} ms later", rng.uniform(1, 2),
            lambda: site.proxy("mariadb", hold_reads_ms=0))


def late_redis(site, rng):
    ms = rng.choice((100, 450, 600, 900))
    site.proxy("redis", hold_ms=ms)
    return (f"Redis' answers come {ms} ms later", rng.uniform(0.5, 2.5),
            lambda: site.proxy("redis", hold_ms=0))


def cut_redis(site, rng):
    site.proxy("redis", cut=True)
    return "all links to Redis cut", 0, None


def by_signal(site, child, how):
    if not getattr(child, how)():
        return None
    return f"{'SIGKILL' if how == 'kill' else 'SIGTERM'} {child.name}", 0, None


def frozen(child, seconds):
    if not child.freeze():
        return None
    return f"SIGSTOP {child.name} for {seconds} s", seconds, child.thaw


def commits(site, **faults):
    (name, count), = faults.items()
    site.proxy("mariadb", **faults)
    words = name.replace("_", " ").replace("commit", "COMMIT")
    return f"the next {count} links cut {words}", 1.0, lambda: site.proxy("mariadb", **{name: 0})


FAULTS = {fault.name: fault for fault in (
    Fault(12, kill_pool), Fault(2, kill_both_db_pools), Fault(7, stop_pool), Fault(8, restart_pool),
    Fault(3, kill_gateway), Fault(3, stop_gateway), Fault(4, restart_gateway),
    Fault(3, kill_mariadb), Fault(1, restart_mariadb), Fault(2, stop_mariadb),
    Fault(2, kill_redis), Fault(2, restart_redis), Fault(2, flush_redis),
    Fault(6, cut_before_commit), Fault(6, cut_during_commit), Fault(8, cut_after_commit),
    Fault(3, cut_mariadb), Fault(2, refuse_mariadb), Fault(3, slow_mariadb), Fault(5, slow_reads),
    Fault(6, late_redis), Fault(3, cut_redis))}


class Nemesis(threading.Thread):
    """names: of the faults to choose from; pause_s: between two, on average."""

    def __init__(self, site, seed, names, pause_s, say):
        super().__init__(name="nemesis", daemon=True)
        self.site, self.rng, self.say = site, random.Random(seed), say
        self.faults = [FAULTS[name] for name in names]
        self.pause_s, self.over = pause_s, threading.Event()
        self.counts, self.undos = {}, []  # undos: (when, name of the fault, undo)
        self.failure = None

    def run(self):
        try:
            while not self.over.is_set():
                self.undo_until(time.monotonic())
                self.one()
                pause = self.rng.uniform(0.2, 1.8) * self.pause_s
                end = time.monotonic() + pause
                while time.monotonic() < end and not self.over.wait(0.05):
                    self.undo_until(time.monotonic())
        except Exception as error:
            self.failure = error
            raise
        finally:
            self.undo_until(float("inf"))

    def one(self):
        fault = self.rng.choices(self.faults, [f.weight for f in self.faults])[0]
        if any(name == fault.name for _, name, _ in self.undos):
            return
        if done := fault.act(self.site, self.rng):
            what, seconds, undo = done
            self.say(what)
            self.counts[fault.name] = self.counts.get(fault.name, 0) + 1
            if undo:
                self.undos.append((time.monotonic() + seconds, fault.name, undo))

    def undo_until(self, now):
        for item in [item for item in self.undos if item[0] <= now]:
            self.undos.remove(item)
            item[2]()


class Healer(threading.Thread):
    """Sees when a gateway that was down serves again; until then its clients may wait."""

    def __init__(self, site):
        super().__init__(name="healer", daemon=True)
        self.site, self.over = site, threading.Event()

    def run(self):
        while not self.over.wait(0.1):
            for gateway in self.site.gateways:
                if gateway.down and gateway.down[-1][1] is None and self.site.answers(gateway.name, "/healthz"):
                    gateway.is_back()


def heal(site, timeout):
    """Nothing is broken any more; how long until the site is ready, or None."""
    start = time.monotonic()
    for child in site.children.values():
        child.thaw()
    site.proxy("mariadb", hold_ms=0, hold_reads_ms=0, refuse=False, before_commit=0, during_commit=0,
               after_commit=0)
    site.proxy("redis", hold_ms=0, refuse=False)
    return time.monotonic() - start if wait_until(site.is_ready, timeout) else None
