"""The site as deploy/ has it: gateways and pools under supervisor, nginx before them. It is what
./vote up --gateways N --nginx runs, on ports of this test's own."""
import base64
import contextlib
import gzip
import http.client
import json
import os
import pathlib
import re
import secrets
import signal
import socket
import subprocess
import tempfile
import threading

import pytest

from tests.conftest import SANITIZERS
from tests.fixtures.client import PROGRAM, Client
from tests.fixtures.process import Process, free_port
from tests.fixtures.site import load

ROOT = pathlib.Path(__file__).resolve().parents[2]
GATEWAYS = 2


def free_ports(count):
    """The first of so many ports next to each other."""
    while True:
        first = free_port()
        with contextlib.ExitStack() as stack, contextlib.suppress(OSError):
            for port in range(first, first + count):
                stack.enter_context(socket.socket()).bind(("127.0.0.1", port))
            return first


class Deployed:
    def __init__(self, directory, environment):
        self.directory, self.environment = directory, environment
        self.port, self.page = free_port(), free_port()
        self.first = free_ports(GATEWAYS)
        self.client = Client(self.port)

    def vote(self, *arguments):
        done = subprocess.run([ROOT / "vote", *map(str, arguments), "--dir", self.directory], text=True,
                              env=self.environment, stdin=subprocess.DEVNULL, capture_output=True,
                              timeout=300)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def up(self):
        return self.vote("up", "--gateways", GATEWAYS, "--nginx", "--port", self.port,
                         "--gateway-port", self.first, "--page-port", self.page)

    @property
    def gateways(self):
        return range(self.first, self.first + GATEWAYS)

    def supervisor(self, *command):
        return subprocess.run(["supervisorctl", "-c", self.directory / "supervisor.conf", *command],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60).stdout

    def pid(self, name):
        return int(self.supervisor("pid", name).strip())

    def log(self, name):
        return (self.directory / "log" / f"{name}.log").read_text()

    def await_true(self, condition):
        """Until it is, looking at supervisor's log in between."""
        command = ["supervisorctl", "-c", self.directory / "supervisor.conf", "maintail", "-f"]
        with Process(command, self.directory / "maintail", self.environment) as log:
            log.until(condition, 60)
            log.abandon()

    def kill(self, name, is_back):
        """Kills the process, without a word, and waits for the next one under its name."""
        pid = self.pid(name)
        os.kill(pid, signal.SIGKILL)
        self.await_true(lambda: self.pid(name) not in (0, pid) and is_back())

    def pools(self, service):
        """How many of them every gateway may ask; None while they do not agree."""
        counts = set()
        for port in self.gateways:
            done = subprocess.run(
                [ROOT / "build" / self.environment["VOTE_PRESET"] / "bin/vote-call", "--gateway",
                 f"ipc://{self.directory}/run/gateways/gateway-{port}.ipc", "gateway", "gateway_status", "{}"],
                env=self.environment, capture_output=True, text=True, timeout=30)
            pools = json.loads(done.stdout)["body"]["pools"]
            counts.add(sum(pool["service"] == service and not pool["draining"] for pool in pools))
        return counts.pop() if len(counts) == 1 else None

    @contextlib.contextmanager
    def readers(self):
        """People who read meanwhile: none of them may see a failure, and each goes on to the end."""
        paths = ("/question/1/choice", "/hello", "/question/2/choice", "/readyz")

        def read(number):
            try:
                return Client(self.port).get(paths[number % len(paths)]).status
            except (OSError, http.client.HTTPException) as error:
                return repr(error)

        with load(read, threads=2) as answers:
            self.await_true(lambda: len(answers) > 20)
            yield
            seen = len(answers)
            self.await_true(lambda: len(answers) > seen + 20)
        assert {answer: answers.count(answer) for answer in set(answers)} == {200: len(answers)}


@pytest.fixture(scope="module")
def site(build_dir):
    environment = {**os.environ, **SANITIZERS, "VOTE_PRESET": build_dir.name}
    with tempfile.TemporaryDirectory(prefix="vote-deploy-", dir="/tmp") as directory:
        site = Deployed(pathlib.Path(directory) / "site", environment)
        try:
            said = site.up()
            assert f"up at http://127.0.0.1:{site.port}\n" in said
            yield site
        finally:
            site.vote("down")


def answers(port):
    with contextlib.suppress(OSError, http.client.HTTPException):
        return Client(port).get("/readyz").status == 200


# ---- what nginx adds -----------------------------------------------------------------------------


