"""nginx and the gateway's HTTP server never disagree about where a request ends.

Mutated streams go twice to edge-echo, which is the server of the gateway writing down what it reads:
straight, and through nginx. For each of them, with a request being (method, target, body):

1. Behind nginx: the requests that nginx says it sent on are, in number and order, those that were
   read from it; those it says were taken are equal byte for byte. Nothing comes over nginx's
   connections, which all streams share, that nginx did not send as a request: no body of one stream
   becomes a request of another.
2. Straight: as long as both go on, the requests read are equal. So a stream means one thing to both,
   until one refuses it or ends.
3. We are the stricter: when we read a request where nginx refused, or had ended, it is for one of
   the reasons in LAXER, none of which is about framing.

VOTE_LONG=1 asks for 10⁵ streams. VOTE_SEED chooses others."""
import collections
import contextlib
import itertools
import json
import os
import pwd
import re
import selectors
import socket
import subprocess

import pytest

from tests.edge.streams import streams

LONG = os.environ.get("VOTE_LONG") == "1"
COUNT = 100_000 if LONG else 4000
SEED = int(os.environ.get("VOTE_SEED", 9112))
AT_ONCE, BATCH = 64, 2000

NGINX = """daemon off;
worker_processes 1;
pid {directory}/nginx.pid;
user {user};
error_log {directory}/error.log crit;
events {{ worker_connections 1024; }}
http {{
    log_format seen escape=json '{{"stream": "$proxy_protocol_addr", "status": "$status", '
        '"upstream": "$upstream_status", "method": "$request_method", "target": "$request_uri", '
        '"body": "$request_body"}}';
    access_log {directory}/access.log seen;
    client_body_temp_path {directory}/body;
    client_body_buffer_size 128k;
    proxy_temp_path {directory}/proxy;
    fastcgi_temp_path {directory}/fastcgi;
    uwsgi_temp_path {directory}/uwsgi;
    scgi_temp_path {directory}/scgi;
    upstream echo {{
        server 127.0.0.1:{port} max_fails=0;
        keepalive 4;
        keepalive_requests 1000000;
    }}
    server {{
        listen unix:{directory}/nginx.sock proxy_protocol;
        keepalive_requests 100000;
        lingering_close off;
        location / {{
            proxy_pass http://echo;
            proxy_http_version 1.1;
            proxy_ignore_client_abort on;
            proxy_next_upstream off;
            proxy_set_header X-Stream $proxy_protocol_addr;
            proxy_set_header Connection "";
            proxy_set_header Host $http_host;
        }}
    }}
}}
"""

# Why nginx did not send on what we read: (target of it, or stream) and the reason.
LAXER = {
    "its path means nothing, which is 404 to us": (re.compile(r"%00|/\.\."), None),
    "nginx knows no OPTIONS *": (re.compile(r"^\*$"), None),
    # RFC 9110 section 5.6.3 takes tabs from both ends of a value; nginx keeps them in it.
    "a tab beside a value": (None, re.compile(rb"^[\w-]+: *(\t|[^\r\n]*\t *\r$)", re.MULTILINE)),
    # RFC 9112 section 9.3 means the word; nginx takes a part of one, and ends.
    "close as a part of a word": (None, re.compile(rb"^Connection:.*close", re.I | re.MULTILINE)),
}
ABSOLUTE = re.compile(r"^https?://[^/?]*", re.IGNORECASE)

Request = collections.namedtuple("Request", "method target body")


def name(number):
    """An address of 127.0.0.0/8, which is a stream's name to both."""
    number += 0x10000  # past 127.0.0.1
    return f"127.{number >> 16}.{number >> 8 & 255}.{number & 255}"


class Client:
    """Sends one stream, then no more, and listens until the other end is done."""

    def __init__(self, connected, stream):
        self._socket = connected
        with contextlib.suppress(OSError):  # it may have heard enough already
            connected.sendall(stream)
            connected.shutdown(socket.SHUT_WR)
        connected.setblocking(False)

    def fileno(self):
        return self._socket.fileno()

    def is_over(self):
        with contextlib.suppress(BlockingIOError):
            try:
                while self._socket.recv(65536):
                    pass
            except ConnectionResetError:
                pass
            self._socket.close()
            return True
        return False


def send_all(connect, batch):
    """Every stream of {name: bytes} over a connection of its own, AT_ONCE at a time."""
    waiting = iter(batch.items())
    with selectors.DefaultSelector() as selector:
        def begin():
            for stream, data in waiting:
                selector.register(Client(*connect(stream, data)), selectors.EVENT_READ)
                return
        for _ in range(AT_ONCE):
            begin()
        while selector.get_map():
            ready = selector.select(30)
            assert ready, "a stream is neither answered nor ended"
            for key, _ in ready:
                selector.unregister(key.fileobj)
                if key.fileobj.is_over():
                    begin()
                else:
                    selector.register(key.fileobj, selectors.EVENT_READ)


