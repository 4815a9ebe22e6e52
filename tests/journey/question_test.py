"""People bring their own questions; closing and deleting them is their owner's alone."""
import re
import secrets

import pytest

LONG = "字" * 200


def question_form(text="一个问题?", choices=("甲", "乙"), **fields):
    return [("text", text), *(("choice", choice) for choice in choices), *fields.items()]


def ask(client, *arguments, **fields):
    return client.post("/questions/new", question_form(*arguments, **fields))


def stored(site, question):
    text, = site.database.query("SELECT question_text FROM question WHERE id = %s", question)
    choices = site.database.query("SELECT choice_text FROM choice WHERE question_id = %s ORDER BY id",
                                  question)
    return text[0], [row[0] for row in choices]


# ---- asking --------------------------------------------------------------------------------------


def test_a_program_gets_the_number_of_its_question_and_a_browser_is_led_there(site):
    answer = ask(site.curl(user=1))
    assert re.fullmatch(rb'\{"error_code": 0, "error_msg": "ok", "id": \d+\}', answer.body)
    assert stored(site, answer.json()["id"]) == ("一个问题?", ["甲", "乙"])
    answer = ask(site.browser(user=1))
    assert answer.status == 303 and re.fullmatch(r"/questions/\d+\?note=created", answer.location)
    page = site.browser(user=1).get(answer.location).text
    assert "问题已经发布。" in page and "一个问题?" in page


def test_a_multipart_form_asks_as_well(site):
    answer = site.program(user=1).post_multipart("/questions/new", question_form("分段?"))
    assert stored(site, answer.json()["id"])[0] == "分段?"


def test_what_comes_as_a_file_is_judged_as_any_text(site):
    def send(text):
        body = (b'--b\r\nContent-Disposition: form-data; name="text"; filename="q.txt"\r\n\r\n%s\r\n'
                b'--b\r\nContent-Disposition: form-data; name="choice"\r\n\r\nyes\r\n'
                b'--b\r\nContent-Disposition: form-data; name="choice"\r\n\r\nno\r\n--b--' % text)
        return site.program(user=1).request(
            "POST", "/questions/new", body, {"Content-Type": "multipart/form-data; boundary=b"})

    assert stored(site, send("文件?".encode()).json()["id"])[0] == "文件?"
    for text in (b"\x89PNG", b"a\0b", b"", b"a" * 4097):
        assert list(send(text).json()["fields"]) == ["text"], text


def test_a_text_that_turns_around_turns_nothing_but_itself(site):
    text = "abc\u202edef\u2067"
    question = ask(site.program(user=1), text, [text, "b"]).json()["id"]
    for path in ("/", "/questions", "/questions/mine", f"/questions/{question}",
                 f"/questions/{question}/results"):
        page = site.browser(user=1).get(path).text
        shown = re.findall(r"<([^<]*)>：?" + text, page)
        assert shown and all('dir="auto"' in tag or tag == "bdi" for tag in shown), path
        assert len(shown) == page.count(text), path


@pytest.mark.parametrize("text", ["🎉🎊", "<script>alert(1)</script>", "' OR 1=1 --", "a\"b'c&d", LONG,
                                  "{{ 7 * 7 }}{% if %}", "%s%n", "\\' ; DROP TABLE vote"],
                         ids=lambda text: text[:12])
def test_any_text_is_kept_and_shown_as_it_was_meant(site, text):
    other = text[:-1] + "!"
    question = ask(site.program(user=1), text, [text, other]).json()["id"]
    assert stored(site, question) == (text, [text, other])
    shown = site.program().get(f"/questions/{question}/results").json()
    assert shown["question_text"] == text
    assert [c["choice_text"] for c in site.curl().get(f"/question/{question}/choice").json()] == [text, other]
    browser = site.browser(user=1)
    for path in ("/", "/questions", "/questions/mine", f"/questions/{question}",
                 f"/questions/{question}/results"):
        page = browser.get(path).text
        assert "<script" not in page, path
        assert text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace(
            '"', "&#34;").replace("'", "&#39;") in page, path


def test_spaces_around_are_taken_off_and_empty_choices_do_not_count(site):
    question = ask(site.program(user=1), "  问题? \n", ["  甲 ", "", "  ", "\u3000", "乙"]).json()["id"]
    assert stored(site, question) == ("问题?", ["甲", "乙"])


def test_twenty_choices_are_the_most(site):
    twenty = [f"选项 {i}" for i in range(20)]
    assert ask(site.program(user=1), "二十?", twenty).code == 0
    answer = ask(site.program(user=1), "二十一?", [*twenty, "选项 20"])
    assert (answer.status, answer.json()["fields"]) == (422, {"choice": "many"})


