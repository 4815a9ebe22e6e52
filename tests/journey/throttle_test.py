"""Too many: log-ins, registrations, votes, pages. And the end of all sessions of a person."""
import itertools
import re

import pytest

from tests.fixtures.client import Client
from tests.fixtures.process import free_port
from tests.fixtures.site import Site

PASSWORD, WRONG = "correct horse battery", "battery horse correct"
HOME, AWAY = "192.0.2.1", "198.51.100.7"
LIMITS = [word for setting in ("login_attempts=3", "login_account=6", "login_address=8",
                               "register_address=3")
          for word in ("--set", f"throttle.{setting}")]
REFUSED = {"error_code": 20009, "error_msg": "Too many attempts, try again later"}
serial = itertools.count(1)


class Limited:
    """A site with low limits, and what it is told from which address."""

    def __init__(self, site):
        self.site = site

    def email(self):
        """Of a new account, registered at an address of its own."""
        n = next(serial)
        email = f"person{n}@example.com"
        answer = self.register(f"203.0.113.{n}", email)
        assert answer.code == 0, answer
        return email

    def register(self, address, email, client=None, **changes):
        form = {"name": "某人", "email": email, "phone": "", "password": PASSWORD, **changes}
        return (client or self.site.program()).post("/register", form, X_Real_IP=address)

    def log_in(self, account, password=WRONG, address=HOME, client=None):
        form = {"account": account, "password": password}
        return (client or self.site.program()).post("/login", form, X_Real_IP=address)

    def tries(self, account, address=HOME):
        """How many wrong passwords are answered as such before one is refused."""
        for done in range(100):
            answer = self.log_in(account, address=address)
            if answer.status == 429:
                return done
            assert answer.code == 20004
        raise AssertionError("no limit")


@pytest.fixture(scope="module")
def limited_site(module_process, sample_database, redis, ipc_dir):
    port = free_port()
    site = Site(module_process, sample_database, redis, ipc_dir,
                ("--set", f"gateway.admin_port={port}"), pools=("db", "password"))
    site.admin_port = port
    site.start_pool("session", *LIMITS)
    site.await_ready()
    return site


@pytest.fixture
def limited(limited_site, redis):
    redis.client.flushdb()
    return Limited(limited_site)


def asked(site):
    """{(service, lane): requests made so far}"""
    text = Client(site.admin_port).get("/metrics").text
    rows = re.findall(r'^vote_asked_total\{service="(\w+)",lane="(\w+)"\} (\d+)', text,
                      re.MULTILINE)
    return {(service, lane): int(number) for service, lane, number in rows}


# ---- log-in -------------------------------------------------------------------------------------


def test_after_a_few_wrong_passwords_the_right_one_is_refused_too(limited):
    email = limited.email()
    assert limited.tries(email) == 3
    answer = limited.log_in(email, PASSWORD)
    assert (answer.status, answer.json()) == (429, REFUSED)
    assert 1 <= int(answer.headers["Retry-After"]) <= 300
    assert "Set-Cookie" not in answer.headers


def test_a_browser_is_told_on_the_log_in_page(limited):
    email = limited.email()
    limited.tries(email)
    page = limited.log_in(email, PASSWORD, client=limited.site.browser())
    assert page.status == 429 and 1 <= int(page.headers["Retry-After"]) <= 300
    assert "尝试的次数太多了" in page.text and f'value="{email}"' in page.text
    assert PASSWORD not in page.text and "Set-Cookie" not in page.headers
    curl = limited.log_in(email, client=limited.site.curl())
    assert curl.status == 429


@pytest.mark.parametrize("client", ["program", "browser"])
def test_an_unknown_account_is_counted_and_refused_like_a_known_one(limited, client):
    answers = []
    for account in (limited.email(), "nobody@example.com"):
        one = getattr(limited.site, client)
        answers.append([(answer.status, answer.body.replace(account.encode(), b""))
                        for answer in (limited.log_in(account, client=one()) for _ in range(5))])
    assert answers[0] == answers[1]
    assert [status for status, _ in answers[0]] == [200, 200, 200, 429, 429]


