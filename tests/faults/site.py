"""One site for the checker: MariaDB, Redis, gateways and pools as direct children, the pools' links to
their servers through a proxy each. Everything lives in one temporary directory."""
import contextlib
import http.client
import json
import os
import pathlib
import secrets
import shutil
import subprocess
import sys
import tempfile
import threading
import time

import pymysql
import redis

from tests.fixtures import services
from tests.fixtures.process import free_port
from tests.faults.children import Child

ROOT = pathlib.Path(__file__).resolve().parents[2]
DATABASE = "test_soak"
SERVICES = ("db", "session", "password")
SANITIZERS = {
    "ASAN_OPTIONS": "detect_leaks=1:detect_stack_use_after_return=1:strict_string_checks=1",
    "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1",
}

# Cheap passwords, and less patience with Redis than by default, so that more goes wrong in a minute.
# What the promises are about (deadlines, retries, dead pools) is as the site runs it.
SETTINGS = {"password.memlimit": 8192, "password.opslimit": 1, "password.queue_s": 60,
            "caches.default.timeout_ms": 400, "databases.default.maxsize": 6,
            "gateway.access_log": "false",
            # Soakers register, log in and vote more often than people do.
            **{f"throttle.{limit}": 0 for limit in (
                "login_attempts", "login_account", "login_address", "register_address", "votes_account",
                "reads_account")}}
DEADLINE_S, DEADLINE_SLACK_S = 5.0, 0.1  # gateway.deadline_ms by default, and what may come on top

_now = threading.Event()  # never set: a wait that ends by its timeout


def wait_until(condition, timeout):
    """The first true value of condition(), asked every 50 ms; None when time is over."""
    end = time.monotonic() + timeout
    while True:
        if value := condition():
            return value
        if time.monotonic() >= end:
            return None
        _now.wait(0.05)