BAD = {
    "no text": (("", ("甲", "乙")), "text", "missing"),
    "blank text": (("  \t ", ("甲", "乙")), "text", "missing"),
    "text of a zero-width space": (("\u200b", ("甲", "乙")), "text", "missing"),
    "text of an ideographic space": (("\u3000", ("甲", "乙")), "text", "missing"),
    "long text": ((LONG + "字", ("甲", "乙")), "text", "long"),
    "text not UTF-8": ((b"\xff\xfe", ("甲", "乙")), "text", "invalid"),
    "text with NUL": (("a\x00b", ("甲", "乙")), "text", "invalid"),
    "text with ESC": (("a\x1bb", ("甲", "乙")), "text", "invalid"),
    "no choice": (("问?", ()), "choice", "missing"),
    "one choice": (("问?", ("甲",)), "choice", "missing"),
    "one choice and blanks": (("问?", ("甲", " ", "")), "choice", "missing"),
    "one choice and one of an ideographic space": (("问?", ("甲", "\u3000")), "choice", "missing"),
    "long choice": (("问?", ("甲", LONG + "字")), "choice", "long"),
    "choice not UTF-8": (("问?", ("甲", b"\xff")), "choice", "invalid"),
    "choice with NUL": (("问?", ("甲", "\x00")), "choice", "invalid"),
    "same choices": (("问?", ("甲", " 甲")), "choice", "same"),
}
BAD_TIMES = ["tomorrow", "2030-13-01T00:00", "2030-02-30T00:00", "2030-01-01", "99999-01-01T00:00",
             "2030-01-01T25:00", "<script>alert(1)</script>", "' OR 1=1 --", b"\xff", "2030-01-01T00:00\x00",
             "0000-00-00T00:00", "1" * 3000]


@pytest.mark.parametrize("arguments, field, reason", BAD.values(), ids=BAD)
def test_a_bad_field_is_named_with_its_reason_and_nothing_is_stored(site, arguments, field, reason):
    before = site.count("question"), site.count("choice")
    answer = ask(site.program(user=1), *arguments)
    assert answer.status == 422
    assert answer.json() == {"error_code": 20005, "error_msg": "A field is missing or invalid",
                             "fields": {field: reason}}
    page = ask(site.browser(user=1), *arguments)
    assert page.status == 422 and f'id="{field}-error"' in page.text and "\x00" not in page.text
    assert before == (site.count("question"), site.count("choice"))


@pytest.mark.parametrize("closes_at", BAD_TIMES, ids=lambda time: repr(time[:20]))
def test_a_closing_time_that_is_none_is_refused(site, closes_at):
    before = site.count("question")
    answer = ask(site.program(user=1), closes_at=closes_at)
    assert (answer.status, answer.json()["fields"]) == (422, {"closes_at": "invalid"})
    page = ask(site.browser(user=1), closes_at=closes_at)
    assert page.status == 422 and "<script" not in page.text
    assert site.count("question") == before


def test_a_closing_time_in_the_past_is_refused_by_the_clock_of_the_database(site):
    before = site.count("question")
    answer = ask(site.program(user=1), closes_at="2001-01-01T00:00")
    assert (answer.status, answer.json()["fields"]) == (422, {"closes_at": "past"})
    page = ask(site.browser(user=1), closes_at="2001-01-01T00:00").text
    assert "截止时间要在现在之后" in page and 'value="2001-01-01T00:00"' in page
    assert site.count("question") == before


@pytest.mark.parametrize("closes_at, utc", [
    ("2199-01-01T08:00", "2199-01-01 00:00:00"),        # the time zone of the site
    ("2199-01-01 08:00:30", "2199-01-01 00:00:30"),
    ("2199-01-01T08:00Z", "2199-01-01 08:00:00"),
    ("2199-01-01T08:00-05:00", "2199-01-01 13:00:00"),
])
def test_a_closing_time_is_of_the_site_s_time_zone_unless_it_says_which(site, closes_at, utc):
    question = ask(site.program(user=1), closes_at=closes_at).json()["id"]
    assert site.program().get(f"/questions/{question}/results").json()["closes_at"] == utc


def test_the_form_comes_back_with_what_was_typed(site):
    page = ask(site.browser(user=1), "</textarea><b>", ["\"甲\"", "<i>", "", ""], closes_at="never").text
    assert "&lt;/textarea&gt;&lt;b&gt;</textarea>" in page
    assert 'value="&#34;甲&#34;"' in page and 'value="&lt;i&gt;"' in page and 'value="never"' in page


def test_more_choices_can_be_asked_for_without_any_script(site):
    page = ask(site.browser(user=1), "问?", ["甲", "乙", "丙", "", "", ""], more="1")
    assert page.status == 200 and page.text.count('name="choice"') == 10
    assert 'value="丙"' in page.text and "field-error" not in page.text


