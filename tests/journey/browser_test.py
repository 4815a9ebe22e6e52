"""The site in a real browser: the whole way, without JavaScript, on a phone, in both colour
schemes; axe-core finds nothing serious and the console stays empty."""
import contextlib
import itertools

import pytest
from selenium.webdriver.common.keys import Keys

from tests.fixtures import chromium
from tests.fixtures.site import Site

PASSWORD = "correct horse battery"
serial = itertools.count(1)


@pytest.fixture(scope="module")
def browsers(site, build_dir):
    """browsers(javascript): one Chromium with and one without it, each started when first needed."""
    with contextlib.ExitStack() as stack:
        running = {}

        def browser(javascript=True):
            if javascript not in running:
                running[javascript] = stack.enter_context(
                    chromium.started(site.port, build_dir / "artefacts", javascript))
            running[javascript].forget()
            return running[javascript]

        yield browser


@pytest.fixture(scope="module")
def axe(build_dir):
    return chromium.axe_source(build_dir)


@pytest.fixture(scope="module")
def closed_site(module_process, sample_database, redis, ipc_dir):
    """A gateway without any pool."""
    return Site(module_process, sample_database, redis, ipc_dir, pools=())


def register(browser, name, email):
    browser.open("/register")
    browser.type(name=name, email=email, phone="", password=PASSWORD)
    browser.leave_by("main button[type=submit]")


def log_in(browser, email, password=PASSWORD):
    browser.type(account=email, password=password)
    browser.leave_by("main button[type=submit]")


# ---- the whole way -------------------------------------------------------------------------------


@pytest.mark.parametrize("javascript", [True, False], ids=["JavaScript", "no JavaScript"])
@pytest.mark.parametrize("phone", [False, True], ids=["desk", "phone"])
def test_register_log_in_vote_see_the_result_and_log_out(site, browsers, javascript, phone):
    browser, n = browsers(javascript), next(serial)
    question, _ = site.question(choices=("茶", "咖啡"), text=f"喝什么 {n}?")
    picture = f"{'phone' if phone else 'desk'}-{'js' if javascript else 'nojs'}"
    if phone:
        browser.phone()
    register(browser, f"访客{n}", f"visitor{n}@example.com")
    assert browser.path == "/login?note=registered" and "注册成功，请登录。" in browser.text
    log_in(browser, f"visitor{n}@example.com")
    assert browser.path == "/" and f"访客{n}，你好" in browser.text
    browser.keep(f"home-{picture}")
    browser.leave_by("nav a[href='/questions']")
    assert browser.find("title").get_attribute("textContent") == "问答"
    form = f"#question-{question}"
    browser.find(f"{form} label.choice:last-of-type").click()
    assert browser.find(f"{form} label.choice:last-of-type input").is_selected()
    browser.keep(f"questions-{picture}")
    browser.leave_by(f"{form} button[type=submit]")
    assert browser.path == f"/questions/{question}/results?note=voted"
    assert "投票成功，谢谢！" in browser.text and "100.0%" in browser.text and "我的选择" in browser.text
    browser.keep(f"results-{picture}")
    assert site.votes(question) == [0, 1]
    browser.driver.refresh()
    browser.driver.back()
    assert site.votes(question) == [0, 1]
    browser.leave_by("form[action='/logout'] button")
    assert browser.path == "/login" and browser.all("form[action='/logout']") == []
    assert browser.complaints() == []


def test_without_javascript_there_really_is_none(browsers):
    browser = browsers(javascript=False)
    browser.driver.get("data:text/html,<title>off</title><script>document.title='on'</script>")
    assert browser.driver.title == "off"
    browser = browsers(javascript=True)
    browser.driver.get("data:text/html,<title>off</title><script>document.title='on'</script>")
    assert browser.driver.title == "on"


