"""launcher/top.py on a site's gateways, as text and in a terminal; /status.json."""
import contextlib
import os
import pty
import re
import select
import signal
import subprocess
import sys

import pytest

from tests.conftest import ROOT
from tests.fixtures.client import Client
from tests.fixtures.process import free_port
from tests.fixtures.site import Site

sys.path.insert(0, str(ROOT / "launcher"))
import top  # noqa: E402

PATIENCE_S = 30


@pytest.fixture(scope="module")
def site(module_process, sample_database, redis, ipc_dir):
    port = free_port()
    site = Site(module_process, sample_database, redis, ipc_dir, ("--set", f"gateway.admin_port={port}"))
    site.admin_port = port
    return site


@pytest.fixture
def command(site, build_dir):
    return [sys.executable, "-B", ROOT / "launcher" / "top.py", build_dir / "bin" / "vote-call"]


def rows(text):
    """{(service, lane or host): cells} of both tables."""
    return {tuple(line.split()[:2]): line.split() for line in text.splitlines()
            if line.startswith(("db ", "session ", "password "))}


def test_once_prints_queues_hops_and_pools(site, command):
    assert site.browser(1).get("/questions").status == 200
    done = subprocess.run([command[0], *command[1:3], "--once", command[3], f"ipc://{site.ipc_dir}/gateway-*.ipc"],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE_S)
    assert (done.returncode, done.stderr) == (0, "")
    assert "1 gateways" in done.stdout and "requests/s" in done.stdout
    reads = rows(done.stdout)["db", "read"]
    assert all(re.fullmatch(r"[\d.]+(µs|ms|s)/[\d.]+(µs|ms|s)", cell) for cell in reads[-4:]), reads
    pools = [line for line in done.stdout.splitlines() if line.endswith("good")]
    assert len(pools) == 3 and all(f" {pool.pid} " in done.stdout for pools in site.pools.values() for pool in pools)


def test_a_gateway_that_does_not_answer_is_named(site, command):
    done = subprocess.run([command[0], *command[1:3], "--once", command[3], f"ipc://{site.ipc_dir}/nobody.ipc"],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE_S)
    assert done.returncode == 0 and "nobody.ipc does not answer" in done.stdout


class Terminal:
    """A program in a terminal of its own: .seen is all it wrote."""

    def __init__(self, command):
        self.seen = ""
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execve(command[0], [str(word) for word in command], {**os.environ, "TERM": "xterm", "COLUMNS": "220",
                                                                    "LINES": "40", "LC_ALL": "C.UTF-8"})

    def read(self):
        """False at the end."""
        if not select.select([self.fd], [], [], PATIENCE_S)[0]:
            raise AssertionError(f"nothing more came: {self.seen!r}")
        with contextlib.suppress(OSError):  # EIO: the program closed its side
            if data := os.read(self.fd, 65536):
                self.seen += data.decode(errors="replace")
                return True
        return False

    def until(self, *words):
        while not all(word in self.seen for word in words):
            assert self.read(), self.seen

    def type(self, keys):
        os.write(self.fd, keys.encode())

    def end(self):
        """The exit status, once all was read."""
        while self.read():
            pass
        os.close(self.fd)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


def test_it_is_live_in_a_terminal_until_q(site, command):
    terminal = Terminal([*command, f"ipc://{site.ipc_dir}/gateway-*.ipc"])
    terminal.until("wait-p50/p99", "credit", "q quits")
    size = len(terminal.seen)
    terminal.type("x")  # no key of ours
    while len(terminal.seen) == size:  # the next second's frame
        assert terminal.read()
    terminal.type("q")
    assert terminal.end() == 0
    assert "Traceback" not in terminal.seen


def test_it_ends_quietly_with_ctrl_c(site, command):
    terminal = Terminal([*command, f"ipc://{site.ipc_dir}/gateway-*.ipc"])
    terminal.until("q quits")
    os.kill(terminal.pid, signal.SIGINT)
    assert terminal.end() == 0
    assert "Traceback" not in terminal.seen


def test_status_json_is_the_same_message(site):
    answer = Client(site.admin_port).get("/status.json")
    assert answer.status == 200
    status = answer.json()
    assert {pool["service"] for pool in status["pools"]} == {"db", "session", "password"}
    buckets = [hop["buckets"] for hop in status["hops"]
               if (hop["service"], hop["lane"], hop["hop"]) == ("session", "read", "total")][0]
    reads = [queue for queue in status["queues"] if (queue["service"], queue["lane"]) == ("session", "read")][0]
    assert sum(bucket["count"] for bucket in buckets) == reads["answered"] > 0
    assert Client(site.port).get("/status.json").status == 404  # the operators' address alone


# ---- the arithmetic ------------------------------------------------------------------------------


@pytest.mark.parametrize("buckets, share, microseconds", [
    ({}, 0.5, None),
    ({100: 0, 250: 0, 0: 0}, 0.5, None),
    ({100: 10, 250: 0, 0: 0}, 0.5, 50),
    ({100: 0, 250: 10, 0: 0}, 0.5, 175),
    ({100: 99, 250: 1, 0: 0}, 0.99, 100),
    ({100: 0, 250: 0, 0: 3}, 0.5, 250),  # beyond the last limit
])
def test_a_quantile_is_spread_inside_its_bucket(buckets, share, microseconds):
    assert top.quantile(buckets, share) == microseconds


def test_the_last_second_counts_and_a_gateway_that_started_anew_is_no_negative_rate():
    assert top.rate(150, 100, 0.5) == "100"
    assert top.rate(3, 2, 1) == "1.0"
    assert top.rate(0, 100, 1) == "0"
