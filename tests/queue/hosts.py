"""A gateway with pools on other hosts: keys, the gateway, its pools, and what it says of itself."""
import http.client
import json
import os
import pathlib
import re

from tests.conftest import ROOT, SANITIZERS
from tests.fixtures.process import Process

READ = "/questions/1/choice"  # asks the db pool alone
QUICK = ["pools.heartbeat_ms=50", "pools.dead_ms=1000", "pools.drain_ms=0", "password.opslimit=1",
         "password.memlimit=8192", "gateway.deadline_ms=2000"]


def public_key(directory, name):
    return (directory / f"{name}.public").read_text().split()[0]


class Hosts:
    """One gateway in `directory`, with keys made as they are named. `gateway_side` and `pool_side`
    are what a program of that side is started with: the namespace it runs in."""

    def __init__(self, build_dir, config_file, directory, run, stack, *, host="127.0.0.1",
                 gateway_side=(), pool_side=(), settings=()):
        self.build_dir, self.config_file, self.directory, self.run = build_dir, config_file, directory, run
        self.stack, self.gateway_side, self.pool_side = stack, gateway_side, pool_side
        self.settings = [*QUICK, *settings]
        self.started = 0
        for name in ("gateway", "host-b"):
            self.make_keys(name)
        self.clients = directory / "clients"
        self.allow("host-b")
        self.gateway = self.spawn(
            gateway_side, "vote-gateway", "--port", "0", *self.words(
                f"gateway.ipc_dir={directory}", f"gateway.tcp_endpoint=tcp://{host}:*",
                f"gateway.curve_secret_file={directory}/gateway.secret",
                f"gateway.curve_clients_file={self.clients}",
                f"template_dir={ROOT / 'templates'}", f"static_dir={ROOT / 'static'}",
                f"login.common_passwords_file={ROOT / 'data/common_passwords.txt'}"))
        self.endpoint = self.gateway.wait_line(r"tcp_bound endpoint=(\S+)")[1]
        self.port = int(self.gateway.wait_line(r"======== Running on .*:(\d+) ========")[1])
        self.ipc = f"ipc://{directory}/gateway-{self.port}.ipc"

    def words(self, *settings):
        return [word for setting in [*self.settings, *settings] for word in ("--set", setting)]

    def spawn(self, side, program, *arguments):
        self.started += 1
        command = [*side, self.build_dir / "bin" / program, *arguments, "--config", self.config_file]
        log = self.directory / f"{program}-{self.started}.log"
        return self.stack.enter_context(Process(command, log, {**os.environ, **SANITIZERS}))

    # ---- keys --------------------------------------------------------------------------------

    def make_keys(self, name):
        done = self.run("vote-keygen", self.directory / name)
        assert done.returncode == 0, done.stderr

    def allow(self, *names, text=""):
        """The list of the gateway, replaced as an operator should: by a rename."""
        new = pathlib.Path(f"{self.clients}.new")
        new.write_text(text + "".join((self.directory / f"{name}.public").read_text() for name in names))
        new.rename(self.clients)

    # ---- pools -------------------------------------------------------------------------------

    def start_pool(self, service, *settings, key="host-b", server="gateway", endpoint=None, arguments=()):
        return self.spawn(
            self.pool_side, "vote-worker", service, *arguments,
            "--gateway", endpoint or self.endpoint, *self.words(
                f"pools.curve_secret_file={self.directory}/{key}.secret",
                f"pools.curve_server_file={self.directory}/{server}.public", *settings))

    # ---- what the gateway says ---------------------------------------------------------------

    def status(self):
        done = self.run("vote-call", "--gateway", self.ipc, "gateway", "gateway_status", "{}")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)["body"]

    def services(self):
        return sorted(pool["service"] for pool in self.status()["pools"])

    def until_services(self, *services, timeout=10.0):
        self.gateway.until(lambda: self.services() == sorted(services), timeout)

    def refused(self):
        return self.status()["tcp_refused"]

    def check_books(self):
        """Every request asked has one end; nothing waits; nothing went wrong on the way."""
        status = self.gateway.until(lambda: self.quiet_status())
        for queue in status["queues"]:
            ends = sum(queue[end] for end in ("answered", "busy", "expired", "lost"))
            assert queue["asked"] == ends, queue
        assert (status["missed_edges"], status["late_starts"], status["bad_messages"]) == (0, 0, 0)
        return status

    def quiet_status(self):
        status = self.status()
        return status if not any(q["queued"] + q["in_flight"] for q in status["queues"]) else None

    def get(self, path=READ, timeout=10.0):
        """The status of one GET."""
        host = re.search(r"Running on http://(.*):\d+ ", self.gateway.log)[1]
        connection = http.client.HTTPConnection(host, self.port, timeout=timeout)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            answer.read()
            return answer.status
        finally:
            connection.close()
