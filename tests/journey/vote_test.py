"""Voting: once, for a choice of the question, while it is open; and what it shows afterwards."""
import re
import secrets

import pytest

from tests.fixtures.site import together

PASSWORD = "correct horse battery"


def vote(client, question, choice, **fields):
    return client.post(f"/questions/{question}/vote", {"choice_id": choice, **fields})


def close_in_the_database(site, question, when="UTC_TIMESTAMP() - INTERVAL 1 SECOND"):
    site.database.query(f"UPDATE question SET closes_at = {when} WHERE id = %s", question)


# ---- the way of a person -------------------------------------------------------------------------


@pytest.mark.parametrize("person", ["browser", "curl", "program"])
def test_register_log_in_vote_see_the_result_and_log_out(site, person):
    client = getattr(site, person)()
    question, choices = site.question()
    email = f"{person}@example.com"
    form = {"name": person, "email": email, "phone": "", "password": PASSWORD}
    assert client.post("/register", form).status in (200, 303)
    assert client.post("/login", {"account": email, "password": PASSWORD}).status == 302
    assert client.get("/").status == 200
    page = site.browser()
    page.cookies = client.cookies
    form = page.get(f"/questions/{question}").text
    request_id = re.search(r'name="request_id" value="([0-9a-f]{32})"', form)[1]
    answer = vote(client, question, choices[1], request_id=request_id)
    assert answer.status == (303 if person == "browser" else 200)
    shown = page.get(f"/questions/{question}/results?note=voted").text
    assert "投票成功，谢谢！" in shown and "我的选择" in shown and "100.0%" in shown
    assert site.votes(question) == [0, 1]
    assert client.post("/logout").status == 303
    assert vote(client, question, choices[0]).status in (302, 401)
    assert site.votes(question) == [0, 1]


def test_a_browser_is_led_to_the_results_and_a_program_gets_a_receipt(site):
    question, choices = site.question()
    answer = vote(site.browser(site.account()), question, choices[0])
    assert (answer.status, answer.location) == (303, f"/questions/{question}/results?note=voted")
    answer = vote(site.curl(site.account()), question, choices[0])
    assert re.fullmatch(rb'\{"error_code": 0, "error_msg": "ok", "receipt": "[0-9a-f]{32}"\}',
                        answer.body)


def test_a_receipt_can_be_shown_again(site):
    user, (question, choices) = site.account(), site.question()
    receipt = vote(site.program(user), question, choices[1]).json()["receipt"]
    results = site.program(user).get(f"/questions/{question}/results").json()
    assert (results["receipt"], results["my_choice_id"]) == (receipt, choices[1])
    assert f"<code>{receipt}</code>" in site.browser(user).get(f"/questions/{question}").text
    for other in (site.browser(), site.browser(site.account())):
        assert receipt not in other.get(f"/questions/{question}/results").text


# ---- once ----------------------------------------------------------------------------------------


def test_two_browsers_of_one_account_have_one_vote(site):
    user, (question, choices) = site.account(), site.question()
    first, second = site.browser(user), site.browser(user)
    assert vote(first, question, choices[0]).status == 303
    answer = vote(second, question, choices[1])
    assert answer.status == 409 and "你已经投过票了" in answer.text and "我的选择" in answer.text
    assert vote(site.program(user), question, choices[1]).code == 20006
    assert site.votes(question) == [1, 0]


def test_the_same_request_again_gets_the_same_receipt(site):
    user, (question, choices) = site.account(), site.question()
    request_id = secrets.token_hex(16)
    receipts = {vote(site.program(user), question, choices[0], request_id=request_id).json()["receipt"]
                for _ in range(3)}
    assert len(receipts) == 1 and site.votes(question) == [1, 0]
    close_in_the_database(site, question)
    again = vote(site.program(user), question, choices[0], request_id=request_id)
    assert again.json().get("receipt") in receipts, "a vote that counts is never called too late"


def test_a_request_id_of_somebody_else_is_not_their_vote(site):
    question, choices = site.question()
    request_id = secrets.token_hex(16)
    receipts = {vote(site.program(user), question, choices[0], request_id=request_id).json()["receipt"]
                for user in site.accounts(2)}
    assert len(receipts) == 2 and site.votes(question) == [2, 0]


