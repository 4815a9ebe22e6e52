"""The debug toolbar: what it shows, to whom, and that a site without it has nothing of it."""
import re
import threading

import pytest

from tests.fixtures import chromium
from tests.fixtures.client import BROWSER, Client

TOOLBAR = ("--set", "debug.toolbar=true")
PATHS = ["/_debugtoolbar", "/_debugtoolbar/rows", "/_debugtoolbar/site", "/_debugtoolbar/requests/" + "0" * 32]
SUM_MS = 1.0  # the sums may miss by rounding, not by a hop
PASSWORD = "correct horse battery"


@pytest.fixture
def shown(own_site):
    return own_site(*TOOLBAR)


def page_of(site, answer):
    """The toolbar's page of a request, once it is over."""
    path = f"/_debugtoolbar/requests/{answer.headers['X-Request-Id']}"

    def get():
        page = site.browser().get(path)
        return page.status == 200 and page.text
    return site.gateway.until(get)


def table(page, mark):
    """The texts of the cells, row by row, of each table with this in its tag."""
    return [[[re.sub("<[^>]*>", "", cell) for cell in re.findall("<t[dh][^>]*>(.*?)</t[dh]>", row, re.S)]
             for row in re.findall("<tr>(.*?)</tr>", body, re.S)]
            for body in re.findall(f"<table {mark}>.*?<tbody>(.*?)</tbody>", page, re.S)]


def check_sums(page):
    """Phases are the time elapsed, and the hops of each message its time. Returns the hops' names."""
    elapsed = float(re.search('id="elapsed">([0-9.]+)<', page)[1])
    (phases,) = table(page, 'id="phases"')
    assert abs(sum(float(row[2]) for row in phases) - elapsed) < SUM_MS
    at = 0.0
    for name, start, took in phases:
        assert abs(float(start) - at) < 0.01, phases  # one begins where the one before ended
        at = float(start) + float(took)
    totals = [float(total) for total in re.findall('class="total">([0-9.]+)<', page)]
    messages = table(page, 'class="hops"')
    assert len(messages) == len(totals)
    for hops, total in zip(messages, totals):
        assert abs(sum(float(row[2]) for row in hops) - total) < SUM_MS, hops
        assert total <= elapsed + SUM_MS
    return [[row[0] for row in hops] for hops in messages]


# ---- off -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [*PATHS, "/_debugtoolbar/pools/" + "0" * 32 + "/kill"])
def test_without_the_toolbar_there_is_no_such_path(site, path):
    nowhere = site.browser().get("/no/such/path")
    for answer in (site.browser().get(path), site.browser().post(path, {})):
        assert answer.status == 404
        for name in ("Allow", "Server-Timing"):
            assert answer.headers[name] is None
    assert site.curl().get(path).body == nowhere.body or site.curl().get(path).body == b"404: Not Found"


def test_without_the_toolbar_pages_and_headers_know_nothing_of_it(site):
    answer = site.browser(1).get("/questions")
    assert "debug" not in answer.text and answer.headers["Server-Timing"] is None
    assert "connect-src" not in answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize("stranger", [
    {"X-Real-IP": "203.0.113.9"}, {"X-Real-IP": "unknown"}, {"X-Forwarded-For": "127.0.0.1"}])
@pytest.mark.parametrize("path", PATHS)
def test_for_a_client_that_is_not_among_the_hosts_there_is_no_toolbar(shown, path, stranger):
    assert shown.browser().request("GET", path, headers=stranger).status == 404
    answer = shown.browser().request("GET", "/login", headers=stranger)
    assert "debug-button" not in answer.text and answer.headers["Server-Timing"] is None
    assert answer.headers["X-Request-Id"] not in shown.browser().get("/_debugtoolbar").text


@pytest.mark.parametrize("path", [*PATHS, "/_dev/events"])
def test_who_is_lured_here_by_a_name_of_somebody_else_sees_no_toolbar(own_site, path):
    shown = own_site(*TOOLBAR, "--set", "debug.reload=true")
    assert shown.browser().request("GET", path, headers={"Host": "evil.example:9000"}).status == 404
    assert "debug-button" not in shown.browser().request("GET", "/login", headers={"Host": "evil.example"}).text
    assert "debug-button" in shown.browser().request("GET", "/login", headers={"Host": "localhost"}).text


