"""What every answer says about its own safety, on every route of the gateway's own table: a new page
is in that table, and so in these tests."""
import gzip
import json
import os
import pathlib
import re
import subprocess

import pytest

BUILD = pathlib.Path(os.environ.get("VOTE_BUILD_DIR", "build/asan"))
ROUTES = json.loads(subprocess.run([BUILD / "bin" / "route-table"], check=True,
                                   capture_output=True, timeout=30).stdout)
POLICY = {"default-src 'none'", "style-src 'self'", "script-src 'self'", "img-src 'self'",
          "form-action 'self'", "base-uri 'none'", "frame-ancestors 'none'"}
WHO = [(kind, user) for kind in ("browser", "program", "curl") for user in (0, 1)]


def fill(path):
    return path.replace("{*}", "css/vote.css").replace("{}", "1")


def asked():
    """(route, method) of everything a route answers, and one method that it does not."""
    for route in ROUTES:
        yield from ((route, method) for method in ("GET", "HEAD") if route["get"])
        yield (route, "POST")
        yield (route, "DELETE")


def name_of(value):
    return value["path"] if isinstance(value, dict) else str(value)


@pytest.fixture(scope="module")
def answers(site):
    """Each route and method asked once by everybody; a change last, for it may end what is shown."""
    got = {}
    for route, method in sorted(asked(), key=lambda pair: pair[1] == "POST"):
        for kind, user in WHO:
            client = getattr(site, kind)(user)
            headers = {"Accept-Encoding": "gzip, br"}
            if method == "POST":
                headers["Content-Type"] = "application/x-www-form-urlencoded"
            got[route["path"], method, kind, user] = client.request(
                method, fill(route["path"]), b"" if method == "POST" else None, headers)
    return got


every = pytest.mark.parametrize("kind, user", WHO)
everywhere = pytest.mark.parametrize("route, method", list(asked()), ids=name_of)


@every
@everywhere
def test_every_answer_has_its_headers(answers, route, method, kind, user):
    answer = answers[route["path"], method, kind, user]
    headers = answer.headers
    assert answer.status in (200, 302, 303, 401, 403, 404, 405, 409, 422), answer
    assert re.fullmatch("[0-9a-f]{32}", headers["X-Request-Id"])
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert headers["Server"] is None and headers["Strict-Transport-Security"] is None
    for name in headers:
        assert name in ("Vary", "Set-Cookie") or len(headers.get_all(name)) == 1, name
    if answer.status == 405:
        assert headers["Allow"]


@every
@everywhere
def test_a_page_runs_nothing_inline_is_framed_by_nobody_and_kept_by_nobody(
        answers, route, method, kind, user):
    answer = answers[route["path"], method, kind, user]
    if answer.status == 304 or not (answer.type or "").startswith("text/html"):
        return
    headers = answer.headers
    assert set(headers["Content-Security-Policy"].split("; ")) == POLICY
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Permissions-Policy"] == "camera=(), geolocation=(), microphone=(), payment=()"
    assert headers["Cache-Control"] == "no-store"
    assert {"Accept, Cookie"} <= set(headers.get_all("Vary"))
    body = gzip.decompress(answer.body) if headers["Content-Encoding"] else answer.body
    for wrong in (r"<script(?![^>]*\bsrc=)", r"<style", r"\sstyle=", r"\son[a-z]+=", "javascript:"):
        assert not re.search(wrong, body.decode(), re.I), wrong


@every
@everywhere
def test_what_is_somebodys_own_is_kept_by_nobody(answers, route, method, kind, user):
    answer = answers[route["path"], method, kind, user]
    if route["session"] or route["post"] or answer.status in (302, 303, 401, 403):
        assert answer.headers["Cache-Control"] == "no-store"