class Site:
    """build: a build directory. worker, gateway: other programs than its own. pools: of each service.
    proxied: False connects the pools straight to their servers."""

    def __init__(self, build, gateways=2, pools=2, worker=None, gateway=None, settings=None,
                 proxied=True):
        os.environ["PATH"] = "/usr/sbin:/usr/bin:" + os.environ["PATH"]
        self.build = pathlib.Path(build)
        self.worker = worker or self.build / "bin/vote-worker"
        self.gateway = gateway or self.build / "bin/vote-gateway"
        self.settings = {**SETTINGS, **(settings or {})}
        self.proxied = proxied
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="vote-soak-", dir="/tmp"))
        self.env = {**os.environ, **SANITIZERS}
        self.children = {}  # in the order of their start
        self.ports = {}  # gateway: port
        try:
            self._start_servers()
            self._start_programs(gateways, pools)
        except BaseException:
            self.stop()
            raise

    # ---- starting ------------------------------------------------------------------------------

    def start_child(self, name, *command, **options):
        child = Child(name, command, self.directory / f"{name}.log", cwd=ROOT, **options)
        self.children[name] = child
        return child

    def _start_servers(self):
        directory = self.directory
        self.address = {"mariadb_socket": f"{directory}/mariadb.sock", "user": services.DATABASE_USER,
                        "password": secrets.token_hex(16)}
        user = services.config_files(directory, self.address["password"])
        self.start_child("redis", "redis-server", f"{directory}/redis.conf")
        services.install(directory, user)
        self.start_child("mariadb", "mariadbd", f"--defaults-file={directory}/mariadb.cnf")
        for name, kind in (("proxy-mariadb", "mysql"), ("proxy-redis", "redis")):
            server = name.removeprefix("proxy-")
            self.start_child(name, sys.executable, ROOT / "tests/faults/proxy.py", kind,
                        f"{directory}/{name}.sock", f"{directory}/{server}.sock", controlled=True)
        self.cache = redis.Redis(unix_socket_path=f"{directory}/redis.sock")
        if not wait_until(self.servers_answer, 60):
            raise RuntimeError("MariaDB or Redis does not start:\n"
                               + self.children["mariadb"].last_words())

    def servers_answer(self):
        try:
            services.connect(self.address).close()
            sockets = [self.directory / f"proxy-{name}.sock" for name in ("mariadb", "redis")]
            return self.cache.ping() and all(socket.exists() for socket in sockets)
        except (pymysql.Error, redis.RedisError, OSError):
            return False

    def _options(self):
        proxy = "proxy-" if self.proxied else ""
        settings = {
            "databases.default.socket": f"{self.directory}/{proxy}mariadb.sock",
            "databases.default.user": services.DATABASE_USER,
            "databases.default.password": self.address["password"],
            "databases.default.name": DATABASE,
            "caches.default.socket": f"{self.directory}/{proxy}redis.sock",
            "gateway.ipc_dir": f"{self.directory}/gateways",
            "pools.gateways": f"ipc://{self.directory}/gateways/gateway-*.ipc",
            **self.settings,
        }
        options = ["--config", ROOT / "config/vote.yaml"]
        for key, value in settings.items():
            options += ["--set", f"{key}={value}"]
        return options

    def _start_programs(self, gateways, pools):
        os.mkdir(self.directory / "gateways", 0o750)
        migrated = subprocess.run(
            [self.build / "bin/vote-migrate", *self._options(), "--sql", ROOT / "sql"], cwd=ROOT,
            env=self.env, capture_output=True, text=True, timeout=60)
        if migrated.returncode:
            raise RuntimeError(f"vote-migrate: {migrated.stderr}")
        for i in range(gateways):
            name = f"gateway-{i + 1}"
            self.ports[name] = free_port()
            self.start_child(name, self.gateway, *self._options(), "--port", self.ports[name],
                        env=self.env)
        for service in SERVICES:
            for i in range(pools):
                self.start_child(f"{service}-{i + 1}", self.worker, service, *self._options(),
                            env=self.env)
        if not wait_until(self.is_ready, 60):
            raise RuntimeError("the site does not become ready:\n" + "".join(
                child.last_words() for child in self.programs))

    # ---- what there is -------------------------------------------------------------------------

    @property
    def gateways(self):
        return [self.children[name] for name in self.ports]

    @property
    def pools(self):
        return [child for name, child in self.children.items()
                if name.partition("-")[0] in SERVICES]

    @property
    def programs(self):
        return self.gateways + self.pools

    def proxy(self, server, **faults):
        self.children[f"proxy-{server}"].tell(json.dumps(faults))

    def proxy_did(self, server):
        """{fault: how often} as the proxy told."""
        done = {}
        for line in (self.directory / f"proxy-{server}.log").read_text().splitlines():
            done[line.split()[0]] = done.get(line.split()[0], 0) + 1
        return done

    def connect(self, **options):
        """Straight to MariaDB, past the proxy; autocommit; the caller closes it."""
        return services.connect(self.address, **{"autocommit": True, "database": DATABASE,
                                                 "read_timeout": 10, **options})

    def query(self, sql, *parameters):
        with contextlib.closing(self.connect()) as connection, connection.cursor() as cursor:
            cursor.execute(sql, parameters or None)
            return cursor.fetchall()

    # ---- is it well? ---------------------------------------------------------------------------

    def answers(self, name, path="/readyz"):
        connection = http.client.HTTPConnection("127.0.0.1", self.ports[name], timeout=2)
        try:
            connection.request("GET", path)
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def status(self, name):
        """gateway_status of a gateway, or None."""
        endpoint = f"ipc://{self.directory}/gateways/gateway-{self.ports[name]}.ipc"
        done = subprocess.run([self.build / "bin/vote-call", "--gateway", endpoint, "--timeout",
                               "2000", "gateway", "gateway_status", "{}"], capture_output=True, text=True,
                              env=self.env, cwd=ROOT)
        if done.returncode:
            return None
        answer = json.loads(done.stdout)
        return answer.get("body", answer)

    def has_all_pools(self, name):
        """Does the gateway know every pool that runs now, and can they all be asked?"""
        status = self.status(name)
        known = {pool["pid"] for pool in status["pools"] if not pool["draining"]} if status else ()
        return {pool.pid for pool in self.pools} <= set(known)

    def is_ready(self):
        return self.servers_answer() and all(
            self.answers(name) and self.has_all_pools(name) for name in self.ports)

    @property
    def accidents(self):
        return [(child, text) for child in self.children.values() for text in child.accidents]

    # ---- the end -------------------------------------------------------------------------------

    def stop(self):
        """All children, the gateways first, the servers last; the directory stays until remove()."""
        for name in ("nginx", *self.ports):
            if name in self.children:
                self.children[name].stop()
        for child in self.pools:
            child.stop()
        for name in ("proxy-mariadb", "proxy-redis", "redis", "mariadb"):
            if name in self.children:
                if name.startswith("proxy"):
                    self.children[name].accidents.clear()  # it knows no SIGTERM
                    self.children[name].stop()
                    self.children[name].accidents.clear()
                else:
                    self.children[name].stop(60)

    def remove(self):
        shutil.rmtree(self.directory, ignore_errors=True)