def test_200_accounts_at_once_are_200_votes(site):
    question, choices = site.question(choices=("甲", "乙", "丙"))
    people = [site.program(user) for user in site.accounts(200)]
    answers = together([lambda i=i, p=p: vote(p, question, choices[i % 3])
                        for i, p in enumerate(people)])
    assert {answer.status for answer in answers} == {200}
    assert len({answer.json()["receipt"] for answer in answers}) == 200
    assert site.votes(question) == [67, 67, 66]


def test_200_posts_of_one_account_at_once_are_one_vote(site):
    user, (question, choices) = site.account(), site.question()
    people = [site.program(user) for _ in range(200)]
    answers = together([lambda i=i, p=p: vote(p, question, choices[i % 2])
                        for i, p in enumerate(people)])
    assert sorted(answer.status for answer in answers) == [200] + [409] * 199
    assert {answer.code for answer in answers if answer.status == 409} == {20006}
    assert sum(site.votes(question)) == 1


def test_200_posts_with_one_request_id_at_once_get_one_receipt(site):
    user, (question, choices) = site.account(), site.question()
    people, request_id = [site.program(user) for _ in range(200)], secrets.token_hex(16)
    answers = together([lambda p=p: vote(p, question, choices[0], request_id=request_id)
                        for p in people])
    assert {answer.status for answer in answers} == {200}
    assert len({answer.json()["receipt"] for answer in answers}) == 1
    assert site.votes(question) == [1, 0]


# ---- refused -------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", [{}, {"choice_id": ""}, {"other": "1"}])
def test_nothing_chosen_shows_the_form_again_with_a_message(site, form):
    user, (question, _) = site.account(), site.question()
    answer = site.browser(user).post(f"/questions/{question}/vote", form)
    assert answer.status == 422 and "请先选择一项" in answer.text
    assert f'action="/questions/{question}/vote"' in answer.text
    answer = site.program(user).post(f"/questions/{question}/vote", form)
    assert answer.status == 422
    assert answer.json() == {"error_code": 20005, "error_msg": "A field is missing or invalid",
                             "fields": {"choice_id": "missing"}}
    assert site.votes(question) == [0, 0]


def test_a_choice_that_is_no_utf_8_is_told_so_and_is_no_vote(site):
    user, (question, _) = site.account(), site.question()
    answer = vote(site.program(user), question, b"\xff")
    assert (answer.status, answer.json()["fields"]) == (422, {"choice_id": "invalid"})
    assert vote(site.browser(user), question, b"\xff").status == 422
    assert site.votes(question) == [0, 0]


@pytest.mark.parametrize("choice", ["abc", "1abc", "0", "-1", "9223372036854775808", "9" * 60, "1.0",
                                    " ", "1\x00", "🎉", "<script>", "' OR 1=1 --", "1",
                                    "x" * 3000], ids=lambda choice: repr(choice[:20]))
def test_no_choice_of_this_question_is_no_vote(site, choice):
    user, (question, _) = site.account(), site.question()
    answer = vote(site.program(user), question, choice)
    assert (answer.status, answer.code) == (404, 20008)
    answer = vote(site.browser(user), question, choice)
    assert answer.status == 404 and "<script" not in answer.text
    assert site.votes(question) == [0, 0]


@pytest.mark.parametrize("request_id", ["x", "0" * 32, "0" * 33, "<script>", b"\xff" * 32])
def test_a_malformed_request_id_is_no_vote(site, request_id):
    user, (question, choices) = site.account(), site.question()
    answer = vote(site.program(user), question, choices[0], request_id=request_id)
    assert (answer.status, answer.json()["fields"]) == (422, {"request_id": "invalid"})
    assert vote(site.browser(user), question, choices[0], request_id=request_id).status == 422
    assert site.votes(question) == [0, 0]


def test_a_question_without_choices_is_a_draft_nobody_can_vote_on(site):
    user = site.account()
    assert "草稿" in site.browser(user).get("/questions/6").text
    assert vote(site.program(user), 6, 1).code == 20008


