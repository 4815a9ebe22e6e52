"""The pages of the site, rendered by the real Jinja2 from the cases of fixtures/pages.json."""

import json
import re
from datetime import datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path

import jinja2
import jinja2.meta
import pytest
from jinja2 import nodes

ROOT = Path(__file__).resolve().parents[2]
TEMPLATES = sorted((ROOT / "templates").glob("*.html"))
ALL_TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))  # the toolbar's, too
CASES = json.loads((ROOT / "tests/fixtures/pages.json").read_text())
ROUTES = json.loads((ROOT / "tests/fixtures/routes.json").read_text())
UTC_OFFSET = timedelta(hours=8)

FILTERS = {"e", "length", "default", "upper", "lower", "join", "first", "last", "trim", "date", "choice_split"}
GLOBALS = {"url", "static"}
VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}


def site_environment():
    """Jinja2 with the globals and filters that the site's own engine gives a template."""
    env = jinja2.Environment(
        loader=jinja2.FileSystemLoader(ROOT / "templates"), autoescape=True, keep_trailing_newline=True
    )
    env.globals["url"] = lambda name, *args: ROUTES[name].format(*args)
    env.globals["static"] = lambda file: f"/static/{file}?v=0"
    env.filters["date"] = lambda text, form: (datetime.fromisoformat(text) + UTC_OFFSET).strftime(form)
    return env


ENV = site_environment()


class Page(HTMLParser):
    """Reads a page strictly: every tag closed in order, no attribute twice."""

    def __init__(self, html):
        super().__init__()
        self.open, self.elements, self.texts = [], [], {}
        self.feed(html)
        self.close()
        assert not self.open, f"never closed: {self.open}"

    def handle_starttag(self, tag, attrs):
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), f"<{tag}> has an attribute twice: {names}"
        index = len(self.elements)
        self.elements.append({"index": index, "tag": tag, "attrs": dict(attrs), "inside": list(self.open)})
        if tag not in VOID:
            self.open.append(index)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        assert self.open, f"</{tag}> closes nothing"
        top = self.elements[self.open.pop()]["tag"]
        assert top == tag, f"</{tag}> closes <{top}>"

    def handle_data(self, data):
        for index in self.open:
            self.texts[index] = self.texts.get(index, "") + data

    def all(self, *tags):
        return [element for element in self.elements if element["tag"] in tags]

    def text(self, element):
        return self.texts.get(element["index"], "").strip()

    def within(self, outer):
        return [element for element in self.elements if outer["index"] in element["inside"]]


def parts_of(template):
    """The templates that one extends or includes, and theirs."""
    source = (ROOT / "templates" / template).read_text()
    found = {template}
    for name in jinja2.meta.find_referenced_templates(ENV.parse(source)):
        found |= parts_of(name)
    return found


@pytest.fixture(params=CASES, ids=[case["name"] for case in CASES])
def page(request):
    return Page(ENV.get_template(request.param["template"]).render(request.param["context"]))


def test_every_template_is_shown_by_a_case():
    shown = set().union(*(parts_of(case["template"]) for case in CASES))
    assert shown == {template.name for template in TEMPLATES}


def test_the_names_of_the_cases_tell_them_apart():
    names = [case["name"] for case in CASES]
    assert len(names) == len(set(names))


def test_the_cases_of_one_template_have_the_same_context_keys():
    keys = {}
    for case in CASES:
        keys.setdefault(case["template"], set()).add(frozenset(case["context"]))
    assert {template: sets for template, sets in keys.items() if len(sets) > 1} == {}


def test_a_context_holds_only_what_a_message_can_carry():
    def check(value):
        if isinstance(value, dict):
            assert all(isinstance(key, str) for key in value)
            value = list(value.values())
        if isinstance(value, list):
            for item in value:
                check(item)
        else:
            assert value is None or isinstance(value, (str, int, bool))

    for case in CASES:
        check(case["context"])


@pytest.mark.parametrize("template", ALL_TEMPLATES, ids=lambda path: path.name)
def test_a_template_keeps_to_the_subset_and_never_leaves_escaping(template):
    tree = ENV.parse(template.read_text())
    assert {node.name for node in tree.find_all(nodes.Filter)} <= FILTERS
    assert {node.node.name for node in tree.find_all(nodes.Call)} <= GLOBALS
    banned = (nodes.Macro, nodes.Import, nodes.FromImport, nodes.FilterBlock, nodes.CallBlock, nodes.Test, nodes.With)
    assert list(tree.find_all(banned)) == []


@pytest.mark.parametrize("template", ALL_TEMPLATES, ids=lambda path: path.name)
def test_an_attribute_that_holds_a_value_is_quoted(template):
    assert re.findall(r"\s[\w-]+\s*=\s*{{[^}]*}}", template.read_text()) == []


def test_a_page_needs_no_inline_script_or_style(page):
    assert page.all("style") == []
    for element in page.elements:
        named = {name for name in element["attrs"] if name == "style" or name.startswith("on")}
        assert named == set(), element
        for name in ("href", "src", "action", "formaction"):
            assert re.match(r"[/#]", element["attrs"].get(name, "/")), element
    for script in page.all("script"):
        assert script["attrs"].get("src", "").startswith("/static/")
        assert "defer" in script["attrs"]
        assert page.text(script) == ""


