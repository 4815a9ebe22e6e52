"""Resident sets under load, and what a connection costs that waits."""
import http.client
import resource
import socket

from tests.bench import load

SECONDS = 2
SERVICES = ("mariadb", "redis")
QUESTION = b"GET /hello HTTP/1.1\r\nHost: vote\r\n\r\n"


def own(contender):
    return {name: pids for name, pids in contender.processes.items() if name not in SERVICES}


def resident(contender, arguments, connections):
    """{"rss_kb": {process: kb}, "pss_kb": … (what is shared counts in parts), "anonymous_kb": …
    (what no file backs)} after a load."""
    load.together([url + contender.case.path for url in contender.urls], connections, 1, SECONDS,
                  arguments)
    return {f"{kind.lower()}_kb": {name: sum(load.memory_kb(pid, kind) for pid in pids)
                                   for name, pids in own(contender).items()}
            for kind in ("Rss", "Pss", "Anonymous")}


def idle_cost(contender, _, count):
    """{"idle": connections, "idle_bytes": …}: the front process grows by this for each keep-alive
    connection that has asked once. Of one that had no load before: what that freed would be used."""
    pid, port = next(iter(own(contender).values()))[0], int(contender.urls[0].rpartition(":")[2])
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)
    count = min(count, limit[1] - 200)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(limit[1], count + 200), limit[1]))
    held = []
    try:
        for _ in range(100):  # what the first ones alone cost
            held.append(opened(port))
        before = load.memory_kb(pid)
        for _ in range(count):
            held.append(opened(port))
        after = load.memory_kb(pid)
    finally:
        for one in held:
            one.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, limit)
    return {"idle": count, "idle_bytes": (after - before) * 1024 / count}


def opened(port):
    """A connection that has had its answer and is left open."""
    one = socket.create_connection(("127.0.0.1", port), timeout=10)
    one.sendall(QUESTION)
    answer = http.client.HTTPResponse(one)
    answer.begin()
    if answer.status != 200:
        raise RuntimeError(f"an idle connection was answered {answer.status}")
    answer.read()
    return one


KINDS = {"memory": resident, "idle": idle_cost}