@every
@everywhere
def test_only_what_is_the_same_for_all_is_compressed(answers, route, method, kind, user):
    answer = answers[route["path"], method, kind, user]
    if route["path"].startswith("/static"):
        return
    if answer.headers["Content-Encoding"]:
        assert route["shared"] and not user and answer.status == 200
    if route["shared"] and not user and answer.status == 200:
        assert "Accept-Encoding" in answer.headers.get_all("Vary")


def test_a_long_answer_for_everybody_is_compressed_for_who_asks(site):
    question, _ = site.question(owner=1, choices=[f"选项{i:04}" for i in range(20)])
    for path in (f"/questions/{question}/choice", f"/questions/{question}/results"):
        plain = site.program().get(path)
        packed = site.program().get(path, Accept_Encoding="gzip;q=0.5")
        assert packed.headers["Content-Encoding"] == "gzip" and packed.type == plain.type
        assert int(packed.headers["Content-Length"]) == len(packed.body) < len(plain.body) / 2
        assert gzip.decompress(packed.body) == plain.body
        assert plain.headers["Content-Encoding"] is None
        head = site.program().head(path, Accept_Encoding="gzip")
        assert head.headers["Content-Length"] == packed.headers["Content-Length"]
        for accept in ("gzip;q=0", "br", "identity, gzip;q=0.5"):
            assert site.program().get(path, Accept_Encoding=accept).body == plain.body
    page = site.browser().get(f"/questions/{question}/results", Accept_Encoding="gzip")
    assert b"<!doctype html>" in gzip.decompress(page.body)


def test_a_receipt_is_never_compressed(site):
    question, choices = site.question(owner=1, choices=[f"选项{i:04}" for i in range(20)])
    voter = site.program(site.account())
    receipt = voter.post(f"/questions/{question}/vote", {"choice_id": choices[0]}).json()["receipt"]
    for accept in ("application/json", "text/html"):
        answer = voter.get(f"/questions/{question}/results", Accept=accept, Accept_Encoding="gzip")
        assert receipt in answer.text and len(answer.body) > 1024


@pytest.mark.parametrize("route", [r for r in ROUTES if r["post"]], ids=name_of)
def test_another_sites_form_changes_nothing(site, route):
    before = [site.count(table) for table in ("user", "question", "vote")]
    for headers in ({"Sec_Fetch_Site": "cross-site"}, {"Sec_Fetch_Site": "same-site"},
                    {"Origin": "http://evil.example"}, {"Origin": "null"}):
        answer = site.browser(user=2).post(fill(route["path"]), {"choice_id": 1, "text": "x"}, **headers)
        assert answer.status == 403, headers
        assert answer.headers["Set-Cookie"] is None
    assert [site.count(table) for table in ("user", "question", "vote")] == before


@pytest.mark.parametrize("route", ROUTES, ids=name_of)
def test_behind_tls_browsers_are_told_to_stay(site, route):
    answer = site.browser().get(fill(route["path"]), X_Scheme="https")
    assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"
    assert site.browser().get(fill(route["path"]), X_Scheme="ftp").headers[
        "Strict-Transport-Security"] is None


def test_who_is_no_trusted_proxy_is_not_believed(own_site):
    site = own_site("--set", "gateway.trusted_proxies=192.0.2.1", "--set", "gateway.server_header=vote",
                    pools=())
    answer = site.curl().get("/hello", X_Scheme="https")
    assert answer.headers["Strict-Transport-Security"] is None
    assert answer.headers["Server"] == "vote"


def test_a_cookie_may_be_bound_to_this_host(own_site):
    site = own_site("--set", "session.host_prefix=true")
    member = site.database.samples
    account, password = next((a, p) for a, p in member.items() if "@" in a)
    client = site.browser()
    answer = client.post("/login", {"account": account, "password": password})
    assert (answer.status, answer.location) == (302, "/")
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("__Host-sessionid=") and "; Secure" in cookie and "; Path=/;" in cookie
    assert "Domain" not in cookie
    assert client.get("/").status == 200
    plain = site.browser()
    plain.cookies = {"sessionid": client.cookies["__Host-sessionid"]}
    assert plain.get("/").status == 302