def test_a_log_in_through_nginx_is_valid_at_every_gateway(site):
    account, password = (site.directory / "sample-accounts").read_text().splitlines()[0].split("\t")
    person = Client(site.port, PROGRAM)
    assert person.post("/login", {"account": account, "password": password}).status == 302
    for port in site.gateways:
        elsewhere = Client(port, PROGRAM, person.cookies["sessionid"])
        assert elsewhere.get("/questions/mine").status == 200, port
    assert person.post("/logout").status == 303
    for port in site.gateways:
        assert Client(port, PROGRAM, person.cookies.get("sessionid")).get("/questions/mine").status == 401


def test_the_visitors_address_is_what_nginx_saw_and_not_what_the_visitor_says(site):
    mark = secrets.token_hex(8)
    assert site.client.get(f"/hello?{mark}", X_Real_IP="192.0.2.7", X_Forwarded_For="192.0.2.7").status == 200

    def line():
        logs = "".join(site.log(f"gateway_{port}") for port in site.gateways)
        return next((line for line in logs.splitlines() if mark in line), None)
    site.await_true(line)
    assert "127.0.0.1" in line() and "192.0.2.7" not in line()


def test_static_files_come_from_nginx_as_they_come_from_the_gateway(site):
    for name in ("css/vote.css", "css/bootstrap.min.css"):
        plain, own = site.client.get(f"/static/{name}"), Client(site.first).get(f"/static/{name}")
        assert plain.headers["Server"] == "nginx"
        assert (plain.status, plain.body, plain.type) == (200, own.body, own.type)
        for header in ("Cache-Control", "X-Content-Type-Options"):
            assert plain.headers[header] == own.headers[header], header
        packed = site.client.get(f"/static/{name}", Accept_Encoding="gzip")
        assert packed.headers["Content-Encoding"] == "gzip" and gzip.decompress(packed.body) == own.body
        assert site.client.get(f"/static/{name}", If_None_Match=plain.headers["ETag"]).status == 304
    page = Client(site.port, "text/html").get("/login").text
    versioned = re.search(r'/static/[^"]+\?v=[0-9a-f]+', page)[0]
    assert "immutable" in site.client.get(versioned).headers["Cache-Control"]


@pytest.mark.parametrize("method, path", [
    ("GET", "/static/css/none.css"), ("POST", "/static/css/vote.css"), ("GET", "/static/css/"),
    ("GET", "/static/../config/vote.yaml"), ("GET", "/nothing"), ("GET", "/events")])
def test_what_nginx_does_not_serve_is_answered_by_the_gateway(site, method, path):
    through, straight = (Client(port).request(method, path) for port in (site.port, site.first))
    assert (through.status, through.type) == (straight.status, straight.type)


def test_nginx_lets_in_what_the_gateway_takes_and_no_more(site):
    for size in (1 << 20, (1 << 20) + 1):
        statuses = {Client(port, PROGRAM).post("/hello", {"a": "a" * (size - 2)}).status
                    for port in (site.port, site.first)}
        assert len(statuses) == 1 and (statuses == {413}) == (size > 1 << 20), (size, statuses)
    for size in (7900, 9000):
        statuses = {Client(port).get("/hello", X_Long="a" * size).status for port in (site.port, site.first)}
        assert (statuses == {200}) == (size < 8190), (size, statuses)


@contextlib.contextmanager
def before_stubs(site, directory, *stubs):
    """The site's own nginx files before other gateways, each a function that is called with every
    connection made to it; yields nginx's port."""
    with contextlib.ExitStack() as stack:
        listeners = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in stubs]

        def serve(listener, stub):
            with contextlib.suppress(OSError):
                while True:
                    with listener.accept()[0] as peer:
                        stub(peer)

        for listener, stub in zip(listeners, stubs):
            threading.Thread(target=serve, args=[listener, stub], daemon=True).start()
            stack.callback(listener.shutdown, socket.SHUT_RDWR)
        port, place = free_port(), site.directory / "run/nginx"
        servers = "".join(f"server 127.0.0.1:{listener.getsockname()[1]} max_fails=0;" for listener in listeners)
        for file in place.glob("*.conf"):
            text = file.read_text().replace(str(place), str(directory))
            text = text.replace(f"127.0.0.1:{site.port}", f"127.0.0.1:{port}")
            text = re.sub(r"( *server 127\.0\.0\.1:.*\n)+", servers, text)
            (directory / file.name).write_text(text)
        command = ["/usr/sbin/nginx", "-e", "stderr", "-c", directory / "nginx.conf"]
        nginx = stack.enter_context(Process(command, directory / "log"))
        nginx.until(lambda: answers_tcp(port))
        yield port