@pytest.mark.parametrize("password", [WRONG, "short"])
def test_an_unknown_account_asks_the_same_of_the_pools_as_a_known_one(limited, password):
    def work(account):
        before = asked(limited.site)
        assert limited.log_in(account, password).code == 20004
        after = asked(limited.site)
        return {row: after[row] - before[row] for row in after}

    known, unknown = work(limited.email()), work("nobody@example.com")
    assert known == unknown
    assert sum(n for (service, _), n in known.items() if service == "password") == 1
    assert sum(n for (service, _), n in known.items() if service == "session") == 1


def test_a_refused_log_in_costs_no_password_check(limited):
    email = limited.email()
    limited.tries(email)
    before = asked(limited.site)
    for _ in range(5):
        assert limited.log_in(email, PASSWORD).status == 429
    after = asked(limited.site)
    assert all(after[row] == before[row] for row in after if row[0] == "password")


def test_nobody_is_locked_out_by_somebody_elses_guesses(limited):
    email = limited.email()
    assert limited.tries(email, AWAY) == 3
    for _ in range(20):
        assert limited.log_in(email, address=AWAY).status == 429
    assert limited.log_in(email, PASSWORD, HOME).status == 302


def test_not_even_by_many_addresses_where_they_logged_in_before(limited):
    email = limited.email()
    assert limited.log_in(email, PASSWORD, HOME).status == 302
    assert sum(limited.tries(email, f"198.51.100.{n}") for n in range(5)) == 6
    assert limited.log_in(email, PASSWORD, "198.51.100.99").status == 429
    assert limited.log_in(email, PASSWORD, HOME).status == 302


def test_one_address_cannot_try_many_accounts(limited):
    assert sum(limited.tries(f"nobody{n}@example.com", AWAY) for n in range(5)) == 8
    assert limited.log_in("another@example.com", address=AWAY).status == 429
    assert limited.log_in("another@example.com", address=HOME).code == 20004


def test_success_forgets_the_wrong_ones_before_it_and_counts_nothing(limited):
    email = limited.email()
    for _ in range(6):
        for _ in range(2):
            assert limited.log_in(email).code == 20004
        assert limited.log_in(email, PASSWORD).status == 302
        limited.site.redis.client.delete(*limited.site.redis.client.keys("*:address:*"))
    for _ in range(20):
        assert limited.log_in(email, PASSWORD).status == 302


def test_when_the_window_is_over_it_may_be_tried_again(limited):
    email = limited.email()
    limited.tries(email)
    for key in limited.site.redis.client.keys("sessionid:attempts:*"):
        limited.site.redis.client.pexpire(key, 1)
    limited.site.gateway.until(lambda: not limited.site.redis.client.keys("*:both:*"))
    assert limited.log_in(email, PASSWORD).status == 302


@pytest.mark.parametrize("account", ["x" * 5000, "no account", "a\x00b"],
                         ids=["long", "no account", "NUL"])
def test_what_is_no_account_is_counted_too(limited, account):
    for _ in range(8):
        answer = limited.log_in(account)
        assert answer.status == 429 or answer.code == 20004
    assert limited.log_in(account).status == 429


def test_a_form_with_an_empty_or_unreadable_field_is_no_attempt(limited):
    for _ in range(20):
        assert limited.log_in(b"\xff\xfe").code == 20005
        assert limited.log_in("", "").code == 20005
    assert not limited.site.redis.client.keys("sessionid:attempts:*")


@pytest.fixture
def without_sessions(own_site, sample_database, redis):
    """A site of this test alone, still without a session pool."""
    redis.client.flushdb()

    def start(*settings):
        site = own_site(*settings, database=sample_database, pools=("db", "password"))
        site.gateway.until(lambda: site.curl().get("/readyz").text == "no pool of: session\n")
        return site

    return start


def test_without_a_session_pool_nobody_logs_in(without_sessions):
    site = without_sessions()
    answer = Limited(site).log_in("xiaoman@example.com")
    assert (answer.status, answer.code) == (503, 20011)
    assert Limited(site).register(HOME, "new@example.com").status == 503


# ---- whose address ------------------------------------------------------------------------------


