"""How sessions end: everywhere at once, by themselves; and that nobody chooses their id."""
import json
import secrets
import time

import pytest

EPOCH = "sessionid:epoch:1"


class Pool:
    def __init__(self, gateway, redis):
        self.gateway, self.peer, self.redis = gateway, gateway.ready().peer, redis

    def ask(self, message, **body):
        return self.gateway.ask(self.peer, message, body)

    def log_in(self, user=1, old=""):
        return self.ask("session_create", user_id=user, old_session_id=old).body["session_id"]

    def reads(self, session_id):
        return self.ask("session_read", session_id=session_id).status

    def end_all(self, user=1):
        assert self.ask("session_delete_all", user_id=user).status == "OK"

    def store(self, user=1, created=None):
        """A session as another service writes it."""
        session_id = secrets.token_hex(16)
        value = {"created": int(time.time()) if created is None else created,
                 "session": {"uid": user, "more": {"uid": 99}}}
        self.redis.set(f"sessionid_{session_id}", json.dumps(value))
        return session_id

    def created(self, session_id):
        return json.loads(self.redis.get(f"sessionid_{session_id}"))["created"]


@pytest.fixture
def start(gateway, start_pool, own_redis):
    def start_one(*settings):
        start_pool("session", "session.idle_s=600", "session.absolute_s=86400", *settings)
        return Pool(gateway, own_redis.client)

    return start_one


@pytest.fixture
def pool(start):
    return start()


# ---- everywhere ---------------------------------------------------------------------------------


def test_logging_out_everywhere_ends_every_session_of_the_user_and_of_no_other(pool):
    mine = [pool.log_in(1) for _ in range(3)] + [pool.store(1)]
    other = [pool.log_in(2), pool.store(2)]
    pool.end_all(1)
    assert [pool.reads(one) for one in mine] == ["NOT_LOGGED_IN"] * 4
    assert [pool.reads(one) for one in other] == ["OK"] * 2
    assert len(pool.redis.keys("sessionid_*")) == 2  # what was found over is gone


def test_who_logs_in_again_within_the_same_second_is_logged_in(pool):
    before = []
    for _ in range(5):  # much faster than a second each
        pool.end_all()
        assert all(pool.reads(one) == "NOT_LOGGED_IN" for one in before)
        before.append(pool.log_in())
        assert pool.reads(before[-1]) == "OK"
    assert len({*before}) == 5


@pytest.mark.parametrize("age, status", [(1, "NOT_LOGGED_IN"), (0, "NOT_LOGGED_IN"), (-1, "OK")])
def test_a_session_made_before_the_epoch_or_in_its_second_is_over(pool, age, status):
    epoch = int(time.time()) - 100
    pool.redis.set(EPOCH, epoch)
    session_id = pool.store(created=epoch - age)
    assert pool.reads(session_id) == status
    assert pool.redis.exists(f"sessionid_{session_id}") == (status == "OK")


def test_an_epoch_is_kept_as_long_as_a_session_can_live(pool):
    pool.end_all()
    assert abs(int(pool.redis.get(EPOCH)) - time.time()) < 5
    assert 86390 < pool.redis.ttl(EPOCH) <= 86402


def test_an_epoch_never_goes_back(pool):
    later = int(time.time()) + 50
    pool.redis.set(EPOCH, later)
    session_id = pool.log_in()
    assert pool.created(session_id) == later + 1 and pool.reads(session_id) == "OK"
    pool.end_all()
    assert int(pool.redis.get(EPOCH)) == later + 1 and pool.reads(session_id) == "NOT_LOGGED_IN"
    assert pool.redis.ttl(EPOCH) > 86400 + 40


@pytest.mark.parametrize("value", ["", "x", "1.5", "-1", "9" * 30, str(2**63 - 1)])
def test_an_epoch_that_cannot_be_read_lets_nobody_in_and_harms_no_other(pool, value):
    session_id, other = pool.store(1), pool.store(2)
    pool.redis.set(EPOCH, value)
    assert pool.reads(session_id) == "INTERNAL"
    assert pool.reads(other) == "OK"
    create = pool.ask("session_create", user_id=1, old_session_id="")
    assert create.status == "INTERNAL"


