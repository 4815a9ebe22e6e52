"""sqlmap and wapiti against a running site: every form and parameter, with a log-in and without.

A quarter of an hour by hand, so CTest does not know it; the report is README.md's:

    VOTE_BUILD_DIR=build/release /usr/bin/python3 -m pytest -s -c tests/pytest.ini tests/edge/scan_test.py
"""
import contextlib
import json
import os
import re
import subprocess
import threading

import pytest

ROUNDS_S = 240  # of wapiti, each; and of sqlmap, each target
VOTER = 1

# What sqlmap asks: (method, path, form, who). A star is one more place to put something.
TARGETS = {
    "login": ("POST", "/login", "account=xiaoman@example.com&password=wrong1234", 0),
    "register": ("POST", "/register", "name=someone&email=a@example.com&phone=15400000001"
                 "&password=correct-horse", 0),
    "ask": ("POST", "/questions/new", "text=why&choice=yes&choice=no&closes_at=2099-01-01 12:00",
            VOTER),
    "vote": ("POST", "/questions/1/vote",
             "choice_id=1&request_id=00112233445566778899aabbccddee01", VOTER),
    "list": ("GET", "/questions?before=5", None, VOTER),
    "mine": ("GET", "/questions/mine?before=5", None, VOTER),
    "question": ("GET", "/questions/1*", None, VOTER),
    "results": ("GET", "/questions/1*/results", None, 0),
    "choices": ("GET", "/question/1*/choice", None, 0),
    "close": ("POST", "/questions/7*/close", "x=1", VOTER),
    "static": ("GET", "/static/css/vote.css*?v=1", None, 0),
}


def url(site, path):
    return f"http://127.0.0.1:{site.port}{path}"


def run(command, timeout, env=None):
    done = subprocess.run([str(word) for word in command], stdin=subprocess.DEVNULL, text=True,
                          capture_output=True, timeout=timeout, env=env)
    return done.stdout + done.stderr


def requests(site):
    return site.gateway.log.count(" HTTP/1.1\" ")


@pytest.fixture(autouse=True)
def is_well(site):
    """After a scan everything still runs, and the tallies are right."""
    yield
    site.await_ready()
    assert all(process.running() for process in site.processes)
    wrong = site.database.query("SELECT id FROM choice c WHERE votes != "
                                "(SELECT COUNT(*) FROM vote v WHERE v.choice_id = c.id)")
    assert not wrong


@pytest.mark.parametrize("name", TARGETS)
def test_sqlmap_finds_nothing(site, tmp_path, name):
    method, path, form, user = TARGETS[name]
    command = ["sqlmap", "--batch", "--flush-session", "--output-dir", tmp_path, "--level=2",
               "--risk=2", "--dbms=mysql", "--time-sec=2", "--threads=4", "--drop-set-cookie",
               "--ignore-code=401,403,404,405,409,422,429", "--method", method, "-u",
               url(site, path)]
    if form:
        command += ["--data", form]
    if user:
        command += ["--cookie", f"sessionid={site.session(user)}"]
    before = requests(site)
    said = run(command, ROUNDS_S, {**os.environ, "HOME": str(tmp_path)})
    print(f"sqlmap {name}: {requests(site) - before} requests")
    found = re.findall(r"(?:is|might be|appears to be) (?:vulnerable|'.*' injectable)|^Parameter:.*",
                       said, re.MULTILINE)
    assert not found, said
    assert "all tested parameters do not appear to be injectable" in said, said


# What wapiti says, and why it is none:
ALLOWED = {
    # Nothing is asked by token: an unsafe method is refused by its origin (headers_test.py).
    ("Cross Site Request Forgery", "Lack of anti CSRF token"),
    # The first two are older words for parts of our Content-Security-Policy; the last is told to
    # those that come by https.
    ("HTTP Secure Headers", "X-Frame-Options is not set"),
    ("HTTP Secure Headers", "X-XSS-Protection is not set"),
    ("HTTP Secure Headers", "Strict-Transport-Security is not set"),
}
MODULES = ("backup,blindsql,cookieflags,crlf,csp,csrf,exec,file,htaccess,http_headers,methods,"
           "permanentxss,redirect,shellshock,sql,xss")


@contextlib.contextmanager
def logged_in(site, user):
    """Options of wapiti for a session that comes back whenever it is logged out (its own -x, for
    what not to ask, does not work with this Python)."""
    if not user:
        yield []
        return
    session, cache, end = site.session(user), site.redis.client, threading.Event()
    value = cache.get(f"sessionid_{session}")

    def keep():
        while not end.wait(0.05):
            cache.set(f"sessionid_{session}", value, ex=600)
            cache.delete(f"sessionid:epoch:{user}")

    keeper = threading.Thread(target=keep)
    keeper.start()
    try:
        yield ["-H", f"Cookie: sessionid={session}"]
    finally:
        end.set()
        keeper.join()


@pytest.mark.parametrize("user", [0, VOTER], ids=["anybody", "a voter"])
def test_wapiti_finds_nothing(site, tmp_path, user):
    report, before = tmp_path / "report.json", requests(site)
    command = ["wapiti", "-u", url(site, "/"), "-m", MODULES, "-f", "json", "-o", report,
               "--store-session", tmp_path, "--store-config", tmp_path, "--flush-session",
               "--no-bugreport", "-v", "1", "--max-scan-time", ROUNDS_S, "--max-attack-time", 30,
               "--max-links-per-page", 60]
    for path in ("/login", "/register", "/questions/1/results"):
        command += ["-s", url(site, path)]
    with logged_in(site, user) as cookie:
        said = run(command + cookie, 2 * ROUNDS_S + 120, {**os.environ, "HOME": str(tmp_path)})
    assert report.exists(), said
    told = json.loads(report.read_text())
    found = {(kind, row["info"]) for group in ("vulnerabilities", "anomalies")
             for kind, rows in told[group].items() for row in rows}
    print(f"wapiti {user}: {requests(site) - before} requests", *sorted(found), sep="\n")
    assert found <= ALLOWED, found
