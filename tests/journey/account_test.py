"""Registration, log-in, log-out, sessions, and what no log may ever hold."""
import itertools
import re
import time

import pytest

PASSWORD = "correct horse battery"
serial = itertools.count(1)


def person(**changes):
    """A good registration form, unlike any other."""
    n = next(serial)
    return {"name": f"新人{n}", "email": f"Person.{n}+tag@Example.com", "phone": f"139{n:08}",
            "password": PASSWORD, **changes}


def stored(site, email):
    return site.database.query("SELECT name, phone, email, password FROM user WHERE email = %s", email)


def log_in(client, account, password=PASSWORD):
    return client.post("/login", {"account": account, "password": password})


@pytest.fixture(scope="module")
def member(site):
    """One account that is there already."""
    form = person(name="老人", email="member@example.com", phone="13800000000")
    assert site.program().post("/register", form).code == 0
    return form


# ---- registration --------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["post", "post_multipart"])
def test_a_program_registers_and_is_told_ok(site, way):
    form = person()
    answer = getattr(site.curl(), way)("/register", form)
    assert answer.status == 200
    assert answer.body == b'{"error_code": 0, "error_msg": "ok"}'
    (name, phone, email, password), = stored(site, form["email"])
    assert (name, phone, email) == (form["name"], form["phone"], form["email"])
    assert password.startswith("$argon2id$") and PASSWORD not in password


@pytest.mark.parametrize("way", ["post", "post_multipart"])
def test_a_browser_registers_and_is_led_to_the_log_in_page(site, way):
    form = person()
    answer = getattr(site.browser(), way)("/register", form)
    assert (answer.status, answer.location) == (303, "/login?note=registered")
    assert stored(site, form["email"])


def test_a_phone_is_not_needed_and_two_may_have_none(site):
    for _ in range(2):
        form = person(phone="")
        assert site.program().post("/register", form).code == 0
        assert stored(site, form["email"])[0][1] is None


def test_emoji_and_any_characters_in_a_password_work(site):
    form = person(name="🎉 O'Brien <b>", password="p\x00ä\r\n 🎉' OR 1=1 --")
    assert site.program().post("/register", form).code == 0
    assert stored(site, form["email"])[0][0] == "🎉 O'Brien <b>"
    browser = site.browser()
    assert log_in(browser, form["email"], form["password"]).location == "/"
    assert "🎉 O&#39;Brien &lt;b&gt;" in browser.get("/").text


@pytest.mark.parametrize("changes", [
    {"email": "member@example.com"}, {"email": "MEMBER@Example.COM"}, {"phone": "13800000000"}])
def test_a_taken_e_mail_or_phone_is_told(site, member, changes):
    form, before = person(**changes), site.count("user")
    answer = site.program().post("/register", form)
    assert answer.status == 200
    assert answer.body == (b'{"error_code": 20001, "error_msg": '
                           b'"The email or phone has been registered"}')
    answer = site.browser().post("/register", form)
    assert answer.status == 422 and "这个邮箱或手机号已经注册过" in answer.text
    assert site.count("user") == before


def test_the_same_registration_sent_twice_is_one_account(site):
    form = {**person(), "request_id": "0123456789abcdef0123456789abcdef"}
    assert [site.program().post("/register", form).code for _ in range(2)] == [0, 0]
    assert len(stored(site, form["email"])) == 1
    other = {**person(), "request_id": form["request_id"]}
    assert site.program().post("/register", other).json()["fields"] == {"request_id": "invalid"}
    assert site.browser().post("/register", other).status == 422
    assert not stored(site, other["email"])


def named(row):
    return f"{row[0]} {row[1][:20]!r}"


BAD_FIELDS = [
    ("name", "", "missing"), ("name", "  \t ", "missing"), ("name", "字" * 41, "long"),
    ("name", b"\xff\xfe", "invalid"), ("name", "a\x00b", "invalid"), ("name", "a\x1bb", "invalid"),
    ("email", "", "missing"), ("email", "a" * 29 + "@example.com", "long"),
    ("email", "someone", "invalid"), ("email", "a@b@example.com", "invalid"),
    ("email", "a@example", "invalid"), ("email", "a b@example.com", "invalid"),
    ("email", "@example.com", "invalid"), ("email", "a@.com", "invalid"),
    ("email", b"a\xff@example.com", "invalid"), ("email", "a\x00@example.com", "invalid"),
    ("email", "' OR 1=1 --", "invalid"), ("email", "<script>alert(1)</script>", "invalid"),
    ("phone", "12345678901", "invalid"), ("phone", "1380000000", "invalid"),
    ("phone", "138000000001", "invalid"), ("phone", "1380000000a", "invalid"),
    ("phone", "１３８００００００００", "invalid"), ("phone", b"\xff", "invalid"),
    ("phone", "' OR 1=1 --", "invalid"), ("phone", "<script>alert(1)</script>", "invalid"),
    ("password", "", "missing"), ("password", "1234567", "short"),
    ("password", "p" * 1025, "long"), ("password", b"\xff" * 9, "invalid"),
    ("request_id", "xyz", "invalid"), ("request_id", "0" * 32, "invalid"),
]


