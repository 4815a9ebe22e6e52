"""Redis refuses, is late, or is somebody else than before: nobody gets anything that is not theirs."""
import contextlib
import socket
import threading
import time

import pytest
import redis as redis_client

from tests.fixtures.queues import LateServer

LOG_IN = {"user_id": 1, "old_session_id": ""}
ATTEMPT = {"kind": "login", "account": "a@example.com", "address": "192.0.2.1"}
ASKS = {"session_read": {"session_id": "a"}, "session_create": LOG_IN, "session_delete": {"session_id": "a"},
        "session_delete_all": {"user_id": 1}, "attempt_count": ATTEMPT, "attempt_clear": ATTEMPT}
NOTHING_THERE = ("OK", "NOT_LOGGED_IN")


class Pool:
    def __init__(self, gateway, process):
        self.gateway, self.process, self.peer = gateway, process, gateway.ready().peer

    def send(self, message):
        return self.gateway.send(self.peer, message, ASKS[message])

    def status(self, message, **body):
        return self.gateway.ask(self.peer, message, body or ASKS[message]).status

    def log_in(self, user):
        return self.gateway.ask(self.peer, "session_create", {**LOG_IN, "user_id": user}).body["session_id"]

    def user(self, session_id):
        answer = self.gateway.ask(self.peer, "session_read", {"session_id": session_id})
        return answer.body["user_id"] if answer.status == "OK" else answer.status

    def until_it_serves(self):
        self.gateway.until(lambda: all(self.status(message) in NOTHING_THERE for message in ASKS))


@pytest.fixture
def pool(gateway, start_pool, own_redis):
    one = Pool(gateway, start_pool("session", "--threads", 1, "throttle.login_account=1000",
                                   "throttle.login_address=1000", "throttle.login_attempts=1000"))
    one.until_it_serves()
    return one


@pytest.fixture
def fake(gateway, start_pool, directory):
    """A pool whose Redis is played by the test: fake.pool, fake.listener, fake.accept()."""
    server = LateServer(directory / "redis.sock")
    server.pool = Pool(gateway, start_pool("session", "--threads", 1, "caches.default.timeout_ms=150",
                                           "caches.default.connect_timeout_ms=2000"))
    yield server
    server.close()


# ---- a server that refuses ----------------------------------------------------------------------


def refuses_writes(pool, word):
    session_id = pool.log_in(7)
    yield
    assert pool.status("session_create") == "UNAVAILABLE"
    assert pool.status("attempt_count") == "UNAVAILABLE", "not known is not allowed"
    pool.process.wait_line(f"redis_error error={word}")
    yield
    pool.until_it_serves()
    assert pool.user(session_id) == 7


def test_a_server_that_became_a_replica_is_left_and_found_again(pool, own_redis):
    steps = refuses_writes(pool, "READONLY")
    next(steps)
    own_redis.client.replicaof("127.0.0.1", 1)
    next(steps)
    own_redis.client.replicaof("NO", "ONE")
    next(steps, None)


def test_a_server_that_may_not_write_without_replicas_refuses_until_it_may(pool, own_redis):
    steps = refuses_writes(pool, "NOREPLICAS")
    next(steps)
    own_redis.client.config_set("min-replicas-to-write", 1)
    next(steps)
    own_redis.client.config_set("min-replicas-to-write", 0)
    next(steps, None)


def test_a_server_that_cannot_save_refuses_until_it_can(pool, own_redis, directory):
    """MISCONF: it was told to keep a snapshot, and its last one failed."""
    steps = refuses_writes(pool, "MISCONF")
    next(steps)
    (directory / "dump.rdb").mkdir()  # where the snapshot would go
    own_redis.client.config_set("save", "3600 1")
    own_redis.client.bgsave()
    pool.gateway.until(lambda: own_redis.client.info("persistence")["rdb_last_bgsave_status"] == "err")
    next(steps)
    own_redis.client.config_set("save", "")
    next(steps, None)


def test_a_server_that_wants_a_password_now_is_told_once_and_lets_nobody_in(pool, own_redis):
    session_id = pool.log_in(7)
    own_redis.client.config_set("requirepass", "open sesame")
    own_redis.client.execute_command("CLIENT KILL TYPE normal SKIPME yes")
    start = time.monotonic()
    for message in (*ASKS, *ASKS):
        assert pool.status(message) == "UNAVAILABLE", message
    assert time.monotonic() - start < 1.5
    pool.process.wait_line("redis_error error=NOAUTH")
    own_redis.client.config_set("requirepass", "")
    pool.until_it_serves()
    assert pool.user(session_id) == 7