def test_a_network_of_64_bits_is_one_place(limited):
    email = limited.email()
    assert limited.tries(email, "2001:db8:1:2::1") == 3
    assert limited.log_in(email, address="2001:db8:1:2:ffff::9").status == 429
    assert limited.log_in(email, address="2001:DB8:1:2::").status == 429
    assert limited.log_in(email, address="2001:db8:1:3::1").code == 20004
    assert limited.tries(email, "::ffff:192.0.2.77") + limited.tries(email, "192.0.2.77") <= 3


def test_x_real_ip_of_somebody_we_do_not_trust_is_a_claim(without_sessions):
    site = without_sessions("--set", "gateway.trusted_proxies=192.0.2.254")
    site.start_pool("session", *LIMITS)
    site.await_ready()
    statuses = [Limited(site).log_in("nobody@example.com", address=f"192.0.2.{n}").status
                for n in range(6)]
    assert statuses == [200, 200, 200, 429, 429, 429]


def test_one_who_sends_two_addresses_or_none_is_at_the_peers_own(limited):
    email = limited.email()
    assert limited.tries(email, "no address") == 3
    assert limited.tries(email, "192.0.2.50, 192.0.2.51") == 0
    form = {"account": email, "password": WRONG}
    assert limited.site.program().post("/login", form).status == 429


# ---- registration -------------------------------------------------------------------------------


def test_a_flood_of_registrations_is_stopped_before_a_password_is_hashed(limited):
    before = limited.site.count("user")
    codes = [limited.register(HOME, f"flood{n}@example.com").code for n in range(3)]
    work = asked(limited.site)
    refused = [limited.register(HOME, f"flood{n}@example.com") for n in range(3, 8)]
    assert codes == [0, 0, 0] and all(one.json() == REFUSED for one in refused)
    assert {one.status for one in refused} == {429}
    assert all(3000 < int(one.headers["Retry-After"]) <= 3600 for one in refused)
    assert limited.site.count("user") == before + 3
    assert all(asked(limited.site)[row] == work[row] for row in work if row[0] in ("password", "db"))
    assert limited.register(AWAY, "elsewhere@example.com").code == 0


def test_a_browser_that_registers_too_often_keeps_its_form(limited):
    for n in range(3):
        limited.register(HOME, f"often{n}@example.com")
    page = limited.register(HOME, "kept@example.com", limited.site.browser())
    assert page.status == 429 and "尝试的次数太多了" in page.text
    assert 'value="kept@example.com"' in page.text and PASSWORD not in page.text
    assert int(page.headers["Retry-After"]) > 0


def test_a_form_with_mistakes_is_no_registration(limited):
    for _ in range(10):
        assert limited.register(HOME, "no mail").code == 20005
    assert limited.register(HOME, f"late{next(serial)}@example.com").code == 0


@pytest.mark.parametrize("password", ["password", "PassWord123", "12345678", "1qaz2wsx", "woaini1314"])
def test_a_password_that_everybody_tries_is_refused(limited, password):
    answer = limited.register(HOME, "common@example.com", password=password)
    assert (answer.status, answer.code) == (422, 20005)
    assert answer.json()["fields"] == {"password": "common"}
    page = limited.register(HOME, "common@example.com", limited.site.browser(), password=password)
    assert page.status == 422 and "这个密码太常见" in page.text


def test_the_list_of_common_passwords_can_be_left_out_or_be_another(own_site, sample_database,
                                                                   redis, tmp_path):
    redis.client.flushdb()
    (tmp_path / "list").write_text("# ours\nUnsafeHorse\r\n\n")
    none = own_site("--set", "login.common_passwords_file=", database=sample_database)
    other = own_site("--set", f"login.common_passwords_file={tmp_path}/list",
                     database=sample_database)
    email = f"free{next(serial)}@example.com"
    assert Limited(none).register(HOME, email, password="password").code == 0
    answer = Limited(other).register(HOME, "x" + email, password="unsafehorse")
    assert answer.json()["fields"] == {"password": "common"}
    assert Limited(other).register(HOME, "x" + email, password="password").code == 0


def test_a_list_that_is_not_there_stops_the_start_with_a_line(process, ipc_dir):
    gateway = process("vote-gateway", "--port", "0", "--set", f"gateway.ipc_dir={ipc_dir}",
                      "--set", "login.common_passwords_file=/nowhere/list")
    assert gateway.wait() == 1
    assert "/nowhere/list: No such file" in gateway.log
    gateway.abandon()


