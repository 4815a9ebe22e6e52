"""The session pool counts attempts, with a real Redis. Time passes by moving what Redis holds."""

import pytest

LIMITS = ["throttle.login_attempts=3", "throttle.login_account=6", "throttle.login_address=9",
          "throttle.login_window_s=300", "throttle.register_address=4",
          "throttle.register_window_s=3600"]
VICTIM, HOME, AWAY = "victim@example.com", "192.0.2.1", "198.51.100.7"


class Pool:
    def __init__(self, gateway, peer, redis):
        self.gateway, self.peer, self.redis = gateway, peer, redis

    def ask(self, message, **body):
        return self.gateway.ask(self.peer, message, body)

    def count(self, account=VICTIM, address=HOME, kind="login"):
        answer = self.ask("attempt_count", kind=kind, account=account, address=address)
        assert answer.status == "OK", answer
        return answer.body

    def tries(self, account=VICTIM, address=HOME, kind="login"):
        """How many are allowed until one is not."""
        for done in range(1000):
            if not self.count(account, address, kind)["allowed"]:
                return done
        raise AssertionError("no limit")

    def clear(self, account=VICTIM, address=HOME, kind="login"):
        assert self.ask("attempt_clear", kind=kind, account=account, address=address).status == "OK"

    def keys(self, scope="*"):
        return [key.decode() for key in self.redis.keys(f"sessionid:attempts:{scope}:*")]

    def end_window(self, scope="*"):
        for key in self.keys(scope):
            if ":known:" not in key:
                self.redis.delete(key)


@pytest.fixture
def start(gateway, start_pool, own_redis):
    def start_one(*settings):
        start_pool("session", *LIMITS, *settings)
        return Pool(gateway, gateway.ready().peer, own_redis.client)

    return start_one


@pytest.fixture
def pool(start):
    return start()


# ---- windows ------------------------------------------------------------------------------------


def test_so_many_are_allowed_and_then_none_until_the_window_ends(pool):
    assert [pool.count()["remaining"] for _ in range(3)] == [2, 1, 0]
    refused = pool.count()
    assert (refused["allowed"], refused["remaining"]) == (False, 0)
    assert 290 < refused["retry_after_s"] <= 300
    pool.end_window("both")
    assert pool.count()["allowed"]


def test_every_count_ends_by_itself_after_its_window(pool):
    pool.count()
    pool.count("", kind="register")
    assert sorted(pool.redis.ttl(key) > 300 for key in pool.keys()) == [False, False, False, True]
    assert all(0 < pool.redis.ttl(key) <= 3600 for key in pool.keys())


def test_neither_more_attempts_nor_refused_ones_make_a_window_longer(pool):
    pool.count()
    key, = pool.keys("both")
    pool.redis.pexpire(key, 20000)
    assert pool.tries() == 2
    for _ in range(20):
        assert pool.count()["retry_after_s"] <= 20
    assert pool.redis.ttl(key) <= 20 and pool.redis.get(key) == b"3"


def test_a_window_is_over_when_redis_says_so(pool):
    assert pool.tries() == 3
    for key in pool.keys():
        pool.redis.pexpire(key, 1)
    pool.gateway.until(lambda: not pool.keys())
    assert pool.tries() == 3


def test_a_count_that_lost_its_end_gets_one_again(pool):
    assert pool.tries() == 3
    key, = pool.keys("both")
    pool.redis.persist(key)
    assert 0 < pool.count()["retry_after_s"] <= 300
    assert 0 < pool.redis.ttl(key) <= 300


def test_many_at_once_get_no_more_than_one_after_another(gateway, start_pool, own_redis):
    peers = []
    for _ in range(2):
        start_pool("session", *LIMITS, "--threads", 4)
        peers.append(gateway.ready().peer)
    body = {"kind": "login", "account": VICTIM, "address": HOME}
    slots = [gateway.send(peers[i % 2], "attempt_count", body) for i in range(60)]
    assert sum(gateway.answer(slot).body["allowed"] for slot in slots) == 3


# ---- whom a limit is about ----------------------------------------------------------------------


def test_an_account_is_one_in_any_case_and_accounts_are_apart(pool):
    assert pool.tries("victim@example.com") == 3
    assert not pool.count("Victim@EXAMPLE.com")["allowed"]
    assert pool.count("other@example.com")["allowed"]