def test_an_epoch_of_another_type_lets_nobody_in(pool):
    session_id = pool.store()
    pool.redis.rpush(EPOCH, "1")
    assert pool.reads(session_id) == "INTERNAL"
    assert pool.ask("session_delete_all", user_id=1).status != "OK"


@pytest.mark.parametrize("name", ["sessionid", "session", "s"])
def test_no_cookie_names_an_epoch_or_a_count(start, name):
    pool = start(f"session.cookie_name={name}")
    pool.end_all(1)
    pool.ask("attempt_count", kind="login", account="a", address="b")
    held = {key: pool.redis.ttl(key) for key in pool.redis.keys("*")}
    assert len(held) == 5 and f"{name}:epoch:1".encode() in held
    for key in held:
        tail = key.decode()[len(name):]
        for cookie in (tail, tail[1:], tail.replace(":", "_")[1:], f"x{tail}", key.decode()):
            assert pool.reads(cookie) == "NOT_LOGGED_IN"
            pool.ask("session_delete", session_id=cookie)
            pool.ask("session_create", user_id=5, old_session_id=cookie)
    for key, ttl in held.items():
        assert ttl - 20 <= pool.redis.ttl(key) <= ttl, key


def test_without_redis_nobody_is_logged_out_everywhere_without_knowing(pool, own_redis):
    own_redis.kill()
    assert pool.ask("session_delete_all", user_id=1).status == "UNAVAILABLE"


@pytest.mark.parametrize("body", [{}, {"user_id": 0}, {"user_id": "1"}, {"user_id": 2**63}])
def test_logging_out_everywhere_needs_a_user(pool, body):
    assert pool.ask("session_delete_all", **body).status == "BAD_MESSAGE"
    assert not pool.redis.keys("*")


def test_reads_of_one_batch_are_judged_each_by_its_own_user(gateway, pool):
    sessions = [(user, pool.store(user)) for user in range(1, 41)]
    for user in range(1, 41, 2):
        pool.end_all(user)
    pool.redis.client_pause(200)  # the first reads wait here, the rest behind them
    slots = [gateway.send(pool.peer, "session_read", {"session_id": one}) for _, one in sessions]
    for slot, (user, _) in zip(slots, sessions):
        answer = gateway.answer(slot)
        assert answer.status == ("NOT_LOGGED_IN" if user % 2 else "OK"), user
        assert user % 2 or answer.body["user_id"] == user
    assert len(pool.redis.keys("sessionid_*")) == 20


# ---- by themselves ------------------------------------------------------------------------------


def test_no_amount_of_reading_carries_a_session_past_its_absolute_end(pool):
    session_id = pool.store(created=int(time.time()) - 86390)
    for _ in range(3):
        assert pool.reads(session_id) == "OK"
    value = {"created": int(time.time()) - 86400, "session": {"uid": 1}}
    pool.redis.set(f"sessionid_{session_id}", json.dumps(value), ex=600)
    assert pool.reads(session_id) == "NOT_LOGGED_IN"
    assert not pool.redis.exists(f"sessionid_{session_id}")


def test_reading_one_session_keeps_no_other_alive(pool):
    one, other = pool.log_in(), pool.log_in()
    pool.redis.expire(f"sessionid_{one}", 50)
    pool.redis.expire(f"sessionid_{other}", 50)
    assert pool.reads(one) == "OK"
    assert pool.redis.ttl(f"sessionid_{one}") > 590 and pool.redis.ttl(f"sessionid_{other}") <= 50


# ---- fixation -----------------------------------------------------------------------------------


@pytest.mark.parametrize("chosen", ["f" * 64, "a", "known", "*"])
def test_an_id_somebody_chose_never_becomes_a_session(pool, chosen):
    assert pool.reads(chosen) == "NOT_LOGGED_IN"
    assert not pool.redis.keys("*")  # looking at it makes nothing
    session_id = pool.log_in(old=chosen)
    assert session_id != chosen and pool.reads(chosen) == "NOT_LOGGED_IN"
    assert pool.redis.keys("*") == [f"sessionid_{session_id}".encode()]


def test_the_session_of_an_attacker_is_not_the_victims_after_the_victim_logs_in_with_it(pool):
    planted = pool.log_in(user=66)
    victims = pool.log_in(user=1, old=planted)
    assert pool.reads(planted) == "NOT_LOGGED_IN"
    assert pool.ask("session_read", session_id=victims).body["user_id"] == 1