def test_an_id_is_used_once_and_every_reference_finds_it(page):
    ids = [element["attrs"]["id"] for element in page.elements if "id" in element["attrs"]]
    assert len(ids) == len(set(ids))
    for element in page.elements:
        for name in ("for", "aria-describedby", "aria-labelledby"):
            assert set(element["attrs"].get(name, "").split()) <= set(ids), element


def test_every_control_of_a_form_has_a_label(page):
    labelled = {label["attrs"]["for"] for label in page.all("label") if page.text(label)}
    for form in page.all("form"):
        assert form["attrs"]["method"] == "post"
        inside = page.within(form)
        assert [e for e in inside if e["tag"] == "button" and e["attrs"].get("type") == "submit" and page.text(e)]
        for control in inside:
            if control["tag"] in ("input", "textarea", "select") and control["attrs"].get("type") != "hidden":
                assert control["attrs"]["id"] in labelled, control


def test_radio_buttons_stand_in_a_fieldset_with_a_legend(page):
    for fieldset in page.all("fieldset"):
        assert len([e for e in page.within(fieldset) if e["tag"] == "legend" and page.text(e)]) == 1
    radios = [e for e in page.all("input") if e["attrs"].get("type") == "radio"]
    fieldsets = {fieldset["index"] for fieldset in page.all("fieldset")}
    assert all(fieldsets & set(radio["inside"]) for radio in radios)


def test_a_request_id_is_128_bits_and_used_by_one_form(page):
    ids = [e["attrs"]["value"] for e in page.all("input") if e["attrs"]["name"] == "request_id"]
    assert all(re.fullmatch(r"[0-9a-f]{32}", value) for value in ids)
    assert len(ids) == len(set(ids))


def test_a_password_is_never_shown_again(page):
    for control in page.all("input"):
        if control["attrs"].get("type") == "password":
            assert "value" not in control["attrs"]


def test_a_field_that_is_wrong_says_so_where_it_is(page):
    errors = {e["attrs"]["id"] for e in page.elements if e["attrs"].get("class") == "field-error" and page.text(e)}
    described = set()
    for element in page.elements:
        points_at = set(element["attrs"].get("aria-describedby", "").split()) & errors
        described |= points_at
        if element["attrs"].get("aria-invalid") == "true":
            assert points_at, element
    assert described == errors


def test_a_page_has_landmarks_one_heading_and_its_language(page):
    assert [e["attrs"].get("lang") for e in page.all("html")] == ["zh-CN"]
    for tag in ("title", "header", "main", "footer", "h1"):
        (only,) = page.all(tag)
        assert page.text(only)
    first_link = page.all("a")[0]
    assert first_link["attrs"]["href"] == "#content"
    assert page.all("main")[0]["attrs"]["id"] == "content"


def test_one_entry_of_the_navigation_is_current_at_most(page):
    assert len([e for e in page.elements if e["attrs"].get("aria-current") == "page"]) <= 1


@pytest.mark.parametrize(
    "template, title",
    [("index.html", "首页"), ("register.html", "注册"), ("login.html", "登录"), ("questions.html", "问答")],
)
def test_the_titles_are_those_of_the_site(template, title):
    case = next(case for case in CASES if case["template"] == template)
    page = Page(ENV.get_template(template).render(case["context"]))
    assert page.text(page.all("title")[0]) == title


def render(name):
    case = next(case for case in CASES if case["name"] == name)
    return Page(ENV.get_template(case["template"]).render(case["context"]))


def test_results_can_be_read_without_the_bars():
    page = render("results, tie, closed, voted before")
    cells = [e for row in page.all("tr") for e in page.within(row) if e["tag"] in ("th", "td")]
    assert [" ".join(page.text(cell).split()) for cell in cells] == [
        *("选项", "票数", "比例"),
        *("20:00 并列第一 我的选择", "4", "44.4%"),
        *("21:00 并列第一", "4", "44.4%"),
        *("22:00", "1", "11.1%"),
    ]


def test_nothing_leads_while_there_are_no_votes():
    page = render("results, zero votes")
    assert [e for e in page.elements if e["attrs"].get("class") == "badge badge-lead"] == []


def test_only_an_owner_finds_the_forms_to_close_and_delete():
    def actions(name):
        return {form["attrs"]["action"] for form in render(name).all("form")} - {"/logout"}

    assert actions("results, owner, open") == {"/questions/1/close", "/questions/1/delete"}
    assert actions("results, owner, just closed") == {"/questions/1/delete"}
    assert actions("results, owner, just deleted") == set()
    assert actions("results, open, not voted") == set()


def test_a_failed_log_in_is_told_in_one_sentence_unless_configured_otherwise():
    def alert(name):
        page = render(name)
        return [page.text(e) for e in page.elements if e["attrs"].get("role") == "alert"]

    wrong = alert("log-in, one message for unknown account and wrong password")
    assert wrong == ["账号或密码不对。 20004 Password mismatch"]
    assert alert("log-in, exact message for an unknown account") == [
        "没有这个账号。 20003 User does not exists"
    ]
