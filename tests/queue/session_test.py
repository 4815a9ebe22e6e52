"""The session pool, alone, with a real Redis."""
import asyncio
import json
import select
import sys
import time

import pytest
import redis.asyncio as redis_asyncio

from tests.fixtures.queues import LateServer, Redis


@pytest.fixture
def session(gateway, start_pool, own_redis):
    """Ask the pool: session("session_read", session_id="…") → the answer."""
    start_pool("session", "session.idle_s=600", "session.absolute_s=86400")
    peer = gateway.ready().peer

    def ask(message, **body):
        return gateway.ask(peer, message, body)

    ask.peer, ask.gateway, ask.redis = peer, gateway, own_redis.client
    return ask


LOG_IN = {"user_id": 1, "old_session_id": ""}


def stored(uid=1, created=None, **more):
    created = int(time.time()) if created is None else created
    return json.dumps({"created": created, "session": {"uid": uid, **more}})


def test_a_session_created_is_read_and_once_deleted_is_gone(session):
    made = session("session_create", user_id=42, old_session_id="")
    assert made.status == "OK"
    session_id = made.body["session_id"]
    assert len(session_id) == 64 and int(session_id, 16) > 0
    read = session("session_read", session_id=session_id)
    assert (read.status, read.body["user_id"]) == ("OK", 42)
    assert abs(read.body["created"] - time.time()) < 5
    assert session("session_delete", session_id=session_id).status == "OK"
    assert session("session_read", session_id=session_id).status == "NOT_LOGGED_IN"
    assert session("session_delete", session_id=session_id).status == "OK"


def test_what_redis_holds_is_what_aiohttp_session_would_write(session):
    session_id = session("session_create", user_id=7, old_session_id="").body["session_id"]
    key = f"sessionid_{session_id}"
    assert session.redis.keys("*") == [key.encode()]
    value = json.loads(session.redis.get(key))
    assert value == {"created": value["created"], "session": {"uid": 7}}
    assert 600 < session.redis.ttl(key) <= 618  # a 32nd more than idle_s


def test_logging_in_gives_another_id_and_deletes_the_old_session(session):
    old = session("session_create", user_id=1, old_session_id="").body["session_id"]
    new = session("session_create", user_id=1, old_session_id=old).body["session_id"]
    assert new != old
    assert session("session_read", session_id=old).status == "NOT_LOGGED_IN"
    assert session("session_read", session_id=new).status == "OK"


def test_an_old_id_that_is_none_does_not_stand_in_the_way(session):
    for old in ("never seen", "a\r\nDEL x", "投票", "\x00", " "):
        assert session("session_create", user_id=1, old_session_id=old).status == "OK"
    assert len(session.redis.keys("*")) == 5


@pytest.mark.parametrize("left_ms", [30000, 599900, 640000, 10**12])
def test_reading_moves_the_idle_expiry(session, left_ms):
    session.redis.set("sessionid_abc", stored(), px=left_ms)
    assert session("session_read", session_id="abc").status == "OK"
    assert 610000 < session.redis.pttl("sessionid_abc") <= 618000


def test_reading_writes_nothing_while_all_of_idle_s_is_left(session):
    session.redis.set("sessionid_abc", stored(), ex=610)
    before = session.redis.info("commandstats")
    for _ in range(20):
        assert session("session_read", session_id="abc").status == "OK"
    after = session.redis.info("commandstats")
    changed = {name.removeprefix("cmdstat_") for name in after
               if after[name]["calls"] > before.get(name, {"calls": 0})["calls"]}
    assert changed - {"info", "ping"} == {"get", "pttl"}
    assert session.redis.ttl("sessionid_abc") <= 610


def test_a_session_that_never_ended_gets_an_end(session):
    session.redis.set("sessionid_abc", stored())
    assert session("session_read", session_id="abc").status == "OK"
    assert session.redis.ttl("sessionid_abc") > 500


def test_a_session_past_its_absolute_end_is_refused_and_deleted(session):
    session.redis.set("sessionid_old", stored(created=int(time.time()) - 86401))
    session.redis.set("sessionid_young", stored(created=int(time.time()) - 86300))
    assert session("session_read", session_id="old").status == "NOT_LOGGED_IN"
    assert session("session_read", session_id="young").status == "OK"
    assert session.redis.keys("*") == [b"sessionid_young"]


