"""./vote as its operator uses it, on the programs of the build under test."""
import json
import os
import pathlib
import re
import shutil
import socket
import stat
import subprocess
import tempfile
import urllib.request

import pytest

from tests.fixtures.process import Process, free_port

ROOT = pathlib.Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def environment(build_dir):
    return {**os.environ, "VOTE_PRESET": build_dir.name}


@pytest.fixture
def place():
    """A directory for one site; whatever runs in it is taken down."""
    with tempfile.TemporaryDirectory(prefix="vote-place-", dir="/tmp") as directory:
        yield pathlib.Path(directory) / "site"
        subprocess.run([ROOT / "vote", "down", "--dir", f"{directory}/site"], check=True,
                       stdin=subprocess.DEVNULL, timeout=200)


@pytest.fixture
def vote(environment):
    def run(*arguments, root=ROOT):
        return subprocess.run([root / "vote", *map(str, arguments)], env=environment, text=True,
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=300)
    return run


def fails_with_one_line(done, words):
    assert done.returncode == 1, done.stdout + done.stderr
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert re.search(words, done.stderr), done.stderr


def hello(port):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/hello", timeout=10) as answer:
        return answer.read()


def refuses(port):
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) != 0


def test_up_serves_and_up_again_says_so_and_down_stops_it(vote, environment, place):
    port = free_port()
    up = vote("up", "--dir", place, "--port", port)
    assert up.returncode == 0, up.stderr
    assert f"up at http://127.0.0.1:{port}" in up.stdout
    account = re.search(r"sample account: \S+ password: \S+", up.stdout)
    assert account
    assert hello(port) == b"Hello Aiohttp!"
    assert stat.S_IMODE(os.stat(place / "sample-accounts").st_mode) == 0o600
    assert stat.S_IMODE(os.stat(place).st_mode) == 0o700

    again = vote("up", "--dir", place)
    assert again.returncode == 0
    assert "already up" in again.stdout and account[0] in again.stdout

    status = vote("status", "--dir", place)
    assert status.returncode == 0, status.stdout + status.stderr
    for name in ("mariadb", "redis", "db", "session", "password"):
        assert re.search(rf"^{name}:{name}_0 +RUNNING", status.stdout, re.M)
    assert re.search(rf"^vote:vote_{port} +RUNNING", status.stdout, re.M)
    assert "threads" in status.stdout
    told = json.loads(vote("status", "--json", "--dir", place).stdout)
    assert told["ready"] and told["url"] == f"http://127.0.0.1:{port}"
    assert {process["state"] for process in told["processes"]} == {"RUNNING"}
    assert {pool["service"] for pool in told["gateways"][0]["status"]["pools"]} == {"db", "session", "password"}
    assert "requests/s" in vote("top", "--once", "--dir", place).stdout
    fails_with_one_line(vote("top", "--dir", place), "needs a terminal")
    early = subprocess.run(["bash", "-c", f"{ROOT}/vote status --dir {place} | head -n 1"], env=environment,
                           text=True, stdin=subprocess.DEVNULL, capture_output=True, timeout=60)
    assert (early.stdout, early.stderr) == (f"vote: http://127.0.0.1:{port}\n", "")  # a reader that leaves
    assert "Running on" in vote("logs", "gateway", "--dir", place).stdout

    assert vote("down", "--dir", place).returncode == 0
    assert refuses(port)
    assert vote("down", "--dir", place).stdout == "vote: not running\n"
    assert vote("status", "--dir", place).returncode == 1
    gone = vote("status", "--json", "--dir", place)
    assert (gone.returncode, json.loads(gone.stdout)["ready"]) == (1, False)


def test_data_outlives_down_and_ends_with_reset(vote, place):
    port = free_port()
    assert vote("up", "--dir", place, "--port", port).returncode == 0
    accounts = (place / "sample-accounts").read_text()
    assert vote("down", "--dir", place).returncode == 0
    assert vote("up", "--dir", place, "--port", port).returncode == 0
    assert (place / "sample-accounts").read_text() == accounts

    fails_with_one_line(vote("reset", "--dir", place), "say --yes")
    assert place.exists()
    assert vote("reset", "--yes", "--dir", place).returncode == 0
    assert not place.exists() and refuses(port)