def test_the_same_question_sent_twice_is_one_and_its_id_is_not_taken_for_another(site):
    request_id, before = secrets.token_hex(16), site.count("question")
    ids = {ask(site.program(user=1), "两次?", request_id=request_id).json()["id"] for _ in range(2)}
    assert len(ids) == 1
    answer = ask(site.program(user=1), "另一个?", request_id=request_id)
    assert (answer.status, answer.json()["fields"]) == (422, {"request_id": "invalid"})
    page = ask(site.browser(user=1), "另一个?", request_id=request_id)
    assert page.status == 422 and request_id not in page.text and "另一个?" in page.text
    assert site.count("question") == before + 1


# ---- closing and deleting ------------------------------------------------------------------------


@pytest.mark.parametrize("change", ["close", "delete"])
def test_only_the_owner_may_close_or_delete(site, change):
    owner, stranger = site.accounts(2)
    question, choices = site.question(owner)
    path = f"/questions/{question}/{change}"
    answer = site.program(stranger).post(path)
    assert (answer.status, answer.code) == (404, 20008)
    assert site.browser(stranger).post(path).status == 404
    assert site.program().post(path).status == 401
    assert site.browser().post(path).location == "/login"
    row, = site.database.query("SELECT delete_flag, closes_at FROM question WHERE id = %s", question)
    assert row == (0, None)


@pytest.mark.parametrize("change", ["close", "delete"])
def test_a_stranger_learns_no_difference_between_no_question_and_not_theirs(site, change):
    owner, stranger = site.accounts(2)
    question, _ = site.question(owner)
    answers = [site.program(stranger).post(f"/questions/{number}/{change}").body
               for number in (question, 999999, 7, "abc")]
    assert len(set(answers)) == 1


def test_the_owner_closes_and_the_tally_is_final(site):
    owner, early, late = site.accounts(3)
    question, choices = site.question(owner)
    vote = f"/questions/{question}/vote"
    assert site.program(early).post(vote, {"choice_id": choices[0]}).code == 0
    answer = site.browser(owner).post(f"/questions/{question}/close")
    assert (answer.status, answer.location) == (303, f"/questions/{question}/results?note=closed")
    answer = site.program(owner).post(f"/questions/{question}/close")
    assert answer.body == b'{"error_code": 0, "error_msg": "ok"}'
    assert site.program(late).post(vote, {"choice_id": choices[0]}).code == 20007
    results = site.program().get(f"/questions/{question}/results").json()
    assert results["closed"] and results["votes"] == 1
    page = site.browser(owner).get(answer.location or f"/questions/{question}/results").text
    assert "已截止" in page and "确认结束投票" not in page


def test_the_owner_deletes_and_nobody_else_sees_it_again(site):
    owner, voter = site.accounts(2)
    question, choices = site.question(owner, text="秘密的问题?")
    site.program(voter).post(f"/questions/{question}/vote", {"choice_id": choices[0]})
    answer = site.browser(owner).post(f"/questions/{question}/delete")
    assert (answer.status, answer.location) == (303, "/questions/mine?note=deleted")
    assert site.program(owner).post(f"/questions/{question}/delete").code == 0
    for client in (site.browser(voter), site.browser(user=1)):
        for path in ("/", "/questions", "/questions/mine"):
            assert "秘密的问题?" not in client.get(path).text
        assert client.get(f"/questions/{question}").status == 404
        assert client.get(f"/questions/{question}/results").status == 404
    assert site.curl().get(f"/questions/{question}/results").status == 404
    assert site.curl().get(f"/questions/{question}/choice").body == b"[]"
    assert "秘密的问题?" in site.browser(owner).get("/questions/mine").text
    page = site.browser(owner).get(f"/questions/{question}/results").text
    assert "已删除" in page and "100.0%" in page and "管理我的问题" not in page


def test_the_owner_s_buttons_are_shown_to_the_owner_alone(site):
    owner, stranger = site.accounts(2)
    question, _ = site.question(owner)
    path = f"/questions/{question}/results"
    assert "管理我的问题" in site.browser(owner).get(path).text
    assert "管理我的问题" not in site.browser(stranger).get(path).text
    assert "管理我的问题" not in site.browser().get(path).text


def test_my_questions_are_mine_newest_first(site):
    owner = site.account()
    assert "你还没有提过问题" in site.browser(owner).get("/questions/mine").text
    questions = [site.question(owner, text=f"我的第 {i} 个?")[0] for i in range(3)]
    page = site.browser(owner).get("/questions/mine").text
    assert [int(n) for n in re.findall(r'href="/questions/(\d+)/results"', page)] == questions[::-1]