def test_an_unreadable_value_is_no_session_and_no_crash(session):
    values = [b"", b"x", b"null", b"[]", b"{}", b'{"created": 1}', b"\xff\xfe", b"{" * 100000,
              b'{"created": 1, "session": 5}', stored(uid=0), stored(uid="1"), stored(uid=None),
              stored(uid=True), stored(uid=2**63), stored(created="now")]
    for value in values:
        session.redis.set("sessionid_x", value)
        assert session("session_read", session_id="x").status == "NOT_LOGGED_IN", value
    session.redis.delete("sessionid_x")
    session.redis.rpush("sessionid_x", "not a text")
    assert session("session_read", session_id="x").status == "NOT_LOGGED_IN"
    session.redis.set("sessionid_good", stored(uid=9))
    assert session("session_read", session_id="good").body["user_id"] == 9


def test_a_strange_id_is_no_session_and_reaches_no_other_key(session):
    session.redis.set("sessionid_a", stored())
    session.redis.set("secret", stored())
    for strange in ("b", "../secret", "a ", " a", "a\n", "a\x00", "*", "投票", "' OR 1=1 --",
                    "<script>", "x" * 128):
        assert session("session_read", session_id=strange).status == "NOT_LOGGED_IN", strange
        assert session("session_delete", session_id=strange).status == "OK"
    assert session("session_read", session_id="a").status == "OK"
    assert session.redis.exists("secret")


@pytest.mark.parametrize("message, body", [
    ("session_read", {}),
    ("session_read", {"session_id": ""}),
    ("session_read", {"session_id": "x" * 129}),
    ("session_read", {"session_id": 1}),
    ("session_create", {"user_id": 0, "old_session_id": ""}),
    ("session_create", {"user_id": 2**63, "old_session_id": ""}),
    ("session_create", {"user_id": "1", "old_session_id": ""}),
    ("session_delete", {"session_id": None}),
    ("session_delete", b"\xff"),
])
def test_a_bad_field_is_answered_with_bad_message(session, message, body):
    answer = session.gateway.ask(session.peer, message, body)
    assert (answer.status, answer.message) == ("BAD_MESSAGE", "error")
    assert answer.body["detail"]
    assert session.redis.keys("*") == []


def test_reads_that_wait_together_are_answered_together_each_for_itself(gateway, start_pool,
                                                                        own_redis):
    for i in range(1, 101, 2):
        own_redis.client.set(f"sessionid_{i}", stored(uid=i))
    own_redis.client.set("sessionid_first", stored())
    start_pool("session", "--threads", 1, "caches.default.timeout_ms=60000")
    peer = gateway.ready().peer
    gateway.ask(peer, "session_read", {"session_id": "warm"})
    before = own_redis.client.info("commandstats")["cmdstat_pttl"]["calls"]
    own_redis.client.client_pause(60000, all=False)
    # waits there with its EXPIRE, the rest behind it
    gateway.send(peer, "session_read", {"session_id": "first"})
    gateway.expect(lambda f: f.message == "heartbeat" and f.body["busy"] == 1)
    slots = {gateway.send(peer, "session_read", {"session_id": str(i)}): i for i in range(1, 101)}
    gateway.expect(lambda f: f.message == "heartbeat" and f.body["queued"] == 100)
    own_redis.client.client_unpause()
    batches = set()
    for slot, i in slots.items():
        answer = gateway.answer(slot)
        batches.add(answer.batch)
        assert answer.status == ("OK" if i % 2 else "NOT_LOGGED_IN"), i
        assert i % 2 == 0 or answer.body["user_id"] == i
    assert max(batches) == 64
    assert own_redis.client.info("commandstats")["cmdstat_pttl"]["calls"] - before == 101


# ---- with a Python service ----------------------------------------------------------------------


def aiohttp_storage(socket):
    redis_asyncio.__version__ = "2.0.1"
    sys.modules["aioredis"] = redis_asyncio  # the name under which it asks for this library
    from aiohttp_session.redis_storage import RedisStorage

    return RedisStorage(redis_asyncio.Redis(unix_socket_path=str(socket)), cookie_name="sessionid",
                        max_age=1000)


class Request:
    def __init__(self, session_id):
        self.cookies = {"sessionid": session_id} if session_id else {}