def test_one_address_stops_at_its_limit_over_all_accounts(pool):
    assert sum(pool.tries(f"{n}@example.com") for n in range(10)) == 9
    assert pool.count("more@example.com", AWAY)["allowed"]


def test_one_account_stops_at_its_limit_over_all_addresses(pool):
    assert sum(pool.tries(VICTIM, f"203.0.113.{n}") for n in range(10)) == 6


def test_one_address_cannot_use_up_an_account_for_others(pool):
    assert pool.tries(VICTIM, AWAY) == 3
    for _ in range(100):
        assert not pool.count(VICTIM, AWAY)["allowed"]
    assert pool.tries(VICTIM, HOME) == 3


def test_an_owner_is_not_locked_out_at_an_address_where_they_logged_in_before(pool):
    pool.count()
    pool.clear()
    assert sum(pool.tries(VICTIM, f"203.0.113.{n}") for n in range(10)) == 6
    assert not pool.count(VICTIM, AWAY)["allowed"]
    assert pool.tries(VICTIM, HOME) == 3  # theirs to lose, and nobody else's
    key, = pool.keys("known")
    assert 2591000 < pool.redis.ttl(key) <= 2592000


def test_with_no_memory_for_addresses_every_address_is_strange(start):
    pool = start("throttle.known_s=0")
    pool.count()
    pool.clear()
    assert not pool.keys("known")
    assert sum(pool.tries(VICTIM, f"203.0.113.{n}") for n in range(10)) == 6
    assert not pool.count()["allowed"]


def test_what_is_no_account_counts_for_its_address_alone(pool):
    assert pool.tries("", AWAY) == 9
    assert pool.tries("", HOME) == 9


def test_a_log_in_and_a_registration_are_counted_apart(pool):
    assert pool.tries("", kind="register") == 4
    assert pool.tries() == 3
    refused = pool.count("", kind="register")
    assert 3590 < refused["retry_after_s"] <= 3600


def test_a_limit_of_zero_is_none(start):
    pool = start("throttle.login_attempts=0", "throttle.login_account=0",
                 "throttle.login_address=0", "throttle.register_address=0")
    for _ in range(50):
        assert pool.count()["allowed"] and pool.count("", kind="register")["allowed"]
    assert not pool.keys("both") and not pool.keys("account") and not pool.keys("address")


# ---- success ------------------------------------------------------------------------------------


def test_success_gives_all_attempts_of_the_account_at_that_address_back(pool):
    pool.count()
    pool.count()
    pool.clear()
    assert pool.tries() == 3


def test_success_takes_back_its_own_attempt_and_nobody_elses(pool):
    for _ in range(30):  # log-ins that succeed exhaust nothing
        assert pool.count()["allowed"]
        pool.clear()
    assert pool.tries(VICTIM, AWAY) == 3
    for _ in range(30):  # and free nobody else
        assert pool.count("mine@example.com", AWAY)["allowed"]
        pool.clear("mine@example.com", AWAY)
    assert not pool.count(VICTIM, AWAY)["allowed"]
    assert sorted(pool.redis.mget(pool.keys("account"))) == [b"0", b"3"]
    assert sum(pool.tries(f"{n}@example.com", AWAY) for n in range(10)) == 6


def test_success_where_the_account_was_not_counted_frees_nobody_who_guesses_at_it(pool):
    pool.count()
    pool.clear()  # the account knows HOME from now on
    assert sum(pool.tries(VICTIM, f"203.0.113.{n}") for n in range(10)) == 6
    for _ in range(5):
        pool.count()
        pool.clear()
    assert not pool.count(VICTIM, AWAY)["allowed"]


def test_a_success_nobody_counted_makes_no_room(pool):
    for _ in range(5):
        pool.clear()
    assert pool.tries() == 3
    for scope in ("account", "address"):
        assert all(int(pool.redis.get(key)) >= 0 for key in pool.keys(scope))


# ---- what Redis holds ---------------------------------------------------------------------------


def everything(redis):
    return b"\n".join(key + b" " + redis.dump(key) for key in redis.keys("*"))


def test_no_account_and_no_address_is_in_redis(pool):
    pool.count("Someone@example.com", "203.0.113.99")
    pool.clear("Someone@example.com", "203.0.113.99")
    pool.count("15400000001", "2001:db8:1:2::")
    pool.count("", "203.0.113.99", "register")
    held = everything(pool.redis).lower()
    for word in (b"someone", b"example", b"15400000001", b"203.0.", b"113.99", b"2001:", b":db8"):
        assert word not in held, word
    assert len(pool.keys()) == 7