def test_two_at_once_start_one_site_and_two_places_stand_side_by_side(vote, place, environment):
    ports = [free_port(), free_port()]
    starts = [(place / "one", ports[0]), (place / "one", ports[0]), (place / "a b", ports[1])]
    place.mkdir()
    started = [subprocess.Popen([ROOT / "vote", "up", "--dir", d, "--port", str(p)],
                                env=environment, stdin=subprocess.DEVNULL, text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
               for d, p in starts]
    said = [process.communicate(timeout=300)[0] for process in started]
    try:
        assert [process.returncode for process in started] == [0, 0, 0], said
        assert sum("already up" in text for text in said) == 1
        assert [hello(port) for port in ports] == [b"Hello Aiohttp!"] * 2
    finally:
        for directory in ("one", "a b"):
            assert vote("reset", "--yes", "--dir", place / directory).returncode == 0


def test_a_port_in_use_is_one_line_and_nothing_runs(vote, place):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = vote("up", "--dir", place, "--port", port)
    fails_with_one_line(done, rf"port {port} on 127.0.0.1 is in use by .*\(pid {os.getpid()}\)")
    assert vote("status", "--dir", place).stdout == "vote: not running\n"


@pytest.mark.parametrize("host", ["192.0.2.1", "no.such.host.invalid"])
def test_an_address_of_another_machine_is_one_line_and_nothing_runs(vote, place, host):
    fails_with_one_line(vote("up", "--dir", place, "--host", host), rf"{host} is no address of this machine$")
    assert vote("status", "--dir", place).stdout == "vote: not running\n"


def test_a_broken_configuration_is_its_own_line_and_nothing_runs(vote, place, build_dir, tmp_path):
    checkout = tmp_path / "checkout"
    shutil.copytree(ROOT, checkout, ignore=shutil.ignore_patterns("build", "var", ".git"))
    (checkout / "config" / "vote.yaml").write_text("gateway:\n  port: many\n")
    (checkout / "build" / build_dir.name).mkdir(parents=True)
    (checkout / "build" / build_dir.name / "bin").symlink_to(build_dir / "bin")
    launcher = (checkout / "launcher" / "build.sh")
    launcher.write_text(launcher.read_text() + "build() { :; }\n")
    done = vote("up", "--dir", place, root=checkout)
    fails_with_one_line(done, r"vote\.yaml:2: gateway\.port: ")
    assert vote("status", "--dir", place).stdout == "vote: not running\n"


def test_a_directory_with_other_files_is_neither_used_nor_removed(vote, tmp_path):
    (tmp_path / "letter").write_text("dear")
    fails_with_one_line(vote("up", "--dir", tmp_path), "holds other files")
    for name in ('quo"te', "back\\slash", "two\nlines"):
        fails_with_one_line(vote("up", "--dir", tmp_path / name), "with such a name")
        assert not (tmp_path / name).exists()
    fails_with_one_line(vote("up", "--dir", ""), "--dir needs a value")
    fails_with_one_line(vote("reset", "--yes", "--dir", tmp_path), "it stays")
    assert (tmp_path / "letter").read_text() == "dear"


@pytest.mark.parametrize("arguments, words", [
    (["up", "--port", "70000"], "from 1 to 65535"),
    (["up", "--port"], "needs a value"),
    (["up", "--prot", "1"], "does not know '--prot'"),
    (["up", "--gateways", "0"], "from 1 to 99"),
    (["up", "--page-port", "9001"], "go with --nginx"),
    (["scale"], "SERVICE=N"),
    (["scale", "db=0"], "from 1 to 64"),
    (["scale", "gateway=2"], "does not know 'gateway=2'"),
    (["scale", "db=2", "--dir", "/nowhere"], "not running"),
    (["reload", "--dir", "/nowhere"], "not running"),
    (["fuzz", "0"], "whole seconds"),
    (["dwon"], "no command 'dwon'"),
    (["logs", "../x"], "no log"),
])
def test_a_wrong_command_line_is_one_line(vote, arguments, words):
    fails_with_one_line(vote(*arguments), words)


def test_a_killed_pool_comes_back(vote, place):
    port = free_port()
    assert vote("up", "--dir", place, "--port", port).returncode == 0
    control = ["supervisorctl", "-c", str(place / "supervisor.conf")]
    pid = subprocess.check_output([*control, "pid", "db:db_0"], text=True).strip()
    os.kill(int(pid), 9)
    with Process([*control, "maintail", "-f"], place / "maintail", env=dict(os.environ)) as log:
        log.until(lambda: subprocess.run([*control, "pid", "db:db_0"], capture_output=True,
                                         text=True).stdout.strip() not in ("0", pid))
        log.abandon()
    assert hello(port) == b"Hello Aiohttp!"


def test_foreground_stays_and_ends_in_order_at_sigterm(place, environment, tmp_path):
    port = free_port()
    command = [ROOT / "vote", "up", "--foreground", "--dir", place, "--port", str(port)]
    with Process(command, tmp_path / "log", environment) as site:
        site.wait_line("up at", timeout=200)
        assert hello(port) == b"Hello Aiohttp!"
        site.stop(timeout=100)
    assert refuses(port)