@pytest.mark.parametrize("way", ["post", "post_multipart"])
@pytest.mark.parametrize("field, value, reason", BAD_FIELDS, ids=map(named, BAD_FIELDS))
def test_a_bad_field_is_named_with_its_reason_and_nothing_is_stored(site, way, field, value, reason):
    form, before = person(**{field: value}), site.count("user")
    answer = getattr(site.program(), way)("/register", form)
    assert answer.status == 422
    assert answer.json() == {"error_code": 20005, "error_msg": "A field is missing or invalid",
                             "fields": {field: reason}}
    answer = getattr(site.browser(), way)("/register", form)
    assert answer.status == 422 and "请检查下面标出的内容" in answer.text
    assert field == "request_id" or f'{field}-error"' in answer.text
    assert "<script" not in answer.text
    assert site.count("user") == before


def test_missing_fields_are_all_told_at_once(site):
    assert site.program().post("/register").json()["fields"] == {
        "name": "missing", "email": "missing", "password": "missing"}


def test_the_form_comes_back_with_what_was_typed_but_never_the_password(site):
    form = person(name="\"><img src=x>", email="no mail")
    page = site.browser().post("/register", form).text
    assert 'value="&#34;&gt;&lt;img src=x&gt;"' in page and "<img" not in page
    assert 'value="no mail"' in page and f'value="{form["phone"]}"' in page
    assert PASSWORD not in page


@pytest.mark.parametrize("body, content_type, status", [
    (b"&".join(b"a=1" for _ in range(200)), "application/x-www-form-urlencoded", 413),
    (b"name=" + b"a" * 70000, "application/x-www-form-urlencoded", 413),
    (b"[1]", "application/json", 400),
    (b"a=1", "text/plain", 415),
    (b"--x\r\nbroken", "multipart/form-data; boundary=x", 400),
    (b"--x--\r\n", "multipart/form-data", 400),
], ids=["many fields", "a large field", "JSON that is no form", "text", "broken parts", "no boundary"])
def test_a_body_that_is_no_form_is_refused(site, body, content_type, status):
    before = site.count("user")
    for client in (site.program(), site.browser()):
        answer = client.request("POST", "/register", body, {"Content-Type": content_type})
        assert answer.status == status
    assert site.count("user") == before


# ---- log-in --------------------------------------------------------------------------------------


@pytest.mark.parametrize("account", ["member@example.com", "Member@EXAMPLE.com", " 13800000000 "])
def test_e_mail_in_any_case_and_phone_log_in(site, member, account):
    browser = site.browser()
    answer = log_in(browser, account)
    assert (answer.status, answer.location, answer.body) == (302, "/", b"")
    assert "老人</bdi>，你好" in browser.get("/").text


def test_the_sample_account_logs_in_with_the_password_that_was_printed(site):
    for account, password in site.database.samples.items():
        browser = site.browser()
        assert log_in(browser, account, password).status == 302
        assert browser.get("/").status == 200


def test_the_cookie_is_out_of_reach_of_scripts_and_of_other_sites(site, member):
    cookie = log_in(site.browser(), member["email"]).headers["Set-Cookie"]
    assert re.fullmatch(r"sessionid=[0-9a-f]{64}; HttpOnly; Path=/; SameSite=Lax; Max-Age=7776000",
                        cookie)


def test_behind_tls_the_cookie_is_for_tls_alone(site, member):
    form = {"account": member["email"], "password": PASSWORD}
    assert "; Secure" in site.browser().post("/login", form, X_Scheme="https").headers["Set-Cookie"]
    assert "; Secure" not in site.browser().post("/login", form, X_Scheme="http").headers["Set-Cookie"]


def test_redis_holds_who_it_is_and_since_when_and_forgets_it(site, member):
    browser = site.browser()
    log_in(browser, member["email"])
    key = f"sessionid_{browser.cookies['sessionid']}"
    user, = site.database.query("SELECT id FROM user WHERE email = %s", member["email"])
    value = re.fullmatch(rb'\{"created": (\d+), "session": \{"uid": (\d+)\}\}',
                         site.redis.client.get(key))
    assert value and int(value[2]) == user[0] and abs(int(value[1]) - time.time()) < 60
    assert 0 < site.redis.client.ttl(key) <= 1209600 * 33 // 32