# ---- what is stored -----------------------------------------------------------------------------


def test_redis_holds_no_address_and_no_account(limited):
    client = limited.site.browser()
    limited.register("203.0.113.200", "secretive@example.com", phone="13912345678")
    for account in ("secretive@example.com", "13912345678", "somebody.else@example.com"):
        limited.log_in(account, WRONG, "198.51.100.200")
        limited.log_in(account, PASSWORD, "2001:db8:77:88::9", client)
    redis = limited.site.redis.client
    assert len(redis.keys("*")) >= 8
    held = b"\n".join(key + b" " + redis.dump(key) for key in redis.keys("*")).lower()
    for word in (b"secretive", b"example", b"13912345678", b"somebody", b"203.0.", b"113.200",
                 b"198.51.", b"2001:db8", b":77:88"):  # nothing a random hex number may hold
        assert word not in held, word
    for process in limited.site.processes:
        assert "203.0.113.200" not in process.log or process is limited.site.gateway
        assert "secretive" not in process.log


# ---- votes and pages ----------------------------------------------------------------------------


@pytest.fixture
def slow(own_site, sample_database):
    def start(*settings):
        words = [word for setting in settings for word in
                 ("--set", setting if setting.startswith("gateway.") else f"throttle.{setting}")]
        return own_site(*words, database=sample_database)

    return start


def test_an_account_that_votes_too_often_waits_and_others_do_not(slow):
    site = slow("votes_account=3")
    (busy, other), (question, (first, _)) = site.accounts(2), site.question()
    answers = [site.program(busy).post(f"/questions/{question}/vote", {"choice_id": first})
               for _ in range(5)]
    assert [answer.status for answer in answers] == [200, 409, 409, 429, 429]
    assert answers[3].json() == REFUSED and 1 <= int(answers[3].headers["Retry-After"]) <= 20
    page = site.browser(busy).post(f"/questions/{question}/vote", {"choice_id": first})
    assert page.status == 429 and "请求太多" in page.text
    assert 1 <= int(page.headers["Retry-After"]) <= 20
    assert site.program(other).post(f"/questions/{question}/vote", {"choice_id": first}).code == 0
    assert site.votes(question) == [2, 0]
    assert site.browser(busy).get(f"/questions/{question}").status == 200


def test_an_address_that_votes_too_often_waits_whoever_it_is(slow):
    site = slow("votes_address=3")
    users, (question, (first, _)) = site.accounts(5), site.question()
    vote = lambda user, address: site.program(user).post(
        f"/questions/{question}/vote", {"choice_id": first}, X_Real_IP=address).status
    assert [vote(user, HOME) for user in users] == [200, 200, 200, 429, 429]
    assert vote(users[3], AWAY) == 200
    assert site.votes(question) == [4, 0]


@pytest.mark.parametrize("setting", ["reads_address=4", "reads_account=4"])
def test_pages_are_limited_where_that_is_asked_for(slow, setting):
    site = slow(setting)
    client = site.program(user=1)
    statuses = [client.get("/questions", X_Real_IP=HOME).status for _ in range(6)]
    assert statuses == [200] * 4 + [429] * 2
    answer = client.get("/", X_Real_IP=HOME)
    assert answer.status == 429 and answer.json() == REFUSED
    assert 1 <= int(answer.headers["Retry-After"]) <= 15
    assert "请求太多" in site.browser(user=1).get("/", X_Real_IP=HOME).text
    assert site.curl(user=1).get("/", X_Real_IP=HOME).text == "429: Too Many Requests"
    for path in ("/hello", "/healthz", "/static/css/vote.css"):
        assert client.get(path, X_Real_IP=HOME).status == 200
    assert client.post("/questions/1/vote", {"choice_id": 99999}, X_Real_IP=HOME).status == 404
    other = site.program(user=2)
    if "account" in setting:
        assert other.get("/questions", X_Real_IP=HOME).status == 200
    else:
        assert other.get("/questions", X_Real_IP=HOME).status == 429
        assert other.get("/questions", X_Real_IP=AWAY).status == 200


