"""slowhttptest in its four modes: who is slow holds connections, and nobody else up.

While it runs, a person at another address asks page after page; every request is answered.
VOTE_LONG=1 takes 1000 connections and half a minute a mode."""
import contextlib
import csv
import http.client
import json
import os
import subprocess
import threading

import pytest

from tests.fixtures.site import Site

LONG = os.environ.get("VOTE_LONG") == "1"
CONNECTIONS = 1000 if LONG else 300
SECONDS = 30 if LONG else 4
PER_CLIENT = 256  # gateway.max_connections_per_client by default
PERSON = "127.0.0.2"
FILE = "/static/css/bootstrap.min.css"
MODES = {
    "slow heads": ("/", "-H", "-i", 2, "-x", 24),
    "slow bodies": ("/login", "-B", "-i", 2, "-s", 8192, "-x", 10),
    "ranges": (FILE, "-R", "-a", 1, "-b", 3000),
    "slow readers": (FILE, "-X", "-w", 10, "-y", 20, "-n", 1, "-z", 32, "-k", 3),
}


@pytest.fixture(scope="module")
def make_site(module_process, sample_database, redis, ipc_dir):
    """A site to which this host is no proxy, with more settings."""
    def make(**settings):
        return Site(module_process, sample_database, redis, ipc_dir, [
            "--set", "gateway.trusted_proxies=192.0.2.1", "--set", "throttle.reads_account=0",
            *(word for key, value in settings.items()
              for word in ("--set", f"gateway.{key}={value}"))])
    return make


@pytest.fixture(scope="module")
def open_site(make_site):
    return make_site(max_connections_per_client=0)


@pytest.fixture
def status(build_dir):
    """status(site): what its gateway says of itself."""
    def ask(site):
        done = subprocess.run(
            [build_dir / "bin/vote-call", "--gateway", site.endpoint, "gateway", "gateway_status", "{}"],
            capture_output=True, text=True, timeout=10, check=True)
        return json.loads(done.stdout)["body"]
    return ask


class Person:
    """Asks page after page, each on a connection of its own, until told to stop."""

    def __init__(self, site):
        self.port, self.session = site.port, site.session(1)
        self.statuses = []
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._ask)

    def _ask(self):
        while not self._end.is_set():
            for path in ("/questions", "/questions/1/choice", "/hello"):
                self.statuses.append(self._status(path))

    def _status(self, path):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10,
                                                source_address=(PERSON, 0))
        with contextlib.closing(connection):
            try:
                connection.request("GET", path, headers={"Cookie": f"sessionid={self.session}"})
                answer = connection.getresponse()
                answer.read()
                return answer.status
            except (OSError, http.client.HTTPException) as error:
                return repr(error)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._end.set()
        self._thread.join()


def attack(site, mode, directory):
    """Runs it; returns the most connections it had at a time, and how many it lost."""
    path, *options = MODES[mode]
    done = subprocess.run(
        ["slowhttptest", "-u", f"http://127.0.0.1:{site.port}{path}", "-c", str(CONNECTIONS), "-r",
         str(CONNECTIONS), "-l", str(SECONDS), "-p", "10", "-g", "-o", directory / "report",
         *map(str, options)], capture_output=True, text=True, timeout=SECONDS + 60)
    with open(directory / "report.csv", newline="") as file:
        seconds = list(csv.DictReader(file))
    assert seconds, done.stdout + done.stderr
    return (max(int(second["Connected"]) for second in seconds),
            max(int(second["Closed"]) for second in seconds))


@pytest.mark.parametrize("mode", MODES)
def test_while_many_are_slow_everybody_else_is_served(open_site, status, tmp_path, mode):
    with Person(open_site) as person:
        held, _ = attack(open_site, mode, tmp_path)
    print(f"{mode}: {held} of {CONNECTIONS} held, {len(person.statuses)} requests of a person")
    assert set(person.statuses) == {200} and len(person.statuses) > 10 * SECONDS
    assert held > CONNECTIONS / 2 or mode == "ranges"  # which are answered at once
    open_site.gateway.until(lambda: status(open_site)["connections"] == 0, 20)


def test_one_address_holds_no_more_connections_than_its_share(make_site, tmp_path):
    site = make_site()
    with Person(site) as person:
        held, lost = attack(site, "slow heads", tmp_path)
    print(f"by default: {lost} of {CONNECTIONS} turned away, {len(person.statuses)} requests of a person")
    assert set(person.statuses) == {200}
    assert held >= PER_CLIENT and lost >= CONNECTIONS - PER_CLIENT