# ---- what is shown -------------------------------------------------------------------------------


def test_a_page_has_a_button_that_leads_to_its_request(shown):
    answer = shown.browser(1).get("/questions")
    path = f"/_debugtoolbar/requests/{answer.headers['X-Request-Id']}"
    assert answer.text.count(f'href="{path}"') == 1
    assert answer.text.rindex("debug-button") < answer.text.rindex("</body>")
    for name in ("parse", "page", "render", "session_read", "user_get", "question_list"):
        assert re.search(rf"(^|, ){name};dur=[0-9.]+", answer.headers["Server-Timing"]), name
    page = page_of(shown, answer)
    check_sums(page)
    steps = [row for part in table(page, 'id="steps"') for row in part]
    assert any(row[1] == "sql" and row[2].startswith("SELECT") for row in steps)
    assert any(row[1] == "redis" and row[2].startswith("GET sessionid_...; PTTL sessionid_...") for row in steps)
    assert "Accept" in page and "Content-Security-Policy" in page and "/questions" in page


@pytest.mark.parametrize("method, path, form", [
    ("GET", "/hello", None), ("GET", "/questions/1/results", None), ("POST", "/questions/2/vote", {"choice_id": 4}),
    ("GET", "/nowhere", None), ("POST", "/login", {"account": "xiaoman@example.com", "password": "wrong"})])
def test_the_hops_of_a_request_add_up_to_its_time(shown, method, path, form):
    client = shown.browser(1)
    answer = client.get(path) if method == "GET" else client.post(path, form)
    for hops in check_sums(page_of(shown, answer)):
        assert hops == ["queue", "out", "pool-queue", "work", "back", "read"]


def test_secrets_are_masked_everywhere(own_site):
    shown = own_site(*TOOLBAR, "--set", "throttle.secret=a-secret-of-the-configuration")
    client = shown.browser()
    email = "masked@example.com"
    registered = client.post("/register", {"name": "某人", "email": email, "phone": "", "password": PASSWORD})
    logged_in = client.post("/login", {"account": email, "password": PASSWORD})
    session = client.cookies["sessionid"]
    named = {"X-Api-Key": "a-secret-header", "Proxy-Authorization": "a-secret-header"}
    home = client.request("GET", "/", headers=named)
    everything = [page_of(shown, answer) for answer in (registered, logged_in, home)]
    everything += [shown.browser().get(path).text for path in PATHS[:3]]
    for page in everything:
        assert PASSWORD not in page and session not in page and "$argon2" not in page
        assert "a-secret-of-the-configuration" not in page and "a-secret-header" not in page
    assert "某人" in everything[0] and "***" in everything[0]  # the form, but for its password


def test_the_last_requests_are_kept_and_no_more(own_site):
    site = own_site(*TOOLBAR, "--set", "debug.requests=3")
    answers = [site.browser().get(f"/login?n={n}") for n in range(5)]
    page_of(site, answers[-1])
    rows = site.browser().get("/_debugtoolbar/rows").text
    assert re.findall(r"/login\?n=(\d)", rows) == ["4", "3", "2"]
    old = f"/_debugtoolbar/requests/{answers[0].headers['X-Request-Id']}"
    assert site.browser().get(old).status == 404


def test_what_was_logged_of_a_request_is_on_its_page(shown):
    shown.pools["session"][0].stop()
    shown.start_pool("session", "--set", "caches.default.socket=/nowhere/redis.sock")
    shown.await_ready()
    answer = shown.browser(1).get("/questions")
    lines = [" ".join(row) for row in table(page_of(shown, answer), 'id="lines"')[0]]
    assert any("ask_failed" in line and answer.headers["X-Request-Id"] in line for line in lines), lines
    assert any(line.startswith("session") and "redis_away" in line for line in lines), lines


def test_a_redirect_is_held_up_if_wanted(own_site):
    site = own_site(*TOOLBAR, "--set", "debug.intercept_redirects=true")
    answer = site.browser().get("/")
    assert answer.status == 200 and 'id="follow" href="/login"' in answer.text
    assert site.curl().get("/").status == 302


