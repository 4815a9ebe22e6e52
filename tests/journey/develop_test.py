"""debug.reload: open pages hear of changes and see what is broken; without it there is nothing of it."""
import contextlib
import json
import shutil
import socket
import subprocess

import pytest

from tests.conftest import ROOT
from tests.fixtures.client import BROWSER, Client
from tests.fixtures.site import Site

SCRIPT = b'<script src="/static/js/dev.js'


class Listener:
    """Somebody at /_dev/events."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=20)
        self.socket.sendall(b"GET /_dev/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
        self.got = b""
        self.head = self.until(b"\r\n\r\n")

    def until(self, end):
        """What came up to and with this."""
        while end not in self.got:
            piece = self.socket.recv(65536)
            assert piece, self.got
            self.got += piece
        head, _, self.got = self.got.partition(end)
        return head + end

    def event(self):
        """(name, data) of the next one."""
        while True:
            lines = self.until(b"\n\n").decode().strip("\n").split("\n")
            if lines[0].startswith("event: "):
                return lines[0][7:], "\n".join(line[6:] for line in lines[1:])

    def ended(self):
        while piece := self.socket.recv(65536):
            self.got += piece
        return True

    def close(self):
        self.socket.close()


@pytest.fixture
def templates(tmp_path):
    return shutil.copytree(ROOT / "templates", tmp_path / "templates")


class Developed:
    def __init__(self, site, build_dir):
        self.site, self.build_dir = site, build_dir

    def refresh(self, problem="", style=False, timeout=5000):
        """The exit status of vote-call, and what is shown as broken."""
        done = subprocess.run([self.build_dir / "bin" / "vote-call", "--gateway", self.site.endpoint, "--timeout",
                               str(timeout), "gateway", "gateway_refresh", "-"],
                              input=json.dumps({"style": style, "problem": problem}) + "\n", text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=30)
        return done.returncode, json.loads(done.stdout)["body"]["problem"] if done.stdout else None

    def listen(self, stack):
        return stack.enter_context(contextlib.closing(Listener(self.site.port)))

    def login(self):
        return Client(self.site.port, BROWSER).get("/login")


@pytest.fixture
def start(process, sample_database, redis, ipc_dir, build_dir, templates):
    def start(debug=True, more=()):
        return Developed(Site(process, sample_database, redis, ipc_dir, (
            "--set", f"template_dir={templates}", *(("--set", "debug.reload=true") if debug else ()), *more), pools=()),
            build_dir)
    return start


def test_without_debug_there_is_no_stream_no_script_and_no_answer_to_a_refresh(start):
    developed = start(debug=False)
    for method in ("GET", "HEAD"):
        assert Client(developed.site.port).request(method, "/_dev/events").status == 404
    assert b"dev.js" not in developed.login().body
    assert "connect-src" not in developed.login().headers["Content-Security-Policy"]
    assert developed.refresh(timeout=200) == (3, None)


def test_the_stream_is_for_the_hosts_of_the_toolbar_alone(start):
    developed = start(more=("--set", "debug.hosts=192.0.2.1"))
    assert Client(developed.site.port).get("/_dev/events").status == 404


def test_every_page_gets_the_script_at_the_end_of_its_body(start):
    developed = start()
    for path in ("/login", "/register", "/nowhere"):
        body = Client(developed.site.port, BROWSER).get(path).body
        assert body.count(SCRIPT) == 1 and body.index(SCRIPT) < body.rindex(b"</body>") < body.index(SCRIPT) + 100
    assert developed.login().headers["Content-Security-Policy"].endswith("; connect-src 'self'")


def test_a_change_is_told_to_all_who_listen(start, templates):
    developed = start()
    with contextlib.ExitStack() as stack:
        first, second = developed.listen(stack), developed.listen(stack)
        assert b"Content-Type: text/event-stream\r\n" in first.head and b"Content-Length" not in first.head
        name = first.event()
        assert name[0] == "hello" and second.event() == name
        (templates / "login.html").write_text('{% extends "index.html" %}{% block title %}another{% endblock %}')
        assert developed.refresh() == (0, "")
        assert first.event() == second.event() == ("page", "")
        assert "another" in developed.login().text
        assert developed.refresh(style=True) == (0, "")
        assert first.event() == second.event() == ("style", "")


def test_what_is_broken_is_told_to_who_comes_later_too_until_it_is_not(start):
    developed = start()
    with contextlib.ExitStack() as stack:
        first = developed.listen(stack)
        first.event()
        problem = "a.c:1:2: error: <b>\nevent: page\n\ndata: x"
        assert developed.refresh(problem) == (0, problem)
        assert first.event() == ("problem", problem)  # lines of it are no lines of the stream
        second = developed.listen(stack)
        assert [second.event()[0], second.event()] == ["hello", ("problem", problem)]
        assert developed.refresh() == (0, "")
        assert first.event() == second.event() == ("page", "")


def test_a_mistake_in_a_template_leaves_the_pages_as_they_were(start, templates):
    developed = start()
    before = developed.login().body
    good = (templates / "login.html").read_text()
    (templates / "login.html").write_text("{% if %}")
    code, problem = developed.refresh()
    assert code == 0 and problem.startswith("login.html:1: ")
    assert len(developed.login().body) == len(before)  # but for its ids
    (templates / "login.html").write_text(good)
    assert developed.refresh() == (0, "")


def test_a_gateway_starts_with_broken_templates_and_shows_them_escaped(start, templates):
    (templates / "login.html").write_text('{% extends "<b>.html" %}')
    developed = start()
    answer = developed.login()
    assert answer.status == 500 and SCRIPT in answer.body
    assert "login.html:1: " in answer.text and "&lt;b&gt;" in answer.text and "<b>" not in answer.text
    with contextlib.ExitStack() as stack:
        listener = developed.listen(stack)
        assert [listener.event()[0], listener.event()[0]] == ["hello", "problem"]
        shutil.copy(ROOT / "templates" / "login.html", templates)
        assert developed.refresh() == (0, "")
        assert listener.event() == ("page", "")
    assert developed.login().status == 200


def test_listeners_are_bounded_and_one_that_left_makes_room(start):
    developed = start()
    with contextlib.ExitStack() as stack:
        listeners = [developed.listen(stack) for _ in range(16)]
        assert developed.listen(stack).head.startswith(b"HTTP/1.1 503 ")
        listeners[5].close()
        developed.site.gateway.wait_line('"GET /_dev/events HTTP/1.1" 200 ')
        assert developed.listen(stack).event()[0] == "hello"
        assert developed.refresh() == (0, "")
        assert listeners[0].event()[0] == "hello" and listeners[0].event() == ("page", "")


def test_head_is_no_listener(start):
    developed = start()
    assert [Client(developed.site.port).head("/_dev/events").status for _ in range(20)] == [200] * 20


def test_a_gateway_that_stops_ends_its_streams(start):
    developed = start()
    with contextlib.ExitStack() as stack:
        listener = developed.listen(stack)
        listener.event()
        developed.site.gateway.stop()  # exit status 0, well before shutdown_ms
        assert listener.ended()
