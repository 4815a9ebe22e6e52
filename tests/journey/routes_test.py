"""Every route: who may ask, what comes back, in which bytes."""
import json
import re

import pytest

HTML = "text/html; charset=utf-8"
TEXT = "text/plain; charset=utf-8"
JSON = "application/json; charset=utf-8"

# path: the methods it answers
METHODS = {
    "/hello": "GET,HEAD",
    "/": "GET,HEAD",
    "/register": "GET,HEAD,POST",
    "/login": "GET,HEAD,POST",
    "/logout": "POST",
    "/logout/everywhere": "POST",
    "/questions": "GET,HEAD",
    "/questions/mine": "GET,HEAD",
    "/questions/new": "GET,HEAD,POST",
    "/questions/1": "GET,HEAD",
    "/questions/1/vote": "POST",
    "/questions/1/results": "GET,HEAD",
    "/questions/1/close": "POST",
    "/questions/1/delete": "POST",
    "/questions/1/choice": "GET,HEAD",
    "/question/1/choice": "GET,HEAD",
    "/healthz": "GET,HEAD",
    "/readyz": "GET,HEAD",
}
NEEDS_SESSION = ["/", "/questions", "/questions/mine", "/questions/new", "/questions/1"]
CHANGES = ["/questions/new", "/questions/1/vote", "/questions/1/close", "/questions/1/delete"]
NO_NUMBER = ["abc", "1abc", "0", "-1", "+1", "1.0", "1e3", "%20", "01x", "01", "999999",
             "9223372036854775808", "99999999999999999999999999999", "%EF%BC%91", "1%00"]


def test_hello_is_the_line_everybody_tries_first(site):
    answer = site.curl().get("/hello")
    assert (answer.status, answer.type, answer.body) == (200, TEXT, b"Hello Aiohttp!")


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_health_is_text(site, path):
    answer = site.curl().get(path)
    assert (answer.status, answer.type) == (200, TEXT)


@pytest.mark.parametrize("path", ["/register", "/login"])
def test_forms_are_there_for_everybody(site, path):
    answer = site.browser().get(path)
    assert (answer.status, answer.type) == (200, HTML)
    assert f'<form method="post" action="{path}">' in answer.text


@pytest.mark.parametrize("path", NEEDS_SESSION)
def test_a_page_without_log_in_leads_to_the_log_in_page(site, path):
    for client in (site.browser(), site.curl()):
        answer = client.get(path)
        assert (answer.status, answer.location) == (302, "/login")


@pytest.mark.parametrize("path", NEEDS_SESSION)
def test_a_program_without_log_in_is_told_so(site, path):
    answer = site.program().get(path)
    assert answer.status == 401
    assert answer.body == b'{"error_code": 20010, "error_msg": "Please log in"}'


@pytest.mark.parametrize("path", CHANGES)
def test_a_change_without_log_in_is_refused(site, path):
    for client in (site.program(), site.curl()):
        assert (answer := client.post(path)).status == 401 and answer.code == 20010
    answer = site.browser().post(path)
    assert (answer.status, answer.location) == (302, "/login")


@pytest.mark.parametrize("path", [p for p, methods in METHODS.items() if "GET" in methods])
def test_head_is_get_without_the_body(site, path):
    browser = site.browser(user=1)
    get, head = browser.get(path), browser.head(path)
    assert (head.status, head.type, head.body) == (get.status, get.type, b"")
    assert head.headers["Content-Length"] == get.headers["Content-Length"]


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
@pytest.mark.parametrize("path", METHODS)
def test_another_method_is_405_and_told_which_are_allowed(site, path, method):
    allowed = METHODS[path]
    if method in allowed.split(","):
        return
    for client in (site.curl(), site.browser(), site.program()):
        answer = client.request(method, path)
        assert (answer.status, answer.headers["Allow"]) == (405, allowed)


def test_405_is_text_for_programs_and_a_page_for_browsers(site):
    assert site.curl().post("/hello").body == b"405: Method Not Allowed"
    answer = site.browser().post("/hello")
    assert answer.type == HTML and "不支持这个操作" in answer.text


