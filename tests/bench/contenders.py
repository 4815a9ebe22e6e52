"""Who is measured: this project, and what a user might take instead, on the same MariaDB and Redis.

A contender is started for one case and stopped after it. It has `.urls` (one for each front process)
and `.processes` ({name: [pid, …]}), whose CPU time is its price. All without an access log.
"""
import contextlib
import http.client
import os
import pathlib
import re
import secrets
import shutil
import signal
import subprocess

from tests.bench import share
from tests.bench.stage import ROOT
from tests.fixtures.process import Process, free_port

PEERS = pathlib.Path(__file__).with_name("peers")
PYTHON = "/usr/bin/python3"
POOLS = ("session", "db", "password")


class Contender:
    """needs(): why it cannot take part here, or None."""

    packages = ()  # of Debian, that it stands on
    name = None
    uses_services = True

    def __init__(self, stage, case):
        self.stage, self.case = stage, case
        self.urls, self.processes = [], {}
        self._count = 0
        self._stack = contextlib.ExitStack()

    @classmethod
    def needs(cls):
        return None

    def __enter__(self):
        with self._stack:
            if self.uses_services:
                self.processes |= {name: [pid] for name, pid in self.stage.processes().items()}
            self.start()
            self._stack = self._stack.pop_all()
        return self

    def __exit__(self, *_):
        self._stack.close()

    def run(self, name, command, cwd=ROOT):
        """A process of this contender, ended by SIGTERM when it is over."""
        self._count += 1
        log = self.stage.directory / f"{self.name}-{self._count}-{secrets.token_hex(3)}.log"
        process = Process(command, log, cwd=cwd)
        self._stack.callback(end, process)
        self.processes.setdefault(name, []).append(process.pid)
        return process

    def serves(self, process, port, path="/hello"):
        process.until(lambda: answers(port, path), 30)
        self.urls.append(f"http://127.0.0.1:{port}")


def end(process):
    if process.running():
        process.send(signal.SIGTERM)
        with contextlib.suppress(AssertionError):
            process.wait(20)
    process.abandon()


def answers(port, path):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    with contextlib.closing(connection), contextlib.suppress(OSError, http.client.HTTPException):
        connection.request("GET", path)
        return connection.getresponse().status == 200
    return False


def python_has(*modules):
    done = subprocess.run([PYTHON, "-c", f"import {', '.join(modules)}"], capture_output=True)
    return done.returncode == 0


class Ours(Contender):
    name = "vote"

    def start(self):
        ipc = self.stage.directory / secrets.token_hex(3)
        settings = ["--config", ROOT / "config" / "vote.yaml",
                    *self.stage.settings(self.case.database)]
        for key, value in {"gateway.access_log": "false", "static_dir": self.stage.static,
                           "gateway.ipc_dir": ipc, "gateway.max_connections": 20000,
                           "gateway.max_connections_per_client": 0,
                           "throttle.votes_account": 60000000,  # counted, never reached
                           "throttle.reads_account": 60000000,
                           "pools.gateways": f"ipc://{ipc}/gateway-*.ipc",
                           **self.case.settings}.items():
            settings += ["--set", f"{key}={value}"]
        programs = self.stage.build_dir / "bin"
        gateways = []
        for _ in range(self.case.size):
            gateway = self.run("gateway", [programs / "vote-gateway", *settings, "--port", "0"])
            found = gateway.wait_line(r"======== Running on .*:(\d+) ========", 20)
            gateways.append((gateway, int(found[1])))
        for service in POOLS:
            for _ in range(self.case.size):
                self.run(service, [programs / "vote-worker", service, *settings])
        for gateway, port in gateways:
            self.serves(gateway, port, "/readyz")
        if self.case.share:
            own = [pid for name in ("gateway", *POOLS) for pid in self.processes[name]]
            self._stack.enter_context(share.limited(own, self.case.share))


class TwoOfEach(Ours):
    """Two gateways and two of each pool, on the same two services."""

    name = "vote x2"

    def start(self):
        self.case = self.case.of_size(2)
        super().start()


class Aiohttp(Contender):
    name = "aiohttp"
    packages = ("python3-aiohttp", "python3-aiohttp-session", "python3-aiomysql",
                "python3-redis", "python3-jinja2")

    @classmethod
    def needs(cls):
        modules = ("aiohttp", "aiohttp_session", "aiomysql", "redis", "jinja2")
        return None if python_has(*modules) else ", ".join(cls.packages)

    def start(self):
        port, address = free_port(), self.stage.address
        process = self.run("aiohttp", [
            PYTHON, PEERS / "aiohttp_peer.py", port, address["mariadb_socket"], address["user"],
            address["password"], self.stage.database(self.case.database),
            address["redis_socket"], self.stage.static])
        self.serves(process, port)