class Response:
    def __init__(self):
        self.cookies = {}

    def set_cookie(self, name, value, **_):
        self.cookies[name] = value

    def del_cookie(self, name, **_):
        self.cookies.pop(name, None)


def test_a_session_written_by_aiohttp_session_is_read(session, own_redis):
    async def log_in():
        storage, response = aiohttp_storage(own_redis.socket), Response()
        one = await storage.load_session(Request(None))
        one["uid"] = 11
        one["cart"] = ["äpfel", {"a": None}]
        await storage.save_session(Request(None), response, one)
        await storage._redis.close()
        return response.cookies["sessionid"]

    session_id = asyncio.run(log_in())
    answer = session("session_read", session_id=session_id)
    assert (answer.status, answer.body["user_id"]) == ("OK", 11)
    assert abs(answer.body["created"] - time.time()) < 5


def test_our_session_is_read_by_aiohttp_session(session, own_redis):
    session_id = session("session_create", user_id=12, old_session_id="").body["session_id"]

    async def look():
        storage = aiohttp_storage(own_redis.socket)
        one = await storage.load_session(Request(session_id))
        await storage._redis.close()
        return one

    one = asyncio.run(look())
    assert (dict(one), one.new, one.identity) == ({"uid": 12}, False, session_id)
    assert abs(one.created - time.time()) < 5


def test_a_session_emptied_by_aiohttp_session_is_over_here(session, own_redis):
    session_id = session("session_create", user_id=12, old_session_id="").body["session_id"]

    async def log_out():
        storage = aiohttp_storage(own_redis.socket)
        one = await storage.load_session(Request(session_id))
        one.invalidate()
        await storage.save_session(Request(session_id), Response(), one)
        await storage._redis.close()

    asyncio.run(log_out())
    assert session("session_read", session_id=session_id).status == "NOT_LOGGED_IN"


# ---- when Redis fails ---------------------------------------------------------------------------


def test_without_redis_answers_come_at_once_and_the_log_says_so_once(gateway, start_pool,
                                                                     directory):
    pool = start_pool("session", "--threads", 1)
    peer = gateway.ready().peer
    start = time.monotonic()
    for _ in range(50):
        assert gateway.ask(peer, "session_read", {"session_id": "a"}).status == "UNAVAILABLE"
        assert gateway.ask(peer, "session_create", LOG_IN).status == "UNAVAILABLE"
    assert time.monotonic() - start < 2
    assert pool.log.count("redis_away") == 1


def test_when_redis_comes_back_so_does_the_pool_within_two_seconds(gateway, start_pool, own_redis):
    pool = start_pool("session", "--threads", 1)
    peer = gateway.ready().peer
    read = lambda: gateway.ask(peer, "session_read", {"session_id": "a"}).status
    assert read() == "NOT_LOGGED_IN"
    own_redis.kill()
    assert read() == "UNAVAILABLE"
    own_redis.start()
    start = time.monotonic()
    gateway.until(lambda: read() == "NOT_LOGGED_IN")
    assert time.monotonic() - start < 2
    pool.wait_line("redis_back")


def test_a_connection_closed_while_idle_costs_nobody_an_answer(gateway, start_pool, own_redis):
    start_pool("session", "--threads", 1)
    peer = gateway.ready().peer
    asks = [("session_read", {"session_id": "a"}, "NOT_LOGGED_IN"),
            ("session_create", LOG_IN, "OK"),
            ("session_delete", {"session_id": "a"}, "OK")]
    for message, body, expected in asks * 2:
        assert gateway.ask(peer, message, body).status == expected
        own_redis.client.execute_command("CLIENT KILL TYPE normal SKIPME yes")


def test_a_flushed_redis_logs_out_and_breaks_nothing(session):
    session_id = session("session_create", user_id=1, old_session_id="").body["session_id"]
    session.redis.flushall()
    assert session("session_read", session_id=session_id).status == "NOT_LOGGED_IN"
    assert session("session_create", user_id=1, old_session_id=session_id).status == "OK"


def test_a_redis_that_hangs_costs_one_timeout_and_then_nothing(gateway, start_pool, own_redis):
    start_pool("session", "--threads", 1, "caches.default.timeout_ms=200",
               "caches.default.connect_timeout_ms=200")
    peer = gateway.ready().peer
    assert gateway.ask(peer, "session_read", {"session_id": "a"}).status == "NOT_LOGGED_IN"
    own_redis.client.client_pause(1000)
    start = time.monotonic()
    assert gateway.ask(peer, "session_read", {"session_id": "a"}).status == "UNAVAILABLE"
    assert 0.15 < time.monotonic() - start < 1
    gateway.until(
        lambda: gateway.ask(peer, "session_read", {"session_id": "a"}).status == "NOT_LOGGED_IN")