def json_post(client, path, body, **headers):
    return client.request("POST", path, json.dumps(body).encode(),
                          {"Content-Type": "application/json", **headers})


def test_json_is_taken_wherever_a_form_is_and_answered_in_kind(site):
    client = site.browser()  # even from one that likes HTML better
    form = {"name": "程序", "email": "program@example.com", "phone": "", "password": "correct horse"}
    assert json_post(client, "/register", form).code == 0
    assert json_post(client, "/register", form).code == 20001
    wrong = json_post(client, "/login", {"account": "program@example.com", "password": "wrong horse"})
    assert (wrong.status, wrong.code) == (200, 20004)
    right = json_post(client, "/login", {"account": form["email"], "password": form["password"]})
    assert (right.status, right.code) == (200, 0) and "sessionid" in client.cookies
    made = json_post(client, "/questions/new", {"text": "JSON?", "choice": ["是", "否"]})
    assert made.code == 0
    question = made.json()["id"]
    choices = [row["id"] for row in client.get(f"/questions/{question}/choice").json()]
    vote = json_post(client, f"/questions/{question}/vote", {"choice_id": choices[1]})
    assert vote.code == 0 and vote.json()["receipt"]
    assert site.votes(question) == [0, 1]
    again = json_post(client, f"/questions/{question}/vote", {"choice_id": choices[0]})
    assert (again.status, again.code) == (409, 20006)
    missing = json_post(client, "/questions/new", {"text": "", "choice": ["是"]})
    assert missing.status == 422 and missing.json()["fields"] == {"text": "missing", "choice": "missing"}
    assert json_post(client, "/logout", {}).code == 0
    assert client.cookies == {}
    assert json_post(client, "/questions/new", {}).code == 20010


def test_json_that_is_no_form_is_told_so_in_json(site):
    client = site.browser(user=1)
    for body, status in ((b"{", 400), (b"[]", 400), (b'{"a": null}', 400), (b"{" + b" " * 70000, 413)):
        answer = client.request("POST", "/questions/new", body, {"Content-Type": "application/json"})
        assert (answer.status, answer.code) == (status, 20005)
    assert json_post(client, "/nowhere", {}).code == 20008
    answer = json_post(client, "/hello", {})
    assert (answer.status, answer.headers["Allow"]) == (405, "GET,HEAD") and answer.code == 20005
    answer = json_post(client, "/questions/1/vote", {"choice_id": 1}, Origin="http://evil.example")
    assert (answer.status, answer.code) == (403, 20005)


def test_static_files_of_the_build_come_compressed(own_site, build_dir):
    site = own_site("--set", f"static_compressed_dir={build_dir / 'static'}", pools=())
    for name in ("css/vote.css", "css/bootstrap.min.css"):
        plain = site.curl().get(f"/static/{name}")
        packed = site.curl().get(f"/static/{name}", Accept_Encoding="gzip")
        brotli = site.curl().get(f"/static/{name}", Accept_Encoding="gzip, deflate, br")
        assert gzip.decompress(packed.body) == plain.body
        assert (packed.headers["Content-Encoding"], brotli.headers["Content-Encoding"]) == ("gzip", "br")
        assert len(brotli.body) < len(packed.body) < len(plain.body) / 2
        assert len({a.headers["ETag"] for a in (plain, packed, brotli)}) == 3
        part = site.curl().get(f"/static/{name}", Range="bytes=-10")
        assert (part.status, part.body) == (206, plain.body[-10:])
        wrong = site.curl().get(f"/static/{name}", Range="bytes=1-2,3-4")
        assert (wrong.status, wrong.headers["Content-Range"]) == (416, f"bytes */{len(plain.body)}")
        old = site.browser().get(f"/static/{name}", If_Match='"other"')
        assert old.status == 412