ATTEMPTS = [("nobody@example.com", PASSWORD), ("13999999999", PASSWORD), ("neither", PASSWORD),
            ("<script>", PASSWORD), ("' OR 1=1 --", "' OR 1=1 --"), ("member@example.com", "wrong pass"),
            ("member@example.com", "short"), ("member@example.com", "p" * 2000),
            ("voter1@example.com", "*"), ("xiaoman@example.com", "?")]


def plain(answer, account):
    """What an answer shows, without what was typed."""
    return answer.status, answer.text.replace(account, "ACCOUNT")


def test_unknown_account_and_wrong_password_look_the_same_to_the_byte(site, member):
    pages, replies, headers = set(), set(), set()
    for account, password in ATTEMPTS:
        page = log_in(site.browser(), account, password)
        assert "账号或密码不对" in page.text and "<script" not in page.text
        shown = account.replace("<", "&lt;").replace(">", "&gt;").replace("'", "&#39;")
        pages.add(plain(page, f'value="{shown}"'))
        headers.add(tuple(name for name, _ in page.headers.items()))
        replies.add(log_in(site.program(), account, password).body)
        assert "Set-Cookie" not in page.headers
    assert len(pages) == 1 and len(headers) == 1 and pages.pop()[0] == 200
    assert replies == {b'{"error_code": 20004, "error_msg": "Password mismatch"}'}


def test_exact_messages_tell_an_unknown_account_from_a_wrong_password(own_site, site, member):
    exact = own_site("--set", "login.exact_messages=true", database=site.database)
    for account, password in ATTEMPTS:
        known = account in (member["email"], "voter1@example.com", "xiaoman@example.com")
        code, words = (20004, "Password mismatch") if known else (20003, "User does not exists")
        answer = log_in(exact.program(), account, password)
        assert answer.json() == {"error_code": code, "error_msg": words}
        page = log_in(exact.browser(), account, password)
        assert page.status == 200 and ("密码不对。" if known else "没有这个账号。") in page.text


@pytest.mark.parametrize("form, fields", [
    ({}, {"account": "missing", "password": "missing"}),
    ({"account": "member@example.com"}, {"password": "missing"}),
    ({"account": "  ", "password": PASSWORD}, {"account": "missing"}),
])
def test_an_empty_log_in_names_what_is_missing(site, form, fields):
    answer = site.program().post("/login", form)
    assert answer.code == 20005 and answer.json()["fields"] == fields
    page = site.browser().post("/login", form).text
    assert all(f'id="{field}-error"' in page for field in fields)


def test_a_log_in_that_is_no_utf_8_names_the_field(site):
    for account, password, field in ((b"\xff\xfe", "correct horse", "account"),
                                     ("a@example.com", b"\xff" * 9, "password")):
        answer = site.program().post("/login", {"account": account, "password": password})
        assert answer.json()["error_code"] == 20005
        assert answer.json()["fields"] == {field: "invalid"}
        page = site.browser().post("/login", {"account": account, "password": password})
        assert page.status == 200 and f'id="{field}-error"' in page.text


@pytest.mark.parametrize("account", ["a\x00b@example.com", "a" * 10000], ids=["NUL", "long"])
def test_an_account_that_is_no_text_is_a_wrong_one(site, account):
    assert log_in(site.program(), account).code == 20004
    page = log_in(site.browser(), account)
    assert page.status == 200 and "账号或密码不对" in page.text and "\x00" not in page.text


def test_a_deleted_account_cannot_log_in(site):
    form = person()
    site.program().post("/register", form)
    site.database.query("UPDATE user SET delete_flag = 1 WHERE email = %s", form["email"])
    assert log_in(site.program(), form["email"]).code == 20004


def test_a_log_in_replaces_a_hash_weaker_than_configured(own_site, site, member):
    before, = stored(site, member["email"])
    stronger = own_site(database=site.database, pools=("db", "session"))
    stronger.start_pool("password", "--set", "password.memlimit=65536")
    stronger.await_ready()
    assert log_in(stronger.browser(), member["email"]).status == 302
    assert "m=64," in stronger.gateway.until(
        lambda: stored(site, member["email"])[0] != before and stored(site, member["email"])[0][3])
    assert log_in(site.browser(), member["email"]).status == 302


# ---- sessions ------------------------------------------------------------------------------------


def test_every_log_in_makes_a_new_session_and_ends_the_one_before(site, member):
    browser = site.browser()
    log_in(browser, member["email"])
    first = browser.cookies["sessionid"]
    log_in(browser, member["email"])
    second = browser.cookies["sessionid"]
    assert first != second
    assert not site.redis.client.exists(f"sessionid_{first}")
    assert site.redis.client.exists(f"sessionid_{second}")


def test_a_session_id_of_the_client_s_own_choosing_is_never_taken_over(site, member):
    browser = site.browser()
    browser.cookies["sessionid"] = "f" * 64
    assert log_in(browser, member["email"]).status == 302
    assert browser.cookies["sessionid"] != "f" * 64
    assert not site.redis.client.exists("sessionid_" + "f" * 64)


