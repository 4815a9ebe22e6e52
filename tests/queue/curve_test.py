"""Pools of other hosts: tcp with CURVE, for those whose key is in the list, and for nobody else."""
import contextlib
import os
import stat

import pytest
import zmq

from tests.fixtures.process import free_port
from tests.fixtures.queues import pack
from tests.queue.hosts import Hosts, public_key


@pytest.fixture
def hosts(build_dir, config_file, directory, run):
    with contextlib.ExitStack() as stack:
        yield Hosts(build_dir, config_file, directory, run, stack)


READY = {"pool_id": "0" * 31 + "1", "service": "password", "threads": 1, "capacity": 8,
         "reads_held": 0, "writes_held": 0, "heartbeat_ms": 500, "host": "elsewhere", "pid": 1}


def stranger(endpoint, **options):
    """A dealer of another make, that says ready as soon as it may."""
    dealer = zmq.Context.instance().socket(zmq.DEALER)
    dealer.linger = 0
    for name, value in options.items():
        setattr(dealer, name, value)
    dealer.connect(endpoint)
    dealer.send(pack("ready", READY))
    return contextlib.closing(dealer)


# ---- who may -------------------------------------------------------------------------------------

def test_a_pool_of_another_host_serves(hosts, sample_database):
    hosts.start_pool("db", *sample_database.settings[1::2])
    hosts.until_services("db")
    assert hosts.get() == 200
    assert hosts.refused() == 0
    assert "tcp_client_refused" not in hosts.gateway.log


def test_a_pool_of_this_host_stands_beside_it_and_needs_no_key(hosts):
    hosts.start_pool("password")
    hosts.start_pool("session", endpoint=hosts.ipc)
    hosts.until_services("password", "session")


def test_a_gateway_answers_vote_call_over_tcp(hosts, vote_call):
    status, replies, errors = vote_call(
        "--gateway", hosts.endpoint, "--curve-secret", hosts.directory / "host-b.secret",
        "--curve-server", hosts.directory / "gateway.public", "gateway", "gateway_status", "{}")
    assert (status, errors) == (0, "")
    assert replies[0]["body"]["pools"] == []


def test_vote_call_asks_a_pool_of_another_host(hosts, vote_call):
    endpoint = f"tcp://127.0.0.1:{free_port()}"
    hosts.start_pool("password", endpoint=endpoint)
    status, replies, errors = vote_call(
        "--bind", endpoint, "--curve-secret", hosts.directory / "gateway.secret",
        "--curve-clients", hosts.clients, "password", "password_hash", '{"password": "correct horse"}')
    assert status == 0, errors
    assert replies[0]["status"] == "OK"


# ---- who may not ---------------------------------------------------------------------------------

def test_a_key_that_is_not_in_the_list_is_refused_and_told_until_it_is(hosts):
    hosts.make_keys("stranger")
    pool = hosts.start_pool("password", key="stranger")
    hosts.gateway.wait_line(r"tcp_client_refused .*list.* address=127\.0\.0\.1 public_key=")
    assert public_key(hosts.directory, "stranger") in hosts.gateway.log.replace("\\", "")
    hosts.gateway.until(lambda: hosts.refused() >= 3)  # it goes on trying
    assert hosts.services() == []
    assert "gateway_joined" not in pool.log
    hosts.allow("host-b", "stranger")
    pool.wait_line("gateway_joined")
    hosts.until_services("password")


@pytest.mark.parametrize("options", [{}, {"plain_username": b"a", "plain_password": b"b"}],
                         ids=["null", "plain"])
def test_who_does_not_speak_curve_is_refused(hosts, options):
    with stranger(hosts.endpoint, **options):
        hosts.gateway.wait_line("tcp_client_refused .*does not speak CURVE")
        assert hosts.refused() >= 1
        assert hosts.services() == []


def test_who_takes_another_for_the_gateway_gets_nothing(hosts):
    hosts.make_keys("impostor")
    pool = hosts.start_pool("password", server="impostor")
    hosts.gateway.wait_line("tcp_client_refused .*does not speak CURVE with our key")
    hosts.gateway.until(lambda: hosts.refused() >= 3)
    assert hosts.services() == []
    assert "gateway_joined" not in pool.log


def test_a_stranger_in_a_loop_does_not_flood_the_log(hosts):
    hosts.make_keys("stranger")
    secret = (hosts.directory / "stranger.secret").read_text().split()[0].encode()
    keys = {"curve_secretkey": secret, "curve_publickey": public_key(hosts.directory, "stranger").encode(),
            "curve_serverkey": public_key(hosts.directory, "gateway").encode()}
    for _ in range(20):
        before = hosts.refused()
        with stranger(hosts.endpoint, reconnect_ivl=1, **keys):
            hosts.gateway.until(lambda: hosts.refused() > before)
    lines = hosts.gateway.log.count("tcp_client_refused")
    assert lines < hosts.refused()


# ---- the list changes ----------------------------------------------------------------------------

def test_who_is_taken_out_of_the_list_is_not_heard_any_more(hosts):
    hosts.make_keys("host-c")
    hosts.allow("host-b", "host-c")
    hosts.start_pool("password", key="host-c")
    hosts.start_pool("session", key="host-b")
    hosts.until_services("password", "session")
    hosts.allow("host-b")
    hosts.gateway.wait_line("tcp_clients_read .*taken_out=1")
    hosts.gateway.wait_line("pool_lost service=password .*silent")
    hosts.until_services("session")
    hosts.allow("host-b", "host-c")
    hosts.until_services("password", "session")


