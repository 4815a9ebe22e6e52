"""Where a request's CPU time goes: gateway parse, dispatch, ZeroMQ, pool, Redis, MariaDB, render, send.

    hops.py [NAME…] [--seconds S] [--connections C] [--flames DIR]
                                                NAME: hello, choice, questions, votes, …

perf samples the machine while a load runs, each sample with its call chain. The hop of a sample is that
of the innermost frame that HOPS knows; a process's samples share its CPU time of those seconds by /proc.
The hops with a name must be the total within WITHIN. --flames: a flame graph of each into DIR.
"""
import argparse
import collections
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.bench import flame, same  # noqa: E402
from tests.bench.bench import Bench  # noqa: E402
from tests.bench.cases import CASES  # noqa: E402
from tests.bench.contenders import Ours  # noqa: E402
from tests.bench.stage import Stage  # noqa: E402

HERTZ = 499
WITHIN = 0.10

# Of gateway and pools: frames, as `symbol (library)`, and the hop that they are of.
HOPS = [(re.compile(pattern), hop) for pattern, hop in (
    (r"\(.*libzmq|^channel_|^bundle_|^send_bundle", "ZeroMQ"),
    (r"\(.*libjansson|^message_|^envelope_|^json_|^unpack|^pack_|^read_(object|list|text|value)|^write_", "messages"),
    (r"^tpl_|^view_|^skeleton_|^fill_|^filter_|^render_|^eval|\bescape", "render"),
    (r"^http_parser|^http_form|^http_cookie|^http_target|^parse|^syntax|^feed_(head|body)", "parse"),
    (r"^connection_read|^on_readable|^http_input", "receive"),
    (r"^http_output|^http_response|^http_exchange|sendmsg|sendfile", "send"),
    (r"^dispatch|^slots?_|^pools_|^shares_|^on_frame|^ask_|^feed|^receive_some|^queue_", "dispatch"),
    (r"\(.*libhiredis|^redis_|^session_", "pool: Redis client"),
    (r"\(.*libmariadb|^db_|^mysql", "pool: MariaDB client"),
    (r"^pthread_cond|^__pthread_cond|^__futex|^crew_|^worker_|^job_|^take_batch|^deliver|^run_once", "pool"),
    (r"^request_|^routes_|^access_log|^id_random|^static_", "request"),
    (r"\(.*libevent|^event_base|^epoll_", "event loop"),
)]
REST = "the rest"
FRAME = re.compile(r"^\s+[0-9a-f]+ (.*)$")
SAMPLE = re.compile(r"^\s*(\S.*?)\s+(\d+)/(\d+)\s*$")


def samples(file):
    """(pid, tid, frames from the innermost on) of each sample."""
    # inlined frames would be asked of addr2line one by one
    text = subprocess.run(["perf", "script", "--no-inline", "-F", "comm,pid,tid,ip,sym,dso", "-i",
                           file], capture_output=True, text=True, check=True).stdout
    for block in text.split("\n\n"):
        lines = block.strip("\n").splitlines()
        if lines and (head := SAMPLE.match(lines[0])):
            frames = [found[1] for line in lines[1:] if (found := FRAME.match(line))]
            yield int(head[2]), int(head[3]), frames


def hop(process, main_thread, frames):
    if process in ("mariadb", "redis"):
        return {"mariadb": "MariaDB", "redis": "Redis"}[process]
    if not main_thread and any("libzmq" in frame for frame in frames):
        return "ZeroMQ"
    for frame in frames:
        for pattern, name in HOPS:
            if pattern.search(frame):
                return name
    return REST


def record(bench, case, contender, connections, seconds, file):
    """One round of the load under perf: what it said. The whole machine is sampled, since the clocks
    of single threads lose much of what runs for less than a tick."""
    perf = subprocess.Popen(
        ["perf", "record", "-q", "-a", "-e", "cpu-clock", "-F", str(HERTZ), "--call-graph", "dwarf,4096",
         "-o", file], stdin=subprocess.DEVNULL)
    try:
        return bench.round(case, contender, connections, seconds)
    finally:
        perf.terminate()
        perf.wait()


def table(case, contender, figures, file, flames):
    """Prints it; true if the hops known by name are the whole, but for WITHIN."""
    names = {pid: name for name, pids in contender.processes.items() for pid in pids}
    stacks = []
    found, symbols, seen = collections.Counter(), collections.Counter(), collections.Counter()
    for pid, tid, frames in samples(file):
        if process := names.get(pid):
            where = hop(process, pid == tid, frames)
            seen[process] += 1
            stacks.append((process, frames))
            found[(where, process)] += 1
            if process not in ("mariadb", "redis") and frames:
                symbols[(process, where, frames[0])] += 1
    # A machine that is itself a guest loses samples, so a sample's worth is taken from /proc.
    worth = {process: figures["cpu_us"][process] / count for process, count in seen.items()}
    if flames and stacks:
        flame.write(flames / f"flame-{case.name}.svg", case.name,
                    ((process, frames, worth[process]) for process, frames in stacks))
    whole = figures["cpu"]
    print(f"\n{case.name}: {figures['rate']:,.0f} requests/s, {whole:.1f} us a request; "
          f"{sum(seen.values())} samples")
    hops = collections.defaultdict(dict)
    for (name, process), count in found.items():
        hops[name][process] = count * worth[process]
    for name, by in sorted(hops.items(), key=lambda one: -sum(one[1].values())):
        print(f"  {name:22}{sum(by.values()):8.1f} us{sum(by.values()) / whole:7.1%}   "
              + ", ".join(f"{p} {us:.1f}" for p, us in sorted(by.items(), key=lambda x: -x[1])))
    print("  most samples in gateway and pools:")
    for (process, where, symbol), count in symbols.most_common(15):
        print(f"    {count * worth[process]:7.2f} us  {process:9}{where:22}{symbol}")
    known = sum(sum(by.values()) for name, by in hops.items() if name != REST)
    return known >= (1 - WITHIN) * whole


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", default=["hello", "choice", "questions", "votes"])
    parser.add_argument("--seconds", type=int, default=4)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--build-dir", type=pathlib.Path, default=ROOT / "build" / "release")
    parser.add_argument("--voters", type=int, default=50000)
    parser.add_argument("--flames", type=pathlib.Path, metavar="DIR")
    chosen = parser.parse_args()
    chosen.client_threads, chosen.without = 1, ""
    if chosen.flames:
        chosen.flames.mkdir(parents=True, exist_ok=True)
    adds_up = True
    with Stage(chosen.build_dir, chosen.voters) as stage:
        bench = Bench(chosen, stage, contenders=())
        for case in (case for case in CASES if case.name in chosen.names):
            with Ours(stage, case) as contender:
                same.check(case, [contender], stage)
                bench.round(case, contender, chosen.connections, 1)
                file = stage.directory / f"{case.name}.perf"
                figures = record(bench, case, contender, chosen.connections, chosen.seconds, file)
                adds_up &= table(case, contender, figures, file, chosen.flames)
    if not adds_up:
        sys.exit(f"the named hops are not the total within {WITHIN:.0%}")


if __name__ == "__main__":
    main()