def test_a_proxy_that_names_nobody_is_not_taken_for_one_client(slow):
    site = slow("reads_address=4", "votes_address=4")
    client = site.program(user=1)
    assert {client.get("/questions").status for _ in range(6)} == {200}
    assert {client.post("/questions/1/vote", {"choice_id": 99999}).status for _ in range(6)} == {404}
    direct = slow("reads_address=4", "gateway.trusted_proxies=192.0.2.254").program(user=1)
    assert [direct.get("/questions").status for _ in range(6)] == [200] * 4 + [429] * 2


def test_by_default_a_person_does_not_notice_any_limit(limited):
    client = limited.site.program(user=1)
    assert {client.get("/questions/1/choice", X_Real_IP=HOME).status for _ in range(500)} == {200}


# ---- log out everywhere -------------------------------------------------------------------------


def test_logging_out_everywhere_ends_the_sessions_of_this_person_alone(limited):
    user, other = limited.site.accounts(2)
    here, there, python = [limited.site.browser(user) for _ in range(3)]
    neighbour = limited.site.browser(other)
    sessions = [one.cookies["sessionid"] for one in (here, there, python)]
    answer = here.post("/logout/everywhere")
    assert (answer.status, answer.location) == (303, "/login?note=logged_out_everywhere")
    assert answer.headers["Set-Cookie"] == "sessionid=; HttpOnly; Path=/; SameSite=Lax; Max-Age=0"
    assert "你已经在所有设备上退出" in here.get(answer.location).text
    for session in sessions:
        client = limited.site.browser()
        client.cookies["sessionid"] = session
        assert client.get("/").location == "/login"
        client = limited.site.program()
        client.cookies["sessionid"] = session
        assert client.post("/questions/1/vote", {"choice_id": 1}).status == 401
    assert neighbour.get("/").status == 200


def test_who_logged_out_everywhere_logs_in_again_at_once(limited):
    email = limited.email()
    browser = limited.site.browser()
    for _ in range(3):
        assert limited.log_in(email, PASSWORD, client=browser).status == 302
        assert browser.get("/").status == 200
        assert browser.post("/logout/everywhere").status == 303
        assert browser.get("/").location == "/login"


def test_the_button_is_on_the_page_of_my_questions(limited):
    page = limited.site.browser(user=1).get("/questions/mine").text
    assert '<form class="actions" method="post" action="/logout/everywhere">' in page
    assert "退出所有设备" in page


def test_nobody_logs_others_out_everywhere(limited):
    user = limited.site.account()
    browser = limited.site.browser(user)
    assert browser.post("/logout/everywhere", Sec_Fetch_Site="cross-site").status == 403
    assert browser.post("/logout/everywhere", Origin="http://evil.example").status == 403
    assert browser.get("/logout/everywhere").status == 405
    assert limited.site.browser().post("/logout/everywhere").location == "/login"
    assert limited.site.program().post("/logout/everywhere").status == 401
    assert browser.get("/").status == 200


def test_an_id_the_client_chose_is_never_a_session_before_or_after_the_log_in(limited):
    email = limited.email()
    browser = limited.site.browser()
    browser.cookies["sessionid"] = chosen = "c" * 64
    assert browser.get("/").location == "/login"
    assert not limited.site.redis.client.keys("sessionid_*")
    assert limited.log_in(email, PASSWORD, client=browser).status == 302
    assert browser.cookies["sessionid"] != chosen
    assert limited.site.redis.client.keys("sessionid_*") == [
        f"sessionid_{browser.cookies['sessionid']}".encode()]


def test_the_cookie_is_for_tls_alone_only_on_the_word_of_a_trusted_proxy(own_site, limited,
                                                                        sample_database):
    email = limited.email()
    form = {"account": email, "password": PASSWORD}
    cookie = limited.site.browser().post("/login", form, X_Scheme="https").headers["Set-Cookie"]
    assert "; Secure" in cookie
    site = own_site("--set", "gateway.trusted_proxies=192.0.2.254", database=sample_database)
    cookie = site.browser().post("/login", form, X_Scheme="https").headers["Set-Cookie"]
    assert "; Secure" not in cookie