def test_a_list_that_makes_no_sense_changes_nothing(hosts):
    hosts.start_pool("password")
    hosts.until_services("password")
    hosts.allow(text="not a key\n")
    hosts.gateway.wait_line("tcp_clients_bad .*line 1 is no CURVE key")
    hosts.start_pool("session")
    hosts.until_services("password", "session")
    hosts.clients.unlink()
    hosts.gateway.wait_line("tcp_clients_bad .*No such file")
    hosts.start_pool("session")
    hosts.until_services("password", "session", "session")


# ---- one clear line ------------------------------------------------------------------------------

def bad_file(directory, kind):
    """(a key file that is no good, why)"""
    file = directory / "bad"
    if kind == "missing":
        return file, "No such file or directory"
    file.write_text("k3y" if kind == "garbage" else (directory / "gateway.secret").read_text())
    if kind == "open":
        file.chmod(0o604)
        return file, "others may read it, expected mode 0600 or 0640"
    file.chmod(0o600)
    return file, "line 1 is no CURVE key, expected 40 characters of Z85"


@pytest.fixture
def keys(directory, run):
    assert run("vote-keygen", directory / "gateway").returncode == 0
    return directory


def refuse(run, program, *arguments, settings):
    words = [word for setting in settings for word in ("--set", setting)]
    done = run(program, *arguments, "--config", "config/vote.yaml", *words)
    assert done.returncode == 1, done
    assert "k3y" not in done.stderr
    return done.stderr.splitlines()[-1] if "tcp_clients_read" in done.stderr else done.stderr.rstrip("\n")


@pytest.mark.parametrize("kind", ["missing", "garbage", "open"])
def test_a_gateway_with_a_bad_secret_does_not_start(keys, run, kind):
    file, why = bad_file(keys, kind)
    line = refuse(run, "vote-gateway", "--port", "0", settings=[
        f"gateway.ipc_dir={keys}", "gateway.tcp_endpoint=tcp://127.0.0.1:*",
        f"gateway.curve_secret_file={file}", f"gateway.curve_clients_file={keys}/gateway.public"])
    assert line == f"vote-gateway: queues: {file}: {why}"


@pytest.mark.parametrize("kind", ["missing", "garbage"])
def test_a_gateway_with_a_bad_list_does_not_start(keys, run, kind):
    file, why = bad_file(keys, kind)
    line = refuse(run, "vote-gateway", "--port", "0", settings=[
        f"gateway.ipc_dir={keys}", "gateway.tcp_endpoint=tcp://127.0.0.1:*",
        f"gateway.curve_secret_file={keys}/gateway.secret", f"gateway.curve_clients_file={file}"])
    assert line == f"vote-gateway: queues: {file}: {why}"


@pytest.mark.parametrize("kind", ["missing", "garbage", "open"])
def test_a_pool_with_a_bad_secret_does_not_start(keys, run, kind):
    file, why = bad_file(keys, kind)
    line = refuse(run, "vote-worker", "password", "--gateway", "tcp://127.0.0.1:1", settings=[
        f"pools.curve_secret_file={file}", f"pools.curve_server_file={keys}/gateway.public"])
    assert line == f"vote-worker: {file}: {why}"


def test_tcp_without_keys_does_not_start(run):
    line = refuse(run, "vote-worker", "password", "--gateway", "tcp://127.0.0.1:1",
                  settings=["pools.curve_secret_file=a"])
    assert line == "--gateway: pools.gateways: tcp:// needs keys, expected pools.curve_server_file too"
    line = refuse(run, "vote-gateway", settings=["gateway.tcp_endpoint=tcp://127.0.0.1:*",
                                                 "gateway.curve_secret_file=a"])
    assert line == "--set: gateway.tcp_endpoint: tcp:// needs keys, expected gateway.curve_clients_file too"


def test_an_endpoint_that_is_taken_is_told(hosts, run):
    line = refuse(run, "vote-gateway", "--port", "0", settings=[
        f"gateway.ipc_dir={hosts.directory}", f"gateway.tcp_endpoint={hosts.endpoint}",
        f"gateway.curve_secret_file={hosts.directory}/gateway.secret",
        f"gateway.curve_clients_file={hosts.clients}"])
    assert line == f"vote-gateway: queues: {hosts.endpoint}: Address already in use"


# ---- vote-keygen ---------------------------------------------------------------------------------

def test_keygen_keeps_the_secret_from_others_and_replaces_nothing(directory, run):
    done = run("vote-keygen", directory / "a")
    assert done.returncode == 0
    secret, public = directory / "a.secret", directory / "a.public"
    assert stat.S_IMODE(os.stat(secret).st_mode) == 0o600
    first, other = secret.read_text(), public.read_text()
    assert first.split()[0] not in done.stdout
    assert other.split() == [public_key(directory, "a"), "a"]
    again = run("vote-keygen", directory / "a")
    assert (again.returncode, again.stderr) == (1, f"vote-keygen: {secret}: File exists\n")
    assert (secret.read_text(), public.read_text()) == (first, other)


def test_keygen_leaves_no_half_pair(directory, run):
    (directory / "a.public").write_text("here before\n")
    assert run("vote-keygen", directory / "a").returncode == 1
    assert not (directory / "a.secret").exists()
