"""One load by wrk, and what it cost: requests, latency, errors, CPU time of each server process."""
import json
import os
import pathlib
import re
import resource
import subprocess
import time

HZ = os.sysconf("SC_CLK_TCK")
SCRIPT = pathlib.Path(__file__).with_name("load.lua")
CLIENT_IS_FULL = 0.9  # of the cores its threads could use


def tree(pid):
    """The process and all below it."""
    found = [pid]
    for thread in pathlib.Path(f"/proc/{pid}/task").iterdir():
        for child in (thread / "children").read_text().split():
            found += tree(int(child))
    return found


def cpu_s(pid):
    """User + system seconds of a process and all below it."""
    seconds = 0
    for one in tree(pid):
        fields = pathlib.Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
        seconds += (int(fields[11]) + int(fields[12])) / HZ
    return seconds


def memory_kb(pid, name="Rss"):
    """Rss or Pss of a process and all below it."""
    return sum(int(re.search(rf"^{name}: +(\d+)", pathlib.Path(
        f"/proc/{one}/smaps_rollup").read_text(), re.MULTILINE)[1]) for one in tree(pid))


def wrk(url, connections, threads, seconds, arguments):
    return ["wrk", f"-c{connections}", f"-t{min(threads, connections)}", f"-d{seconds}s",
            "--timeout", "10s", "-s", str(SCRIPT), url, "--", *map(str, arguments)]


def figures_of(output):
    line = re.search(r"^LOAD (\{.*\})$", output, re.MULTILINE)
    if not line:
        raise RuntimeError(f"wrk said nothing that can be read:\n{output}")
    return json.loads(line[1])


def together(urls, connections, threads, seconds, arguments):
    """A wrk for each address at the same time, the connections divided among them."""
    running = [subprocess.Popen(
        wrk(url, max(1, connections // len(urls)), threads, seconds, arguments),
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        for url in urls]
    said = [figures_of(one.communicate()[0]) for one in running]
    return {"requests": sum(s["requests"] for s in said),
            "errors": sum(s["errors"] for s in said),
            "p50_us": max(s["p50_us"] for s in said), "p99_us": max(s["p99_us"] for s in said),
            "seconds": max(s["seconds"] for s in said)}


def measure(urls, processes, connections, threads, seconds, arguments):
    """One round. processes: {name: [pid, …]}. cpu_us: a request's, by name; busy: cores in use."""
    before = {name: sum(map(cpu_s, pids)) for name, pids in processes.items()}
    client, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    figures = together(urls, connections, threads, seconds, arguments)
    wall, after = time.monotonic() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = {name: sum(map(cpu_s, pids)) - before[name] for name, pids in processes.items()}
    used = after.ru_utime + after.ru_stime - client.ru_utime - client.ru_stime
    return judge(figures, spent, used, wall, len(urls) * min(threads, connections))


def judge(figures, spent, client_s, wall_s, client_threads):
    requests = max(1, figures["requests"])
    client_busy = client_s / wall_s
    return {**figures,
            "rate": figures["requests"] / figures["seconds"],
            "cpu_us": {name: 1e6 * seconds / requests for name, seconds in spent.items()},
            "cpu": 1e6 * sum(spent.values()) / requests,
            "busy": {name: seconds / wall_s for name, seconds in spent.items()},
            "client_busy": client_busy,
            "client_full": client_busy >= CLIENT_IS_FULL * client_threads}