def test_a_server_busy_with_a_script_is_busy_and_serves_when_the_script_has_ended(pool, own_redis):
    session_id = pool.log_in(7)
    own_redis.client.config_set("busy-reply-threshold", 20)

    def loop():
        with contextlib.closing(redis_client.Redis(unix_socket_path=str(own_redis.socket))) as client, \
                contextlib.suppress(redis_client.ResponseError):
            client.eval("while true do end", 0)

    thread = threading.Thread(target=loop)
    thread.start()
    pool.gateway.until(lambda: pool.status("session_read") == "BUSY")
    assert pool.status("session_create") == "BUSY"
    own_redis.client.script_kill()
    thread.join()
    pool.until_it_serves()
    assert pool.user(session_id) == 7


@pytest.mark.parametrize("word", ["LOADING", "MASTERDOWN", "NOAUTH", "WRONGPASS", "ERR"])
def test_a_connection_is_not_used_unless_its_greeting_is_good(fake, word):
    slot = fake.pool.send("session_read")
    connection, _ = fake.listener.accept()
    assert b"PING" in connection.recv(65536)
    connection.sendall(f"-{word} not now\r\n".encode())
    assert fake.pool.gateway.answer(slot).status == "UNAVAILABLE"
    assert connection.recv(1) == b"", "it is closed, and nothing is asked on it"
    fake.pool.process.wait_line(f"redis_error error={word}")


# ---- late ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("message", ASKS)
def test_after_a_timeout_nothing_is_ever_read_from_that_connection_again(fake, message):
    slot = fake.pool.send(message)
    connection = fake.accept()
    assert connection.recv(65536)
    assert fake.pool.gateway.answer(slot).status == "UNAVAILABLE"
    assert connection.recv(65536) == b"", "closed"
    with contextlib.suppress(OSError):
        connection.sendall(b"+OK\r\n" * 8)
    fake.listener.settimeout(0.01)
    slots = []

    def reached():
        slots.append(fake.pool.send("session_delete"))
        with contextlib.suppress(socket.timeout):
            return fake.accept()

    other = fake.pool.gateway.until(reached)
    other.settimeout(20)
    assert b"sessionid_a" in other.recv(65536)
    other.close()
    statuses = {fake.pool.gateway.answer(slot).status for slot in slots}
    assert statuses == {"UNAVAILABLE"}, "the late answers were nobody's"


# ---- gone in the middle -------------------------------------------------------------------------


def test_a_read_under_way_on_a_connection_that_is_killed_is_asked_again(gateway, start_pool, own_redis):
    pool = Pool(gateway, start_pool("session", "--threads", 1, "caches.default.timeout_ms=60000",
                                    "caches.default.connect_timeout_ms=60000"))
    sessions = {pool.log_in(user): user for user in (1, 2, 3)}
    for one in sessions:
        own_redis.client.persist(f"sessionid_{one}")  # to be read is to be written
    own_redis.client.client_pause(60000, all=False)
    slots = {gateway.send(pool.peer, "session_read", {"session_id": one}): user
             for one, user in sessions.items()}
    gateway.until(lambda: int(own_redis.client.info("clients")["blocked_clients"]) >= 1)
    own_redis.client.execute_command("CLIENT KILL TYPE normal SKIPME yes")
    own_redis.client.client_unpause()
    for slot, user in slots.items():
        answer = gateway.answer(slot)
        assert (answer.status, answer.body.get("user_id")) == ("OK", user)


def test_what_waits_for_a_server_that_is_killed_is_told_at_once(gateway, start_pool, own_redis):
    pool = Pool(gateway, start_pool("session", "--threads", 1, "caches.default.timeout_ms=60000",
                                    "caches.default.connect_timeout_ms=60000"))
    pool.until_it_serves()
    own_redis.client.set("sessionid_a", '{"created": 1, "session": {"uid": 1}}')  # to be read is to be written
    own_redis.client.client_pause(60000, all=False)
    slots = [pool.send(message) for message in ASKS]
    gateway.until(lambda: int(own_redis.client.info("clients")["blocked_clients"]) >= 1)
    own_redis.kill()
    assert {gateway.answer(slot).status for slot in slots} == {"UNAVAILABLE"}
    own_redis.start()
    pool.until_it_serves()


def test_sessions_lost_with_a_restart_are_over_and_new_ones_begin(pool, own_redis):
    before = [pool.log_in(user) for user in (1, 2)]
    own_redis.kill()
    own_redis.start()
    pool.until_it_serves()
    assert [pool.user(one) for one in before] == ["NOT_LOGGED_IN"] * 2
    assert pool.user(pool.log_in(3)) == 3