@pytest.mark.parametrize("reply, status, leaves", [
    ("-LOADING Redis is loading the dataset in memory", "UNAVAILABLE", False),
    ("-READONLY You can't write against a read only replica.", "UNAVAILABLE", True),
    ("-MASTERDOWN Link with MASTER is down", "UNAVAILABLE", True),
    ("-NOAUTH Authentication required.", "UNAVAILABLE", True),
    ("-OOM command not allowed when used memory > 'maxmemory'.", "UNAVAILABLE", False),
    ("-MISCONF Redis is configured to save RDB snapshots", "UNAVAILABLE", False),
    ("-ERR unknown command, with args beginning with: 'sessionid_TOPSECRET'", "INTERNAL", False),
])
def test_each_error_reply_has_its_own_handling(gateway, start_pool, directory, reply, status,
                                               leaves):
    server = LateServer(directory / "redis.sock")
    pool = start_pool("session", "--threads", 1)
    peer = gateway.ready().peer
    slot = gateway.send(peer, "session_read", {"session_id": "TOPSECRET"})
    connection = server.accept()
    assert b"TOPSECRET" in connection.recv(65536)
    connection.sendall(reply.encode() + b"\r\n:-2\r\n")
    assert gateway.answer(slot).status == status
    good = gateway.send(peer, "session_read", {"session_id": "b"}) if not leaves else None
    if leaves:
        assert connection.recv(1) == b""  # it left
    else:
        assert b"sessionid_b" in connection.recv(65536)
        connection.sendall(b"$-1\r\n:-2\r\n")
        assert gateway.answer(good).status == "NOT_LOGGED_IN"
    assert "TOPSECRET" not in pool.log
    connection.close()
    server.close()


def test_a_full_redis_refuses_log_ins_and_still_reads(gateway, start_pool, directory):
    server = Redis(directory, "--maxmemory-policy", "noeviction")
    try:
        start_pool("session", "--threads", 1)
        peer = gateway.ready().peer
        session_id = gateway.ask(peer, "session_create", LOG_IN).body["session_id"]
        server.client.config_set("maxmemory", "1")
        create = {"user_id": 6, "old_session_id": session_id}
        read = {"session_id": session_id}
        assert gateway.ask(peer, "session_create", create).status == "UNAVAILABLE"
        assert gateway.ask(peer, "session_read", read).body["user_id"] == 1
        server.client.config_set("maxmemory", "0")
        assert gateway.ask(peer, "session_create", create).status == "OK"
        assert gateway.ask(peer, "session_read", read).status == "NOT_LOGGED_IN"
    finally:
        server.kill()


def test_a_password_and_a_database_number_are_used_on_every_connection(gateway, start_pool,
                                                                       directory):
    server = Redis(directory, "--requirepass", "open sesame")
    try:
        admin = type(server.client)(unix_socket_path=str(server.socket), password="open sesame",
                                    db=3)
        start_pool("session", "--threads", 1, "caches.default.password=open sesame",
                   "caches.default.db=3")
        peer = gateway.ready().peer
        for _ in range(3):
            made = gateway.ask(peer, "session_create", LOG_IN)
            assert admin.exists(f"sessionid_{made.body['session_id']}")
            admin.execute_command("CLIENT KILL TYPE normal SKIPME yes")
    finally:
        server.kill()


def test_a_wrong_password_is_unavailable_and_never_in_the_log(gateway, start_pool, directory):
    server = Redis(directory, "--requirepass", "open sesame")
    try:
        pool = start_pool("session", "--threads", 1, "caches.default.password=wrong guess")
        peer = gateway.ready().peer
        assert gateway.ask(peer, "session_read", {"session_id": "a"}).status == "UNAVAILABLE"
        pool.wait_line("WRONGPASS")
        assert "wrong guess" not in pool.log
    finally:
        server.kill()


# ---- never another user's session ---------------------------------------------------------------


def resp(value):
    return b"$%d\r\n%s\r\n" % (len(value), value.encode())