class Both:
    """edge-echo, and nginx before it."""

    def __init__(self, process, directory):
        self.directory = directory
        self.read = open(self._made("read"), encoding="latin-1", newline="\n")
        echo = process("edge-echo", directory / "read", config=False)
        self.port = int(echo.wait_line(r"edge-echo on (\d+)")[1])
        self.sent = open(self._made("access.log"), encoding="latin-1", newline="\n")
        (directory / "nginx.conf").write_text(NGINX.format(
            directory=directory, port=self.port, user=pwd.getpwuid(os.getuid()).pw_name))

    def _made(self, file):
        (self.directory / file).touch()
        return self.directory / file

    @contextlib.contextmanager
    def running(self):
        command = ["nginx", "-e", self.directory / "error.log", "-c", self.directory / "nginx.conf"]
        subprocess.run([*command, "-t", "-q"], check=True, timeout=30)
        nginx = subprocess.Popen(command, stdin=subprocess.DEVNULL)
        try:
            self._await_nginx(nginx)
            yield self
        finally:
            nginx.terminate()
            nginx.wait(10)
            self.read.close()
            self.sent.close()

    def _await_nginx(self, nginx):
        probe = socket.socket(socket.AF_UNIX)
        with probe:
            while probe.connect_ex(f"{self.directory}/nginx.sock"):
                with contextlib.suppress(subprocess.TimeoutExpired):
                    raise AssertionError(f"nginx ended with {nginx.wait(0.02)}")

    def straight(self, stream, data):
        connected = socket.create_connection(("127.0.0.1", self.port), source_address=(stream, 0))
        return connected, data

    def by_nginx(self, stream, data):
        connected = socket.socket(socket.AF_UNIX)
        connected.connect(f"{self.directory}/nginx.sock")
        return connected, f"PROXY TCP4 {stream} {stream} 1 1\r\n".encode() + data

    def new_rows(self):
        """(straight, behind, sent): {stream: rows} of all since the last call."""
        straight, behind, sent = (collections.defaultdict(list) for _ in range(3))
        for line in self.read:
            peer, stream, status, *request = line.rstrip("\n").split("\t")
            rows = behind[stream] if peer == "127.0.0.1" else straight[peer]
            if status == "200":
                rows.append((200, Request(request[0], request[1], bytes.fromhex(request[2]))))
            else:
                rows.append((int(status), None))
        for line in self.sent:
            row = json.loads(line, strict=False)
            sent[row["stream"]].append((row, Request(row["method"], row["target"],
                                                     row["body"].encode("latin-1"))))
        return straight, behind, sent


@pytest.fixture
def both(process, tmp_path):
    with Both(process, tmp_path).running() as running:
        yield running


def check_behind(behind, sent):
    """Promise 1. What was refused before its fields were read has no name, and is counted."""
    unnamed = len(behind.pop("", []))
    assert all(status != 200 for status, _ in behind.get("", []))
    assert set(behind) <= set(sent)
    for stream, rows in sent.items():
        passed = [(row["upstream"], request) for row, request in rows if row["upstream"] != ""]
        read = behind.get(stream, [])
        taken = [request for upstream, request in passed if upstream == "200"]
        assert [request for status, request in read if status == 200] == taken, stream
        unnamed -= len(passed) - len(read)
    assert unnamed == 0


def ours(rows):
    """The requests read, as nginx would log them: an absolute target without its scheme and host."""
    return [request._replace(target=ABSOLUTE.sub("", request.target))
            for status, request in rows if status == 200]


def nginxs(rows):
    return [request for row, request in rows if row["upstream"] != ""]


def laxer(data, request):
    """The reason for which nginx did not send on a request that we read; None: there is none."""
    return next((why for why, (target, stream) in LAXER.items()
                 if target and target.search(request.target) or stream and stream.search(data)), None)


def test_no_stream_means_two_things(both):
    tally, wrong = collections.Counter(), []
    numbered = enumerate(streams(SEED, COUNT))
    while batch := {name(number): data for number, data in itertools.islice(numbered, BATCH)}:
        send_all(both.straight, batch)
        send_all(both.by_nginx, batch)
        straight, behind, sent = both.new_rows()
        check_behind(behind, sent)
        for stream, data in batch.items():
            mine, theirs = ours(straight[stream]), nginxs(sent[stream])
            common = min(len(mine), len(theirs))
            tally["read"] += len(mine)
            tally["sent on"] += len(theirs)
            if mine[:common] != theirs[:common]:
                wrong.append(("differ", data, mine, theirs))
            elif len(mine) <= common:
                tally["the same" if len(theirs) == common else "we are stricter"] += 1
            elif why := laxer(data, mine[common]):
                tally[why] += 1
            else:
                wrong.append(("laxer", data, mine, theirs))
    print(f"seed {SEED}, {COUNT} streams:", dict(tally))
    assert not wrong, wrong[:5]
    assert tally["the same"] > COUNT / 4 and tally["sent on"] > COUNT / 2
