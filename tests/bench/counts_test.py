"""System calls and allocations of one request, by route and process: upper bounds.

These numbers are the program's, not the machine's, so they may be held by a test where times may not. One
connection asks, one request after another: the dearest case, since nothing can be shared. A change that
earns it lowers a bound here; one that must raise it says why in its commit.
"""
import contextlib
import http.client
import socket

import pytest

from tests.bench.counted import Counted, Window
from tests.fixtures.site import Site

REQUESTS, WARM_UP = 100, 5
IDLE_S = 1.0
FORM = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}

# route: {process: (system calls, allocations)}. Allocations are exact, so their bounds are close;
# how often threads wake varies with the scheduler, so those are half as much again as on a quiet machine.
BOUNDS = {
    "hello": {"gateway": (4, 3.5)},
    "static": {"gateway": (4, 4.5)},
    "choice": {"gateway": (50, 10), "db": (60, 8)},
    "questions": {"gateway": (100, 21), "db": (110, 25), "session": (70, 26)},
    "vote": {"gateway": (93, 13), "db": (92, 14), "session": (70, 26)},
}


def ask(port, requests):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    with contextlib.closing(connection):
        for request in requests:
            connection.request(*request)
            answer = connection.getresponse()
            body = answer.read()
            assert answer.status == 200, (answer.status, body)


def let_pass(seconds):
    """Nothing is awaited: what goes on by itself in this time is what we look at."""
    left, right = socket.socketpair()
    with left, right:
        left.settimeout(seconds)
        with contextlib.suppress(TimeoutError):
            left.recv(1)


def requests_of(site):
    """{route: its requests}"""
    count = REQUESTS + WARM_UP
    logged_in = {"Cookie": f"sessionid={site.session(1)}"}
    votes = [("POST", "/questions/1/vote", "choice_id=1",
              {**FORM, "Cookie": f"sessionid={site.session(user)}"}) for user in site.accounts(count)]
    return {"hello": [("GET", "/hello")] * count,
            "static": [("GET", "/static/css/vote.css")] * count,
            "choice": [("GET", "/questions/1/choice")] * count,
            "questions": [("GET", "/questions", None, logged_in)] * count,
            "vote": votes}


@pytest.fixture(scope="module")
def counts(build_dir, tmp_path_factory, sample_database, redis, ipc_dir):
    """{route: {process: (system calls, allocations, {call: times})}} of one request."""
    directory, windows = tmp_path_factory.mktemp("counted"), {}
    with contextlib.ExitStack() as stack:
        made = []

        def spawn(program, *arguments):
            made.append(stack.enter_context(
                Counted(build_dir, directory, len(made), program, *arguments)))
            return made[-1]

        site = Site(spawn, sample_database, redis, ipc_dir)
        processes = {"gateway": site.gateway, "db": site.pools["db"][0],
                     "session": site.pools["session"][0]}
        for route, requests in requests_of(site).items():
            ask(site.port, requests[:WARM_UP])
            with Window(processes) as windows[route]:
                ask(site.port, requests[WARM_UP:])
        with Window(processes) as idle:
            let_pass(IDLE_S)
    return {route: per_request(window, idle) for route, window in windows.items()}


def per_request(window, idle):
    """Without what goes on by itself: ticks."""
    found, nothing = {}, idle.calls()
    share = (window.end - window.start) / (idle.end - idle.start)
    for name, calls in window.calls().items():
        own = sum(calls.values()) - share * sum(nothing[name].values())
        found[name] = (own / REQUESTS, window.mallocs[name] / REQUESTS, dict(calls))
    return found


@pytest.mark.parametrize("route", BOUNDS)
def test_a_request_takes_no_more_system_calls_and_allocations_than_it_did(counts, route):
    over = []
    for process, (calls, mallocs, by_name) in counts[route].items():
        most_calls, most_mallocs = BOUNDS[route].get(process, (1, 1))
        print(f"{route}: {process}: {calls:.2f} system calls, at most {most_calls}; "
              f"{mallocs:.2f} allocations, at most {most_mallocs}")
        if calls > most_calls or mallocs > most_mallocs:
            over.append(f"{process}: {calls:.2f} calls, {mallocs:.2f} allocations: {by_name}")
    assert not over, "\n".join(over)


def test_the_counters_count(counts):
    assert counts["hello"]["gateway"][0] >= 2, "a request is received and answered"
    assert counts["questions"]["gateway"][1] > 1
    assert counts["vote"]["db"][0] > 1 and counts["vote"]["db"][1] > 1