def test_a_question_of_one_s_own_is_asked_closed_and_deleted(site, browsers):
    browser = browsers(javascript=False)
    browser.log_in(site.session(site.account()))
    browser.open("/questions/new")
    browser.type(text="<script>alert(1)</script> 谁来?")
    for field, text in zip(browser.all("[name=choice]"), ("我", "🎉 你", "<b>他</b>")):
        field.send_keys(text)
    browser.leave_by("button[name=more]")
    assert len(browser.all("[name=choice]")) == 10
    assert browser.all("[name=choice]")[2].get_attribute("value") == "<b>他</b>"
    browser.leave_by(".actions button[type=submit]")
    assert "问题已经发布。" in browser.text and "<script>alert(1)</script> 谁来?" in browser.text
    browser.leave_by("main a[href$='/results']")
    for summary, button in (("结束投票", "close"), ("删除问题", "delete")):
        details = [e for e in browser.all("summary") if e.text == summary]
        details[0].click()
        browser.leave_by(f"form[action$='/{button}'] button")
    assert browser.path == "/questions/mine?note=deleted" and "已删除" in browser.text
    assert browser.complaints() == []


def test_double_clicks_are_one_vote(site, browsers):
    question, _ = site.question()
    browser = browsers()
    browser.log_in(site.session(site.account()))
    browser.open(f"/questions/{question}")
    browser.find("label.choice").click()
    browser.driver.execute_script(
        "const form = document.querySelector('main form');"
        "for (let i = 0; i < 5; i++) fetch(form.action, {method: 'POST',"
        " body: new URLSearchParams(new FormData(form))}).catch(() => {}); form.submit()")
    site.gateway.until(lambda: browser.path.startswith(f"/questions/{question}/results"))
    assert "投票成功，谢谢！" in browser.text and site.votes(question) == [1, 0]


def test_errors_are_tied_to_their_fields_and_what_was_typed_stays(browsers):
    browser = browsers()
    browser.open("/register")
    browser.driver.execute_script("document.querySelector('main form').noValidate = true")
    browser.type(name="<b>某人</b>", email="no mail", phone="123", password="short")
    browser.leave_by("main button[type=submit]")
    for name in ("email", "phone", "password"):
        field = browser.find(f"[name={name}]")
        assert field.get_attribute("aria-invalid") == "true"
        described = field.get_attribute("aria-describedby").split()
        assert any(browser.find(f"#{i}").text for i in described if i.endswith("-error"))
    assert browser.find("[name=name]").get_attribute("value") == "<b>某人</b>"
    assert browser.find("[name=email]").get_attribute("value") == "no mail"
    assert browser.find("[name=password]").get_attribute("value") == ""
    assert browser.find("[role=alert]").is_displayed()


def test_the_keyboard_alone_is_enough_to_vote(site, browsers):
    question, _ = site.question()
    browser = browsers()
    browser.log_in(site.session(site.account()))
    browser.open(f"/questions/{question}")

    def active():
        return browser.driver.switch_to.active_element

    active().send_keys(Keys.TAB)
    assert active().get_attribute("class") == "skip-link" and active().is_displayed()
    active().send_keys(Keys.ENTER)
    active().send_keys(Keys.TAB)
    assert active().get_attribute("name") == "choice_id"
    outline = active().value_of_css_property("outline-style"), active().value_of_css_property("box-shadow")
    assert outline != ("none", "none")
    active().send_keys(Keys.SPACE, Keys.ARROW_DOWN, Keys.ENTER)
    site.gateway.until(lambda: "/results" in browser.path)
    assert site.votes(question) == [0, 1]


# ---- every page, looked at -----------------------------------------------------------------------


def submit(browser, path, action, fields):
    """What the server answers to a form that the page itself would not send."""
    browser.open(path)
    browser.leave(lambda: browser.driver.execute_script("""
        const [action, fields] = arguments, form = document.createElement('form');
        form.method = 'post'; form.action = action;
        for (const [name, value] of fields) {
            const input = document.createElement('textarea');
            input.name = name; input.value = value; form.append(input);
        }
        document.body.append(form);
        form.submit();""", action, fields))