class Nginx(Contender):
    """`return 200` for /hello, and static files; a worker process."""

    name = "nginx"
    packages = ("nginx",)
    uses_services = False

    @classmethod
    def needs(cls):
        return None if shutil.which("nginx") else "nginx"

    def start(self):
        port, directory = free_port(), self.stage.directory / f"nginx-{secrets.token_hex(3)}"
        directory.mkdir()
        places = "".join(f"  {kind}_temp_path {directory}/{kind};\n" for kind in (
            "client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        user = "user root;" if os.geteuid() == 0 else ""
        (directory / "nginx.conf").write_text(f"""{user}
worker_processes 1;
daemon off;
pid {directory}/pid;
error_log stderr warn;
events {{ worker_connections 20000; }}
http {{
{places}  access_log off;
  default_type application/octet-stream;
  sendfile on;
  tcp_nopush on;
  keepalive_requests 1000000000;
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    location = /hello {{ default_type text/plain; return 200 "Hello Aiohttp!"; }}
    location /static/ {{ alias {self.stage.static}/; }}
  }}
}}
""")
        self.serves(self.run("nginx", ["nginx", "-e", "stderr", "-c", directory / "nginx.conf",
                                       "-p", directory]), port)


class Go(Contender):
    name = "go"
    packages = ("golang-go", "golang-github-go-sql-driver-mysql-dev",
                "golang-github-gomodule-redigo-dev")
    GOPATH = "/usr/share/gocode"

    @classmethod
    def needs(cls):
        sources = pathlib.Path(cls.GOPATH, "src/github.com")
        there = shutil.which("go") and all((sources / name).is_dir() for name in (
            "go-sql-driver/mysql", "gomodule/redigo"))
        return None if there else ", ".join(cls.packages)

    def start(self):
        program = self.stage.directory / "go_peer"
        if not program.exists():
            subprocess.run(["go", "build", "-o", program, "main.go"], cwd=PEERS / "go_peer",
                           check=True, env={**os.environ, "GO111MODULE": "off",
                                            "GOPATH": self.GOPATH, "GOFLAGS": "-buildvcs=false",
                                            "GOCACHE": str(self.stage.directory / "go-cache")})
        port, address = free_port(), self.stage.address
        login = f"{address['user']}:{address['password']}@unix({address['mariadb_socket']})"
        self.serves(self.run("go", [
            program, port, f"{login}/{self.stage.database(self.case.database)}",
            address["redis_socket"], PEERS / "go_peer" / "page.html"]), port)


class Fastify(Contender):
    """Its packages: npm install in tests/bench/peers/fastify_peer, or VOTE_BENCH_NODE_MODULES."""

    name = "fastify"
    packages = ("nodejs with fastify, @fastify/formbody, mysql2, ioredis",)

    @staticmethod
    def modules():
        return pathlib.Path(os.environ.get("VOTE_BENCH_NODE_MODULES",
                                           PEERS / "fastify_peer" / "node_modules"))

    @classmethod
    def needs(cls):
        there = shutil.which("node") and all((cls.modules() / name).is_dir() for name in (
            "fastify", "@fastify/formbody", "mysql2", "ioredis"))
        return None if there else cls.packages[0]

    def start(self):
        program = self.stage.directory / "fastify_peer"
        if not program.exists():
            shutil.copytree(PEERS / "fastify_peer", program,
                            ignore=shutil.ignore_patterns("node_modules"))
            (program / "node_modules").symlink_to(self.modules())
        port, address = free_port(), self.stage.address
        self.serves(self.run("fastify", [
            "node", program / "app.js", port, address["mariadb_socket"], address["user"],
            address["password"], self.stage.database(self.case.database),
            address["redis_socket"]], cwd=program), port)


class MariaDB(Contender):
    """No site: the same SELECT by C clients, each on a connection of its own, one after another."""

    name = "mariadb"
    CONNECTIONS = 8

    @classmethod
    def needs(cls):
        return None

    def start(self):
        self.urls = []

    def rounds(self, seconds):
        """What a round of wrk would say."""
        address = self.stage.address
        done = subprocess.run(
            [self.stage.build_dir / "bin" / "bench-select", address["mariadb_socket"],
             address["user"], address["password"], self.stage.database(self.case.database),
             str(self.CONNECTIONS), str(seconds)], capture_output=True, text=True, check=True)
        queries, p50_us, p99_us, took = map(float, re.findall(r"[\d.]+", done.stdout))
        return {"requests": int(queries), "errors": 0, "p50_us": p50_us, "p99_us": p99_us,
                "seconds": took}


ALL = {kind.name: kind for kind in (Ours, TwoOfEach, Aiohttp, Fastify, Go, Nginx, MariaDB)}