@pytest.mark.parametrize("secret", ["a secret of this site", ""])
def test_all_pools_count_together_whether_the_secret_is_configured_or_not(start, secret):
    settings = [f"throttle.secret={secret}"] if secret else []
    pools = [start(*settings), start(*settings)]
    assert [pools[i % 2].count()["allowed"] for i in range(4)] == [True, True, True, False]
    assert bool(pools[0].redis.exists("sessionid:attempts:secret")) == (not secret)


def test_another_secret_gives_other_names(start):
    one, other = start("throttle.secret=one"), start("throttle.secret=two")
    one.count()
    names = set(one.keys())
    other.count()
    assert len(set(other.keys())) == 2 * len(names)


def test_a_secret_can_come_from_a_file(start, directory):
    (directory / "secret").write_text("of a file\n")
    by_file = start(f"throttle.secret_file={directory}/secret")
    by_text = start("throttle.secret=of a file")
    assert [by_file.count()["allowed"], by_text.count()["allowed"], by_file.count()["allowed"],
            by_text.count()["allowed"]] == [True, True, True, False]


def test_after_redis_lost_everything_the_pools_agree_again_at_once(start):
    pools = [start(), start()]
    for pool in pools:
        pool.count()
    pools[0].redis.flushall()
    assert [pools[i % 2].count()["allowed"] for i in range(4)] == [True, True, True, False]


# ---- when Redis fails ---------------------------------------------------------------------------


def test_a_redis_that_forgot_the_script_gets_it_again_and_no_error_is_logged(
        gateway, start_pool, own_redis):
    process = start_pool("session", *LIMITS, "--threads", 1)
    pool = Pool(gateway, gateway.ready().peer, own_redis.client)
    for _ in range(3):
        assert pool.count()["allowed"]
        own_redis.client.script_flush()
    assert not pool.count()["allowed"]
    own_redis.client.script_flush()
    pool.clear()
    assert pool.tries() == 3
    assert "redis_error" not in process.log


def test_without_redis_nothing_is_allowed(pool, own_redis):
    pool.count()
    own_redis.kill()
    body = {"kind": "login", "account": VICTIM, "address": HOME}
    assert pool.ask("attempt_count", **body).status == "UNAVAILABLE"
    assert pool.ask("attempt_clear", **body).status == "UNAVAILABLE"
    own_redis.start()
    pool.gateway.until(lambda: pool.ask("attempt_count", **body).status == "OK")
    assert pool.tries() == 2


def test_a_full_redis_allows_nothing(pool):
    pool.count()
    pool.redis.config_set("maxmemory", "1")
    try:
        answer = pool.ask("attempt_count", kind="login", account=VICTIM, address=AWAY)
        assert answer.status == "UNAVAILABLE"
    finally:
        pool.redis.config_set("maxmemory", "0")


@pytest.mark.parametrize("body, status", [
    ({"kind": "other", "account": "", "address": HOME}, "INVALID"),
    ({"kind": "", "account": "", "address": HOME}, "BAD_MESSAGE"),
    ({"kind": "login", "account": "", "address": ""}, "BAD_MESSAGE"),
    ({"kind": "login", "account": "x" * 41, "address": HOME}, "BAD_MESSAGE"),
    ({"kind": "login", "account": 1, "address": HOME}, "BAD_MESSAGE"),
    ({"kind": "login", "address": HOME}, "BAD_MESSAGE"),
])
def test_a_message_that_makes_no_sense_counts_nothing(pool, body, status):
    for message in ("attempt_count", "attempt_clear"):
        assert pool.ask(message, **body).status == status
    assert not pool.redis.keys("*")


@pytest.mark.parametrize("account", ["a\r\nDEL x", "a\x00b", "投票😀", "' OR 1=1", "*", "{}"])
def test_any_characters_are_an_account_like_another(pool, account):
    assert pool.tries(account) == 3
    assert pool.count(account + "!", AWAY)["allowed"]
    assert len(pool.keys("both")) == 2


def test_where_an_account_ends_and_an_address_begins_matters(pool):
    pool.count("ab", "c")
    pool.count("a", "bc")
    assert len(pool.keys("both")) == 2