LONG = "没有空格的很长很长的名字" * 16
BAD = [["name", ""], ["email", "x"], ["phone", "1"], ["password", "1"]]

# name: (a log-in?, how to come there)
PAGES = {
    "login": (False, lambda b: b.open("/login?note=registered")),
    "login-wrong": (False, lambda b: submit(b, "/login", "/login", [["account", "x"], ["password", "y"]])),
    "login-empty": (False, lambda b: submit(b, "/login", "/login", [])),
    "register": (False, lambda b: b.open("/register")),
    "register-wrong": (False, lambda b: submit(b, "/login", "/register", BAD)),
    "home": (True, lambda b: b.open("/")),
    "questions": (True, lambda b: b.open("/questions")),
    "question": (True, lambda b: b.open("/questions/1")),
    "question-draft": (True, lambda b: b.open("/questions/6")),
    "question-nothing-chosen": (True, lambda b: submit(b, "/", "/questions/1/vote", [])),
    "question-new": (True, lambda b: b.open("/questions/new")),
    "question-new-wrong": (True, lambda b: submit(b, "/", "/questions/new", [
        ["text", ""], ["choice", "a"]])),
    "question-mine": (True, lambda b: b.open("/questions/mine")),
    "results": (True, lambda b: b.open("/questions/1/results")),
    "results-tie": (False, lambda b: b.open("/questions/4/results")),
    "results-none": (True, lambda b: b.open("/questions/5/results")),
    "403": (False, lambda b: b.open("/static/css")),
    "404": (False, lambda b: b.open("/nowhere")),
    "405": (False, lambda b: submit(b, "/login", "/hello", [])),
    "413": (False, lambda b: submit(b, "/login", "/login", [["account", "x" * 1200000]])),
    "503": (False, None),
}
LOUD = ("403", "404", "405", "413", "503", "register-wrong", "question-nothing-chosen", "question-new-wrong")


@pytest.fixture(scope="module")
def long_words(site):
    """Texts as long as they may be, without a place to break; by an owner with such a name."""
    owner = site.account()
    site.database.query("UPDATE user SET name = %s WHERE id = %s", "W" * 40, owner)
    site.question(owner, text=LONG, choices=("W" * 200, LONG))
    site.question(owner, text="W" * 200, choices=("a" * 200, "b"))
    return owner


@pytest.mark.parametrize("page", PAGES)
def test_every_page_is_good_to_read_in_light_and_dark_and_on_a_phone(
        site, closed_site, browsers, axe, long_words, page):
    browser = browsers()
    logged_in, come = PAGES[page]
    if logged_in:
        browser.log_in(site.session(long_words))
    if page == "503":
        browser.driver.get(f"http://127.0.0.1:{closed_site.port}/questions/1/results")
    else:
        come(browser)
    said = browser.complaints()
    assert [line for line in said if page not in LOUD or "Failed to load resource" not in line] == []
    findings = {}
    for scheme in ("light", "dark"):
        browser.scheme(scheme)
        findings[scheme] = browser.axe(axe)
        browser.keep(f"page-{page}-{scheme}")
    assert findings == {"light": [], "dark": []}
    browser.phone()
    assert browser.overflow() <= 0
    browser.keep(f"page-{page}-phone")
    assert browser.axe(axe) == []
    browser.phone(width=320)
    assert browser.overflow() <= 0
    assert browser.complaints() == []


def test_dark_is_really_dark(browsers):
    browser = browsers()
    shades = []
    for scheme in ("light", "dark"):
        browser.scheme(scheme)
        browser.open("/login")
        colour = browser.find("body").value_of_css_property("background-color")
        shades.append(sum(int(n) for n in colour[colour.index("(") + 1:-1].split(",")[:3]))
    assert shades[0] > 600 and shades[1] < 200