def test_an_unknown_method_is_501(site):
    assert site.curl().request("BREW", "/hello").status == 501


@pytest.mark.parametrize("path", ["/nowhere", "/hello/", "/Hello", "/staticfoo", "/questions/",
                                  "/questions/1/", "/questions/1/votes", "/question/1",
                                  "/_debugtoolbar", "//hello", "/./hello", "/a/../hello",
                                  "/hel%2flo", "/%00", "/%ff", "/%F0%9F%98%80", "/%3Cscript%3E"])
def test_an_unknown_path_is_404(site, path):
    answer = site.curl().get(path)
    assert (answer.status, answer.type, answer.body) == (404, TEXT, b"404: Not Found")
    answer = site.browser().get(path)
    assert (answer.status, answer.type) == (404, HTML)
    assert "没有找到" in answer.text and "<script" not in answer.text


@pytest.mark.parametrize("route", ["/questions/{}/choice", "/question/{}/choice"])
def test_the_choices_are_json_with_keys_in_column_order(site, route):
    answer = site.curl().get(route.format(1))
    assert (answer.status, answer.type) == (200, JSON)
    rows = site.database.query(
        "SELECT id, delete_flag, choice_text, votes, question_id, create_time FROM choice"
        " WHERE question_id = 1 ORDER BY id")
    keys = ["id", "delete_flag", "choice_text", "votes", "question_id", "create_time"]
    expected = [dict(zip(keys, [*row[:-1], f"{row[-1]:%Y-%m-%d %H:%M:%S}"])) for row in rows]
    assert answer.body == json.dumps(expected).encode()
    assert [(c["choice_text"], c["votes"]) for c in expected] == [("python", 3), ("java", 2), ("go", 1)]


def test_choices_that_are_not_ascii_come_as_they_are_meant(site):
    assert [c["choice_text"] for c in site.curl().get("/question/5/choice").json()] == [
        "《风,雨》", "《山|海》", "《<新芽>》"]


@pytest.mark.parametrize("number", [*NO_NUMBER, "6", "7"])
def test_no_such_question_or_none_of_its_choices_is_an_empty_list(site, number):
    for route in ("/questions/{}/choice", "/question/{}/choice"):
        answer = site.curl().get(route.format(number))
        if number in ("1%00",):
            assert answer.status == 404
        else:
            assert (answer.status, answer.type, answer.body) == (200, JSON, b"[]")


@pytest.mark.parametrize("number", [*NO_NUMBER, "7"])
def test_no_such_question_is_404_on_every_page_of_it(site, number):
    for path in ("/questions/{}", "/questions/{}/results"):
        answer = site.browser(user=1).get(path.format(number))
        assert (answer.status, answer.type) == (404, HTML)
        assert site.curl(user=1).get(path.format(number)).body == b"404: Not Found"
    for path in ("/questions/{}/vote", "/questions/{}/close", "/questions/{}/delete"):
        answer = site.program(user=1).post(path.format(number), {"choice_id": 1})
        assert answer.status == 404
        assert number == "1%00" or answer.code == 20008
        assert site.browser(user=1).post(path.format(number), {"choice_id": 1}).type == HTML


def test_home_greets_by_name_and_shows_the_newest_questions_first(site):
    answer = site.browser(user=1).get("/")
    assert answer.status == 200
    assert '<span class="account-name" title="小满" dir="auto">小满</span>' in answer.text
    shown = [int(n) for n in re.findall(r'href="/questions/(\d+)"', answer.text)]
    assert shown == sorted(shown, reverse=True) and 1 in shown and 7 not in shown
    assert "<title>首页</title>" in answer.text


def test_the_questions_page_is_a_real_form_for_each_open_question(site):
    page = site.browser(user=1).get("/questions").text
    assert "<title>问答</title>" in page
    for question in (1, 2, 3, 4, 5):
        assert f'<form method="post" action="/questions/{question}/vote">' in page
    assert page.count('<input type="radio" name="choice_id"') == 15
    assert "《&lt;新芽&gt;》" in page and "《<新芽>》" not in page
    assert "这个问题还没有选项" in page and "草稿" in page
    assert "已删除的问题" not in page