# ---- a pool dies ---------------------------------------------------------------------------------


def kill_the_one_at_work(site):
    """By the button of the pools' page, the db pool that has a write."""
    def busy():
        rows = re.findall(r"<tr>.*?</tr>", site.browser().get("/_debugtoolbar/site").text, re.S)
        for row in rows:
            cells = re.findall(r"<td[^>]*>(.*?)</td>", row, re.S)
            if len(cells) == 7 and cells[0] == "db" and cells[4] == "1":
                return re.search(r'action="(/_debugtoolbar/pools/[0-9a-f]{32}/kill)"', row)[1], int(cells[2])
        return None
    path, pid = site.gateway.until(busy)
    foreign = site.browser().request("POST", path, b"", {"Sec-Fetch-Site": "cross-site"})
    assert foreign.status == 403
    answer = site.browser().post(path, {})
    assert (answer.status, answer.location) == (303, "/_debugtoolbar/site")
    (pool,) = [pool for pool in site.pools["db"] if pool.pid == pid]
    assert pool.wait() == -9
    pool.abandon()


@pytest.fixture
def interrupted(shown):
    """(site, the answer to a vote whose first pool was killed while it worked on it)."""
    shown.start_pool("db")
    shown.gateway.until(lambda: shown.browser().get("/_debugtoolbar/site").text.count("<td>db</td>") == 2)
    question, choices = shown.question()
    client, answers = shown.browser(1), []
    lock = shown.database.connect()
    lock.begin()
    try:
        with lock.cursor() as cursor:
            cursor.execute("SELECT id FROM question WHERE id = %s FOR UPDATE", (question,))
            voting = threading.Thread(target=lambda: answers.append(
                client.post(f"/questions/{question}/vote", {"choice_id": choices[0]})))
            voting.start()
            kill_the_one_at_work(shown)
    finally:
        lock.close()
    voting.join(30)
    assert shown.votes(question) == [1, 0]
    return shown, answers[0]


def test_the_timeline_of_a_vote_during_a_pools_death_shows_two_attempts(interrupted):
    site, answer = interrupted
    assert answer.status == 303
    page = page_of(site, answer)
    hops = check_sums(page)
    assert hops[-1] == ["queue", "lost", "queue", "out", "pool-queue", "work", "back", "read"]
    attempts = table(page, 'class="attempts"')[-1]
    assert len(attempts) == 2 and attempts[0][1] != attempts[1][1]
    assert attempts[1][3] == "answered" and attempts[0][3] == "its connection is gone"
    assert float(attempts[1][2]) < float(attempts[0][2])  # less of the deadline is left
    assert 'class="bar lost"' in page
    lines = [" ".join(row) for row in table(page, 'id="lines"')[0]]
    assert any("request_again" in line and "its connection is gone" in line for line in lines), lines


def test_only_a_pool_that_is_there_can_be_killed(shown):
    for name in ("0" * 32, "1", "x"):
        assert shown.browser().post(f"/_debugtoolbar/pools/{name}/kill", {}).status == 404


# ---- in a browser --------------------------------------------------------------------------------


def test_the_pages_work_in_a_browser_under_the_policy(interrupted, build_dir):
    site, answer = interrupted
    with chromium.started(site.port, build_dir / "artefacts") as browser:
        browser.log_in(site.session(1))
        browser.open("/questions")
        browser.keep("toolbar-button")
        browser.leave_by(".debug-button a")
        assert "GET /questions" in browser.text
        assert browser.find(".timeline .bar.work").size["width"] > 0
        browser.open(f"/_debugtoolbar/requests/{answer.headers['X-Request-Id']}")
        assert browser.find(".bar.lost").size["width"] > 100
        browser.keep("toolbar-timeline")
        browser.open("/_debugtoolbar/site")
        browser.keep("toolbar-site")
        browser.open("/_debugtoolbar")
        browser.keep("toolbar-history")
        late = Client(site.port, BROWSER).get("/hello?late")
        assert late.status == 200
        site.gateway.until(lambda: "/hello?late" in browser.text)  # without a reload
        assert browser.complaints() == []