def answers_tcp(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_server_sent_events_pass_nginx_as_they_come(site, tmp_path):
    got = threading.Event()

    def one_event_and_wait(peer):
        peer.recv(65536)
        peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: one\n\n")
        got.wait(30)

    with before_stubs(site, tmp_path, one_event_and_wait) as port:
        peer = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        peer.request("GET", "/live/events")
        assert peer.getresponse().readline() == b"data: one\n"
        assert not got.is_set()
        got.set()
        peer.close()


@pytest.mark.parametrize("method, tries", [("GET", 2), ("POST", 1)])
def test_nginx_asks_another_gateway_only_where_asking_twice_is_harmless(site, tmp_path, method, tries):
    asked = []

    def die_while_asked(peer):
        asked.append(peer.recv(65536).split(b" ")[0].decode())

    with before_stubs(site, tmp_path, die_while_asked, die_while_asked) as port:
        assert Client(port).request(method, "/questions/1/vote", b"choice_id=1").status == 502
    assert asked == [method] * tries


def test_supervisors_page_asks_for_its_password_and_shows_every_process(site):
    page = Client(site.page)
    assert page.get("/").status == 401
    assert page.get("/index.html?action=stopall").status == 401
    word = (site.directory / "page-password").read_text()
    token = base64.b64encode(f"vote:{word}".encode()).decode()
    shown = page.get("/", Authorization=f"Basic {token}")
    assert shown.status == 200
    for port in site.gateways:
        assert f"vote_{port}" in shown.text
    assert os.stat(site.directory / "page-password").st_mode & 0o077 == 0


def test_the_tls_example_is_good_for_nginx(site, tmp_path):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=vote.example.org",
                    "-keyout", tmp_path / "privkey.pem", "-out", tmp_path / "fullchain.pem"], check=True,
                   capture_output=True, timeout=60)
    place = site.directory / "run/nginx"
    for file in place.glob("*.conf"):
        (tmp_path / file.name).write_text(file.read_text().replace(f"{place}/", f"{tmp_path}/"))
    tls = (ROOT / "deploy/nginx/vote-tls.conf").read_text()
    tls = tls.replace("/etc/letsencrypt/live/vote.example.org", str(tmp_path))
    tls = re.sub(r"(listen (?:\[::\]:)?)(80|443)", lambda m: m[1] + str(free_port()), tls)
    conf = (tmp_path / "vote.conf").read_text()
    (tmp_path / "vote.conf").write_text(conf[:conf.index("server {")] + tls)
    done = subprocess.run(["/usr/sbin/nginx", "-t", "-e", "stderr", "-c", tmp_path / "nginx.conf"],
                          capture_output=True, text=True, timeout=30)
    assert done.returncode == 0 and "warn" not in done.stderr.replace('"user" directive', ""), done.stderr


# ---- death, scaling and upgrades while people read -------------------------------------------------


def test_no_reader_sees_gateways_being_killed_and_each_comes_back(site):
    with site.readers():
        for port in site.gateways:
            site.kill(f"vote:vote_{port}", lambda port=port: answers(port))


def test_no_reader_sees_pools_coming_going_or_being_killed(site):
    with site.readers():
        site.vote("scale", "db=3")
        assert site.pools("db") == 3
        status = site.vote("status")
        assert re.search(r"^db:db_0 +RUNNING(.|\n)*^db_1 +RUNNING(.|\n)*^db_2 +RUNNING", status, re.M)
        site.kill("db:db_0", lambda: site.pools("db") == 3)
        site.vote("scale", "db=1")
        assert site.pools("db") == 1
    for name in ("db_1", "db_2"):
        assert "pool_draining" in site.log(name) and "pool_stopped" in site.log(name)
        assert name not in site.vote("status")


def test_nobody_sees_every_program_and_nginx_being_replaced(site):
    names = ["db:db_0", "session:session_0", "password:password_0", *(f"vote:vote_{p}" for p in site.gateways)]
    before = [site.pid(name) for name in names]
    with site.readers():
        assert "reloaded" in site.vote("reload")
    assert not set(before) & {site.pid(name) for name in names}
    assert [site.pools(service) for service in ("db", "session", "password")] == [1, 1, 1]


def test_down_stops_what_a_killed_supervisor_left(site):
    """The last one: the site is gone afterwards."""
    os.kill(int((site.directory / "run/supervisor.pid").read_text()), signal.SIGKILL)
    assert answers(site.port), "it serves on"
    assert "down" in site.vote("down")
    assert not any(answers_tcp(port) for port in (site.port, site.page, *site.gateways))