def test_one_question_is_a_form_and_once_voted_its_results(site):
    assert 'action="/questions/1/vote"' in site.browser(user=1).get("/questions/1").text
    page = site.browser(user=4).get("/questions/1").text
    assert 'action="/questions/1/vote"' not in page
    assert "我的选择" in page and "我的回执" in page


def test_results_are_counts_and_percent_for_everybody(site):
    for browser in (site.browser(), site.browser(user=1)):
        page = re.sub(r"\s+", " ", browser.get("/questions/1/results").text)
        assert re.findall(r'<td class="number">([^<]*)</td>', page) == [
            "3", "50.0%", "2", "33.3%", "1", "16.7%"]
        assert re.findall(r'class="bar-fill" width="(\d+%)"', page) == ["50%", "33%", "17%"]
        assert "共 6 票" in page


def test_results_are_json_for_programs(site):
    choices = [{"id": 1, "choice_text": "python", "votes": 3, "percent": "50.0%"},
               {"id": 2, "choice_text": "java", "votes": 2, "percent": "33.3%"},
               {"id": 3, "choice_text": "go", "votes": 1, "percent": "16.7%"}]
    expected = {"id": 1, "question_text": "你最想学的编程语言?", "closed": False, "closes_at": None,
                "votes": 6, "choices": choices}
    assert site.program().get("/questions/1/results").json() == expected
    assert site.curl().get("/questions/1/results").json() == expected


def test_a_question_without_votes_shows_zeros(site):
    page = site.browser().get("/questions/5/results").text
    assert page.count("0.0%") == 3 and "还没有人投票" in page and "第一" not in page


def test_an_older_page_goes_on_where_the_newer_one_ended(own_site):
    site = own_site("--set", "site.page_size=2")
    page = site.browser(user=1).get("/questions").text
    shown = []
    while True:
        shown += [int(n) for n in re.findall(r'id="question-(\d+)"', page)]
        older = re.search(r'href="(/questions\?before=\d+)"', page)
        if not older:
            break
        page = site.browser(user=1).get(older[1]).text
    assert shown == [6, 5, 4, 3, 2, 1]


@pytest.mark.parametrize("query", ["?before=abc", "?before=0", "?before=-1", "?before=1&before=2",
                                   "?before=99999999999999999999", "?note=%3Cscript%3E", "?%ff=%ff"])
def test_a_query_that_means_nothing_is_ignored(site, query):
    answer = site.browser(user=1).get("/questions" + query)
    assert answer.status == 200 and "<script" not in answer.text


def test_a_note_in_an_address_chooses_a_known_sentence_and_writes_none(site):
    assert "注册成功，请登录。" in site.browser().get("/login?note=registered").text
    assert 'role="status"' not in site.browser().get("/login?note=hello").text


@pytest.mark.parametrize("path", ["/", "/login", "/register", "/questions", "/questions/1",
                                  "/questions/mine", "/questions/new", "/questions/1/results",
                                  "/nowhere"])
def test_every_page_is_kept_by_nobody_and_loads_nothing_from_elsewhere(site, path):
    answer = site.browser(user=1).get(path)
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert '<html lang="zh-CN">' in answer.text
    assert not re.search(r'(?:src|href)="(?:https?:)?//', answer.text)
    assert not re.search(r'<script|\sstyle="|\son\w+="', answer.text)


def test_every_answer_has_a_request_id_of_its_own(site):
    ids = {site.curl().get(path).headers["X-Request-Id"]
           for path in ("/hello", "/nowhere", "/login", "/", "/question/1/choice", "/static/x")}
    assert len(ids) == 6 and all(re.fullmatch(r"[0-9a-f]{32}", i) for i in ids)


def test_too_large_a_body_is_413(site):
    answer = site.browser().post("/login", {"account": "a" * 1100000, "password": "p"})
    assert answer.status == 413 and "内容太大" in answer.text