def test_log_out_ends_the_session_and_clears_the_cookie(site, member):
    browser = site.browser()
    log_in(browser, member["email"])
    old = browser.cookies["sessionid"]
    answer = browser.post("/logout")
    assert (answer.status, answer.location) == (303, "/")
    assert answer.headers["Set-Cookie"] == "sessionid=; HttpOnly; Path=/; SameSite=Lax; Max-Age=0"
    assert not site.redis.client.exists(f"sessionid_{old}")
    browser.cookies["sessionid"] = old
    assert browser.get("/").location == "/login"


def test_logging_out_without_a_session_is_fine(site):
    for cookie in (None, "0" * 64, "no such"):
        browser = site.browser()
        if cookie:
            browser.cookies["sessionid"] = cookie
        assert browser.post("/logout").status == 303


@pytest.mark.parametrize("value", [
    b"", b"{", b"null", b"[]", b"\xff\x00", b'{"created": 1}', b'{"session": {"uid": 1}}',
    b'{"created": "x", "session": {"uid": 1}}', b'{"created": %d, "session": {}}',
    b'{"created": %d, "session": {"uid": "1"}}', b'{"created": %d, "session": {"uid": -1}}',
    b'{"created": %d, "session": {"uid": 0}}', b'{"created": %d, "session": {"uid": 1e99}}',
    b'{"created": %d, "session": {"uid": 99999999999999999999}}', b'{"created": %d, "session": 1}',
    b'{"created": 1, "session": {"uid": 1}}', b"[" * 5000], ids=lambda value: repr(value[:60]))
def test_a_session_that_cannot_be_read_is_no_log_in(site, value):
    session = "e" * 64
    site.redis.client.set(f"sessionid_{session}", value.replace(b"%d", b"%d" % time.time()))
    browser = site.browser()
    browser.cookies["sessionid"] = session
    assert browser.get("/").location == "/login"
    assert browser.get("/questions/1/results").status == 200


def test_a_key_of_another_type_is_no_log_in(site):
    site.redis.client.delete("sessionid_" + "d" * 64)
    site.redis.client.rpush("sessionid_" + "d" * 64, "x")
    browser = site.browser()
    browser.cookies["sessionid"] = "d" * 64
    assert browser.get("/").location == "/login"


@pytest.mark.parametrize("cookie", ["", "x", "*", "a" * 128, "a" * 129, "a" * 4000, "%00", "../x",
                                    "\xff\xfe", "' OR 1=1 --", "a b", '"quoted"'],
                         ids=lambda cookie: repr(cookie[:20]))
def test_a_cookie_of_any_shape_is_no_log_in(site, cookie):
    answer = site.browser().get("/", Cookie=f"sessionid={cookie}")
    assert (answer.status, answer.location) == (302, "/login")


def test_the_session_of_a_deleted_account_is_no_log_in(site):
    user = site.account()
    browser, program = site.browser(user), site.program(user)
    assert browser.get("/").status == 200
    site.database.query("UPDATE user SET delete_flag = 1 WHERE id = %s", user)
    for path in ("/", "/questions", "/questions/mine", "/questions/new", "/questions/1"):
        assert browser.get(path).location == "/login", path
        assert program.get(path).code == 20010, path
    form = [("text", "q"), ("choice", "a"), ("choice", "b")]
    assert program.post("/questions/1/vote", {"choice_id": 1}).code == 20010
    assert program.post("/questions/new", form).code == 20010


def test_a_reading_request_keeps_the_session_alive(site):
    browser = site.browser(user=1)
    key = f"sessionid_{browser.cookies['sessionid']}"
    site.redis.client.expire(key, 5)
    browser.get("/")
    assert site.redis.client.ttl(key) > 1000


# ---- logs ----------------------------------------------------------------------------------------


def test_no_log_holds_a_password_a_hash_a_session_or_an_e_mail(site):
    secret = person(email="secretive@example.com", password="unutterable password")
    site.program().post("/register", secret)
    site.program().post("/register", secret)
    browser = site.browser()
    log_in(browser, secret["email"], "quite another password")
    log_in(browser, secret["email"], secret["password"])
    session = browser.cookies["sessionid"]
    for path in ("/", "/questions", "/nowhere", "/questions/1/results"):
        browser.get(path)
    browser.post("/logout")
    request = browser.get("/hello").headers["X-Request-Id"]
    site.gateway.wait_line(request)
    hashes = [row[0] for row in site.database.query("SELECT password FROM user WHERE password <> '*'")]
    for process in site.processes:
        log = process.log.lower()
        for word in [secret["email"], "secretive", "unutterable", "quite another", session,
                     "@example", "$argon2", PASSWORD, *hashes]:
            assert word.lower() not in log, (process.name, word)