ENOUGH = b":%d\r\n" % (1209600 * 1000 + 1)  # between idle_s and what it may be: not to be moved


def hold(connection, uid, command):
    """Answer the reads of a command: this user's session, who never logged out everywhere."""
    reads = command.count(b"PTTL")
    connection.sendall(reads * (resp(stored(uid=uid)) + ENOUGH))
    assert connection.recv(65536).count(f"sessionid:epoch:{uid}".encode()) == reads
    connection.sendall(reads * b"$-1\r\n")


@pytest.fixture
def late(gateway, start_pool, directory):
    server = LateServer(directory / "redis.sock")
    start_pool("session", "--threads", 1, "caches.default.timeout_ms=150",
               "caches.default.connect_timeout_ms=2000")
    server.peer = gateway.ready().peer
    yield server
    server.close()


def test_a_reply_that_comes_too_late_is_nobodys_session(gateway, late):
    first = gateway.send(late.peer, "session_read", {"session_id": "alice"})
    connection = late.accept()
    assert b"alice" in connection.recv(65536)
    assert gateway.answer(first).status == "UNAVAILABLE"  # it waited for its time
    assert connection.recv(65536) == b""  # and nothing is ever read or asked here again
    try:
        connection.sendall(resp(stored(uid=1)))
    except BrokenPipeError:
        pass  # nobody is there to read it: as it should be
    bobs = []  # refused until the pool tries a new connection

    def bob_reaches_redis():
        bobs.append(gateway.send(late.peer, "session_read", {"session_id": "bob"}))
        return select.select([late.listener], [], [], 0)[0]

    gateway.until(bob_reaches_redis)
    other = late.accept()
    command = other.recv(65536)
    assert b"bob" in command and b"alice" not in command
    hold(other, 2, command)
    answers = [gateway.answer(slot) for slot in bobs]
    assert {a.status for a in answers} <= {"OK", "UNAVAILABLE"}
    assert {a.body["user_id"] for a in answers if a.status == "OK"} == {2}


def test_a_reply_to_nobody_on_an_idle_connection_is_not_taken_for_an_answer(gateway, late):
    first = gateway.send(late.peer, "session_read", {"session_id": "alice"})
    connection = late.accept()
    command = connection.recv(65536)
    assert b"alice" in command
    hold(connection, 1, command)
    assert gateway.answer(first).body["user_id"] == 1
    connection.sendall(resp(stored(uid=1)))  # once more, asked by nobody
    second = gateway.send(late.peer, "session_read", {"session_id": "bob"})
    other = late.accept()
    command = other.recv(65536)
    assert b"bob" in command
    hold(other, 2, command)
    assert gateway.answer(second).body["user_id"] == 2


def test_a_reply_too_many_spoils_the_whole_answer(gateway, late):
    first = gateway.send(late.peer, "session_read", {"session_id": "bob"})
    connection = late.accept()
    assert b"bob" in connection.recv(65536)
    connection.sendall(resp(stored(uid=1)) + ENOUGH + resp(stored(uid=2)))
    assert gateway.answer(first).status == "UNAVAILABLE"
    assert connection.recv(1) == b""


@pytest.mark.parametrize("nonsense", [
    b"HTTP/1.1 200 OK\r\n\r\n", b"$-5\r\n", b"*99999999999999999999\r\n", b":x\r\n", bytes(10)])
def test_nonsense_instead_of_a_reply_is_unavailable(gateway, late, nonsense):
    first = gateway.send(late.peer, "session_read", {"session_id": "bob"})
    connection = late.accept()
    assert b"bob" in connection.recv(65536)
    connection.sendall(nonsense)
    answer = gateway.answer(first)
    assert answer.status in ("UNAVAILABLE", "NOT_LOGGED_IN")
    connection.close()


def test_a_reply_in_small_pieces_has_one_time_limit_for_all_of_them(gateway, late):
    first = gateway.send(late.peer, "session_read", {"session_id": "bob"})
    connection = late.accept()
    assert b"bob" in connection.recv(65536)
    start = time.monotonic()
    try:
        for byte in resp(stored(uid=1)):
            connection.sendall(bytes([byte]))
            if gateway.router.poll(40):
                break
    except BrokenPipeError:
        pass
    assert gateway.answer(first).status == "UNAVAILABLE"
    assert time.monotonic() - start < 1