def test_a_deleted_question_is_no_question(site):
    user, before = site.account(), site.votes(7)
    assert vote(site.program(user), 7, 16).code == 20008
    assert site.votes(7) == before


def test_a_closed_question_takes_no_vote(site):
    question, choices = site.question()
    user = site.account()
    form = site.browser(user).get(f"/questions/{question}").text
    assert "投票中" not in form and f'action="/questions/{question}/vote"' in form
    close_in_the_database(site, question)
    answer = vote(site.program(user), question, choices[0])
    assert (answer.status, answer.code) == (409, 20007)
    answer = vote(site.browser(user), question, choices[0])
    assert answer.status == 409 and "投票已经截止，这一票没有计入" in answer.text
    assert site.votes(question) == [0, 0]
    shown = site.browser(user).get(f"/questions/{question}").text
    assert "已截止" in shown and f"/questions/{question}/vote" not in shown
    assert f'id="question-{question}"' not in site.browser(user).get("/questions").text


def test_the_closing_time_is_read_on_the_clock_of_the_database(site):
    question, choices = site.question()
    close_in_the_database(site, question, "UTC_TIMESTAMP() + INTERVAL 1 HOUR")
    assert vote(site.program(site.account()), question, choices[0]).status == 200
    close_in_the_database(site, question, "UTC_TIMESTAMP()")
    assert vote(site.program(site.account()), question, choices[0]).code == 20007
    assert site.votes(question) == [1, 0]


# ---- the request must come from our own pages ----------------------------------------------------


@pytest.mark.parametrize("headers, allowed", [
    ({}, True),
    ({"Sec_Fetch_Site": "same-origin"}, True),
    ({"Sec_Fetch_Site": "none"}, True),
    ({"Sec_Fetch_Site": "same-site"}, False),
    ({"Sec_Fetch_Site": "cross-site"}, False),
    ({"Sec_Fetch_Site": "nonsense"}, False),
    ({"Sec_Fetch_Site": ""}, False),
    ({"Sec_Fetch_Site": "same-origin", "Origin": "https://evil.example"}, True),
    ({"Sec_Fetch_Site": "cross-site", "Origin": "ours"}, False),
    ({"Origin": "ours"}, True),
    ({"Origin": "https://evil.example"}, False),
    ({"Origin": "null"}, False),
    ({"Origin": "http://127.0.0.1"}, False),
    ({"Origin": "http://127.0.0.1:1"}, False),
    ({"Origin": "ours.evil.example"}, False),
])
def test_another_site_cannot_make_a_browser_vote(site, headers, allowed):
    origin = f"http://127.0.0.1:{site.port}"
    headers = {name: value.replace("ours", origin) for name, value in headers.items()}
    question, choices = site.question()
    for person in (site.browser, site.program):
        client = person(site.account())
        answer = client.post(f"/questions/{question}/vote", {"choice_id": choices[0]}, **headers)
        assert (answer.status != 403) == allowed, headers
    assert site.votes(question) == [2 if allowed else 0, 0]


@pytest.mark.parametrize("path", ["/register", "/login", "/logout", "/questions/new",
                                  "/questions/1/vote", "/questions/1/close", "/questions/1/delete"])
def test_every_change_asks_where_the_request_comes_from(site, path):
    browser = site.browser(user=1)
    assert browser.post(path, Sec_Fetch_Site="cross-site").status == 403
    assert browser.get("/").status == 200
    assert site.database.query("SELECT delete_flag, closes_at FROM question WHERE id = 1") == ((0, None),)


# ---- what results show ---------------------------------------------------------------------------


def test_a_tie_is_shown_as_a_tie(site):
    page = site.browser().get("/questions/4/results").text
    assert page.count("并列第一") == 2 and page.count("第一") == 2
    assert [c["votes"] for c in site.program().get("/questions/4/results").json()["choices"]] == [4, 4, 1]


def test_a_single_leader_is_shown_as_the_first(site):
    page = site.browser().get("/questions/2/results").text
    assert page.count("第一") == 1 and "并列" not in page


def test_every_tally_is_the_count_of_its_votes(site):
    for (question,) in site.database.query("SELECT id FROM question"):
        site.votes(question)
