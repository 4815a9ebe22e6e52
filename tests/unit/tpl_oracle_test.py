"""Our template engine against the real Jinja2: same templates, same data, same bytes.

Three sources of cases: a table, a seeded generator, and the pages of the site with the data in
tests/fixtures/pages.json ([{"name", "template", "context"}]). tpl_render answers for ours.
"""

import datetime
import json
import os
import pathlib
import random
import subprocess

import jinja2
import jinja2.meta
import markupsafe
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
TEMPLATES = ROOT / "templates"
PAGES = [ROOT / "tests" / "fixtures" / name for name in ("pages.json", "debug_pages.json")]


class Lenient(jinja2.Undefined):
    """Jinja2's Undefined, but for the one difference we allow ourselves (tpl.h)."""

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return self

    def __getitem__(self, key):
        return self


def date_filter(offset):
    def date(value, fmt="%Y-%m-%d %H:%M"):
        if not isinstance(fmt, str):
            raise TypeError("the format is a text")
        try:
            if isinstance(value, str) and len(value) == 19 and value.isascii():
                moment = datetime.datetime.strptime(value, "%Y-%m-%d %H:%M:%S")
                moment += datetime.timedelta(minutes=offset)
            elif type(value) is int:
                moment = datetime.datetime(1970, 1, 1) + datetime.timedelta(seconds=value + offset * 60)
            else:
                return value
        except (ValueError, OverflowError):
            return value
        fields = {"Y": f"{moment.year:04}", "m": f"{moment.month:02}", "d": f"{moment.day:02}",
                  "H": f"{moment.hour:02}", "M": f"{moment.minute:02}", "S": f"{moment.second:02}",
                  "%": "%"}
        parts = iter(str(fmt))
        return "".join(fields[next(parts, "")] if c == "%" else c for c in parts)
    return date


def choice_split(choices):
    return [choice.split("|") for choice in (choices or "").split(",")]


def jinja(loader, undefined=Lenient, offset=0):
    env = jinja2.Environment(autoescape=True, undefined=undefined, loader=loader,
                             keep_trailing_newline=True)
    env.filters.update(date=date_filter(offset), choice_split=choice_split)
    env.globals.update(url=lambda name, *args: "/" + "/".join(map(str, (name, *args))),
                       static=lambda file: "/static/" + file)
    return env


def from_json(value):
    if isinstance(value, dict):
        if "$safe" in value:
            return markupsafe.Markup(value["$safe"])
        return {key: from_json(item) for key, item in value.items()}
    if isinstance(value, list):
        return [from_json(item) for item in value]
    return value


def ours(cases, *args):
    lines = "".join(json.dumps(case) + "\n" for case in cases)
    done = subprocess.run([os.environ["TPL_RENDER"], *args], input=lines.encode(), check=True,
                          stdout=subprocess.PIPE)
    answers = [json.loads(line) for line in done.stdout.split(b"\n") if line]
    assert len(answers) == len(cases)
    return answers


def theirs(case):
    """The page, or the exception."""
    try:
        env = jinja(jinja2.DictLoader(case["templates"]), offset=case.get("offset", 0))
        return env.get_template(case["render"]).render(from_json(case["context"]))
    except Exception as error:
        return error


def show(case, answer, page):
    return json.dumps(case["templates"], indent=1, ensure_ascii=False) + \
        f"\nours:  {answer!r}\ntheirs: {page!r}"


CONTEXT = {
    "n": 3, "m": -7, "zero": 0, "big": 9007199254740993, "t": True, "f": False, "nil": None,
    "s": "a<b>&\"'", "e": "", "u": "投票🗳 …", "w": " \u3000x y\u00a0\n", "abc": "abcABC",
    "h": {"$safe": "<b>&amp;</b>"}, "xs": [1, 2, 3], "ys": ["a", "<", {"$safe": "<i>"}, 4, None],
    "none_list": [], "d": {"k": "v<", "n": 1, "deep": {"x": [10, [20, "y"]]}, "items": "I"},
    "none_dict": {}, "rows": [{"id": 1, "name": "<x>", "tags": ["p", "q"]},
                              {"id": 2, "name": "二", "tags": []}, {"id": 3}],
    "choices": "1|python,2|<java>,3", "when": "2024-02-29 23:30:05", "stamp": 1709249405,
}

# Each is a template, or (templates, …) by name: "main" is rendered.
GOOD = [
    "plain", "", "\n", "a\n\n", "{", "{ {", "{}}", "a }} %} #}", "\r\na\rb\n\r",
    "{{ s }}", "{{s}}", "{{ h }}", "{{ s|safe }}", "{{ h|e }}", "{{ s|e }}", "{{ s|escape|escape }}",
    "{{ n }}{{ m }}{{ t }}{{ f }}{{ nil }}{{ big }}[{{ missing }}]", "{{ missing.a.b['c'][0] }}",
    "{{ 'a\\n\\t\\\\\\'\\x41\\u6295\\U0001F600\\101\\q' }}", '{{ "a" "b" \'c\' }}', "{{ '\\\n' }}",
    "{{ '}}' }}{{ '%}' }}", "{{ {'a': {'b': 'x'}}['a']['b'] }}", "{{ [[1, 2], [3]][0][1] }}",
    "{{ d.k }}{{ d['k'] }}{{ d.deep.x.1.1 }}{{ d.deep.x[1][0] }}{{ d['items'] }}{{ d.none }}",
    "{{ xs.0 }}{{ xs[-1] }}[{{ xs[7] }}{{ xs[-4] }}{{ xs['a'] }}]{{ u.0 }}{{ u[2] }}{{ u[-1] }}",
    "{{ h[0] }}{{ h[0]|e }}", "{{ xs[true] }}{{ xs.0.1 }}{{ nil.x }}{{ n.x }}{{ n[0] }}",
    "{{ 1 + 2 * 3 - 4 }}{{ (1 + 2) * 3 }}{{ 7 // 2 }}{{ m // 2 }}{{ m % 3 }}{{ 7 % m }}{{ -n }}",
    "{{ - -n }}{{ +n }}{{ -xs.0 }}{{ t + t }}{{ -t }}{{ 5 - 2 - 1 }}{{ 8 // 2 // 2 }}",
    "{{ 'a' + s }}{{ 'a' + h }}{{ h + s }}{{ s ~ 1 ~ nil ~ missing ~ t }}{{ h ~ s }}{{ s ~ h }}",
    "{{ s + h + s }}{{ n ~ 1 + 2 if f else 'x' }}", "{{ n ~ 2 * 3 }}",
    "{{ 1 == 1 }}{{ 1 == t }}{{ 'a' == 'a' }}{{ h == '<b>&amp;</b>' }}{{ 1 == '1' }}{{ nil == none }}",
    "{{ missing == other }}{{ missing == nil }}{{ [1, 'a'] == [1, 'a'] }}{{ {'a': 1} == {'a': t} }}",
    "{{ 1 < 2 < 3 }}{{ 1 < 3 < 2 }}{{ 'a' < 'b' }}{{ 'é' > '二' }}{{ 'ab' > 'a' }}{{ 2 >= 2 <= 2 }}",
    "{{ 1 in xs }}{{ '1' in xs }}{{ 'b' in s }}{{ 'k' in d }}{{ 'z' not in d }}{{ 1 in missing }}",
    "{{ '' in e }}{{ 'x' in ('x', 'y') }}{{ not 1 in xs }}{{ 5 not in [1, 2] }}{{ 1 not in xs }}",
    "{{ n and 'x' }}{{ zero and 'x' }}{{ e or s }}{{ not e }}{{ not not n }}{{ f or zero or nil }}",
    "{{ t and not f or nil }}{{ 1 or 2 and 3 }}{{ not n == 3 }}{{ none_list or 'no' }}",
    "{{ 'a' if t else 'b' }}{{ 'a' if f }}{{ 'a' if f else 'b' if f else 'c' }}{{ 1 if 0 if 1 else 2 }}",
    "{{ missing is defined }}{{ n is defined }}{{ n is not defined }}{{ nil is none }}{{ 3 is odd }}",
    "{{ m is odd }}{{ 4 is even and t }}{{ s is string }}{{ h is string }}{{ missing is undefined }}",
    "{{ true }}{{ True }}{{ false }}{{ False }}{{ none }}{{ None }}",
    "{{ s|upper }}{{ h|upper }}{{ u|lower }}{{ t|lower }}{{ n|upper }}{{ 'abC'|upper|lower }}",
    "{{ s|length }}{{ u|length }}{{ xs|count }}{{ d|length }}{{ missing|length }}{{ e|length }}",
    "{{ missing|default('x') }}{{ nil|default('x') }}{{ e|d('x', true) }}{{ n|d }}[{{ missing|d }}]",
    "{{ xs|join }}{{ xs|join(', ') }}{{ ys|join('<') }}{{ ['<', '>']|join('&') }}{{ e|join }}",
    "{{ ['<']|join(h) }}{{ ['<', 'a']|join(h) }}{{ []|join(h)|e }}{{ 'abc'|join('-') }}{{ d|join }}",
    "{{ xs|first }}{{ xs|last }}[{{ none_list|first }}{{ none_list|last }}]{{ u|first }}{{ u|last }}",
    "{{ h|first }}{{ h|last }}{{ d|first }}{{ d|last }}{{ missing|first }}{{ missing|last }}",
    "[{{ w|trim }}][{{ ' <b> '|safe|trim }}][{{ n|trim }}]",
    "{{ abc|replace('b', '<') }}{{ h|replace('b', '<') }}{{ s|replace('<', h) }}{{ 'ab'|replace('', '-') }}",
    "{{ u|replace('', '.') }}{{ 'aaa'|replace('aa', 'b') }}{{ 121|replace(1, 3) }}{{ h|replace('', '<') }}",
    "{{ s|replace('<'|safe, '>') }}{{ e|replace('', 'x') }}{{ 'ab'|replace('ab', '') }}",
    "{% for c in choices|choice_split %}{{ c[0] }}={{ c[1] }};{% endfor %}",
    "{% for c in ''|choice_split %}[{{ c[0] }}|{{ c[1] }}]{% endfor %}{{ nil|choice_split|length }}",
    "{% for c in (h ~ ',x')|choice_split %}{{ c.0 }};{% endfor %}{{ missing|choice_split|length }}",
    "{{ when|date }}{{ stamp|date }}{{ when|date('%d.%m.%Y %H:%M:%S %% 年') }}{{ nil|date }}[{{ e|date }}]",
    "{{ '2023-02-29 00:00:00'|date }}{{ 'x'|date }}{{ 0|date }}{{ -1|date }}{{ -62135596800|date }}",
    "{{ 253402300799|date }}{{ 253402300800|date }}{{ '0001-01-01 00:00:00'|date }}{{ true|date }}",
    "{{ '0000-01-01 00:00:00'|date }}{{ '9999-12-31 23:59:59'|date }}{{ '1900-03-01 24:00:00'|date }}",
    "{{ '2024-04-31 00:00:00'|date }}{{ '2000-02-29 12:00:60'|date }}{{ '2024-13-01 00:00:00'|date }}",
    "{{ url('question', 7) }}{{ url('a', '<', n) }}{{ static('css/x.css') }}{{ url('login')|upper }}",
    "{% for i in range(4) %}{{ i }}{% endfor %}{% for i in range(2, 5) %}{{ i }}{% endfor %}"
    "{% for i in range(5, 2) %}x{% else %}none{% endfor %}",
    # tags
    "{% if n %}a{% endif %}{% if zero %}a{% else %}b{% endif %}{% if f %}a{% elif n %}b{% else %}c{% endif %}",
    "{% if f %}a{% elif nil %}b{% elif e %}c{% endif %}{% if missing %}x{% endif %}{% if not none_list %}y{% endif %}",
    "{% for x in xs %}{{ x }}{{ ',' if not loop.last }}{% endfor %}{% for x in none_list %}x{% else %}none{% endfor %}",
    "{% for x in xs %}{{ loop.index }}{{ loop.index0 }}{{ loop.first }}{{ loop.last }}{{ loop.length }}"
    "{{ loop.revindex }}{{ loop.revindex0 }}{{ loop['index'] }};{% endfor %}",
    "{% for r in rows %}{% for x in r.tags %}{{ loop.index }}{{ x }}{% else %}-{{ loop.index }}{% endfor %}"
    "{{ loop.index }}{% endfor %}",
    "{% for k, v in d.items() %}{{ k }}{% endfor %}{% for k, v in none_dict|items %}{{ k }}{% endfor %}",
    "{% for k, v in [[1, 2], 'ab'] %}{{ k }}-{{ v }};{% endfor %}{% for x in d %}{{ x }}{% endfor %}",
    "{% for c in u %}{{ c }}.{% endfor %}{% for c in h %}{{ c }}{% endfor %}{% for x in missing %}x{% endfor %}",
    "{% set a = 1 %}{{ a }}{% set a = a + 1 %}{{ a }}{% for x in xs %}{% set a = x %}{{ a }}{% endfor %}{{ a }}",
    "{% for x in xs %}{{ a }}{% set a = x %}{{ a }}{% endfor %}[{{ a }}]",
    "{% for x in xs %}{% if x == 2 %}{% set a = 'two' %}{% endif %}{{ a }};{% endfor %}",
    "{% if t %}{% set a = 5 %}{% endif %}{{ a }}{% for x in xs %}{% endfor %}[{{ x }}]",
    "{% for n in xs %}{{ n }}{% endfor %}{{ n }}{% for xs in xs %}{{ xs }}{% endfor %}{{ xs|join }}",
    "{% for x in none_list %}{% else %}{% set a = 1 %}{{ a }}{% endfor %}[{{ a }}]",
    "{# c #}a{# {{ x }} {% if %} #}b{#- -#}c{##}d{#-#}", " {#- x -#} y", "a {#- x #} {%- set q = 1 %} b",
    "a {%- if t -%} b {%- endif -%} c", "a {{- n -}} b", "a \n {%+ if t +%} \n b {%- endif %}",
    "a\u3000{{- n -}}\u3000\u00a0b\u2028{%- set z = 1 -%}\x85\x1f c", "{{-5}}{{ -5 }}{{--5}}",
    "{% raw %}{{ x }}{% if %}{# #}{% endraw %}", "a {%- raw -%} {{ x }} {%- endraw -%} b",
    "{%raw%}{%endraw%}x", "{% raw %}a{% endraw -%}  b", "{%+ raw %} a {%+ endraw %} b",
    "{%if t%}x{%endif%}{%for x in xs%}{{x}}{%endfor%}", "{% block a %}x{{ n }}{% endblock %}",
    "{% block a %}x{% block b %}y{% endblock b %}{% endblock a %}",
    "{% set q = 1 %}{% block a %}{{ q }}{% set q = 2 %}{{ q }}{% endblock %}{{ q }}",
    "{% for x in xs %}{% block a %}[{{ x }}{{ loop }}]{% endblock %}{% endfor %}",
    "{% for x in xs %}{% block a scoped %}[{{ x }}{{ loop.index }}]{% block b %}{{ x }}{% endblock %}{% endblock %}{% endfor %}",
    "{% block a %}{% set q = 1 %}{% block b %}[{{ q }}]{% endblock %}{% block c scoped %}[{{ q }}]{% endblock %}{% endblock %}",
    {"main": "{% extends 'base' %}{% block t %}T{% endblock %}",
     "base": "<{% block t %}D{% endblock %}|{% block u %}U{{ n }}{% endblock %}>"},
    {"main": "{% extends 'mid' %}{% block t %}1{{ super() }}{{ super()|upper }}{% endblock %}",
     "mid": "{% extends 'base' %}{% block t %}2{{ super() }}{% endblock %}{% block u %}mid{% endblock %}",
     "base": "{% block t %}<b>{{ s }}{% endblock %}{% block u %}{% endblock %}"},
    {"main": "\n a{{ n }} {% extends 'base' %} dropped {{ s }}{% set q = 9 %}{% if t %}{% set p = 8 %}{% endif %}"
             "{% block t %}[{{ q }}{{ p }}]{% endblock %}{% for x in xs %}no{{ x }}{% endfor %}{% include 'inc' %}",
     "base": "{{ q }}{% block t %}{% endblock %}{% block z %}{{ p }}{% endblock %}", "inc": "INC"},
    {"main": "{% block t %}early{% endblock %}{% extends 'base' %}", "base": "[{% block t %}{% endblock %}]"},
    {"main": "{% extends 'base' %}{% for x in xs %}{% block t %}{{ x }}.{% endblock %}{% endfor %}",
     "base": "[{% block t %}{% endblock %}]"},
    {"main": "{% extends 'base' %}{% if f %}{% block t %}in{{ n }}{% endblock %}{% endif %}",
     "base": "[{% block t %}{% endblock %}]"},
    {"main": "{% extends 'base' %}{% block outer %}<{{ super() }}>{% endblock %}{% block inner %}I{{ super() }}{% endblock %}",
     "base": "{% block outer %}o{% block inner %}i{% endblock %}o{% endblock %}"},
    {"main": "{% extends 'base' %}{% block row %}{{ x }}{{ loop.index }}{{ super() }}{% endblock %}",
     "base": "{% for x in xs %}{% block row scoped %}r{{ x }}{% endblock %}{% endfor %}"},
    {"main": "{% include 'a' %}{% for x in xs %}{% include 'a' %}{% endfor %}{{ q }}",
     "a": "[{{ n }}{{ x }}{% set q = 1 %}{{ q }}{{ loop.index }}]"},
    {"main": "{% for x in xs %}{{ loop.index }}{% include 'a' %}{% endfor %}", "a": "[{{ loop.index }}{{ x }}]"},
    {"main": "{% block b %}{% set q = 5 %}{% include 'a' %}{% endblock %}{% include 'a' %}", "a": "<{{ q }}>\n"},
    {"main": "{% extends 'base' %}{% block t %}m{% endblock %}{% block x %}{% include 'other' %}{% endblock %}",
     "base": "{% block t %}b{% endblock %}{% block x %}{% endblock %}",
     "other": "{% extends 'base2' %}{% block t %}o{{ super() }}{% endblock %}", "base2": "({% block t %}b2{% endblock %})"},
    {"main": "{% set r = rows %}{% include 'tree' %}",
     "tree": "{% for x in r %}{{ x.id }}{% if x.tags %}{% set r = x.tags %}({% include 'tree' %}){% endif %}{% endfor %}"},
]

BAD = [
    "{{", "{{ }}", "{% %}", "{% if %}{% endif %}", "{% if n %}", "{% endif %}", "{% for x xs %}{% endfor %}",
    "{% nope %}", "{# open", "{{ 'open }}", "{% raw %}x", "{{ (1 }}", "{{ 1) }}", "{{ [1 }}", "{{ a b }}",
    "{{ n|nope }}", "{{ nope() }}", "{% include 'none' %}", "{% extends 'none' %}", "{{ super() }}",
    "{% block a %}{{ super() }}{% endblock %}", "{% block a %}{% endblock %}{% block a %}{% endblock %}",
    "{% block %}{% endblock %}", "{% set n %}", "{% set 1 = 2 %}", "{% set true = 2 %}", "{{ n|default(1, 2, 3) }}",
    "{% for x in xs %}{% else %}{% else %}{% endfor %}", "{% if n %}{% endfor %}", "{{ n. }}", "{{ .n }}",
    "{{ 1 + 'a' }}", "{{ 'a' < 1 }}", "{{ 1 in 2 }}", "{{ 1 in s }}", "{{ 1 // 0 }}", "{{ 1 % 0 }}", "{{ -s }}",
    "{{ missing + 1 }}", "{{ missing < 1 }}", "{{ nil + 1 }}", "{% for x in 5 %}{% endfor %}", "{{ 5|length }}",
    "{{ 5|first }}", "{{ 5|join }}", "{{ nil|items }}{% for a in nil|items %}{% endfor %}",
    "{% for a, b in [[1]] %}{% endfor %}", "{{ n|date(5) }}", "{{ stamp|date('%Q') }}", "{{ stamp|date('%') }}",
    "{{ 5|choice_split }}", "{{ s is nope }}", "{{ s is odd }}", "{{ '\\x4' }}", "{{ '\\U00110000' }}",
    "{% for x in xs %}{% set loop = 1 %}{% endfor %}", "{{ [] in d }}", "{{ n @ 1 }}", "{{ n ! 1 }}",
    "{{ n is defined if t else 2 }}", "{{ n if }}", "{{ xs. }}", "{{ 'é\\é'", "{{ - }}", "{{ n n }}",
    {"main": "{% extends 'main' %}"}, {"main": "{% extends 'a' %}", "a": "{% extends 'main' %}"},
    {"main": "{% include 'main' %}"},
    {"main": "{% extends 'a' %}{% extends 'a' %}", "a": ""},
]


def case_of(template, context=CONTEXT, offset=0):
    templates = {"main": template} if isinstance(template, str) else template
    return {"templates": templates, "render": "main", "context": context, "offset": offset}


@pytest.mark.parametrize("offset", [0, 480, -210])
def test_every_feature_gives_the_bytes_of_jinja2(offset):
    cases = [case_of(template, offset=offset) for template in GOOD]
    for case, answer in zip(cases, ours(cases)):
        page = theirs(case)
        assert isinstance(page, str), show(case, answer, page)
        assert answer.get("out") == page, show(case, answer, page)


def test_what_jinja2_refuses_is_refused():
    cases = [case_of(template) for template in BAD]
    for case, answer in zip(cases, ours(cases)):
        page = theirs(case)
        assert isinstance(page, Exception), show(case, answer, page)
        assert not answer["ok"], show(case, answer, page)
        assert answer["error"].split(":")[0] in case["templates"], answer


class Generator:
    """Random templates. Typed: operators get operands they are made for, so that pages succeed."""

    def __init__(self, seed, typed):
        self.random = random.Random(seed)
        self.typed = typed
        self.blocks = 0
        self.locals = []
        self.pool = "g"
        self.in_loop = False

    def pick(self, *choices):
        return self.random.choice(choices)

    def leaf(self, kind):
        leaves = {
            "int": ["n", "m", "zero", "xs.0", "xs[-1]", "d.n", "t", "rows[1].id", "2", "0", "17"],
            "str": ["s", "e", "u", "w", "abc", "h", "d.k", "d['k']", "rows.0.name", "h", "choices",
                    "'<&>'", '"q\\"\\n"', "''", "'b'", "'投'"],
            "bool": ["t", "f", "nil", "missing", "none_list", "true", "none", "n", "e", "d.nope.deeper"],
            "list": ["xs", "ys", "none_list", "['a', s, 1]", "(n, 'x')", "rows.0.tags", "missing.x", "[]"],
        }
        return self.pick(*leaves[kind])

    def expression(self, kind, depth):
        if not self.typed and self.random.random() < 0.3:
            kind = self.pick("int", "str", "bool", "list")
        if depth <= 0 or self.random.random() < 0.25:
            return self.leaf(kind)
        sub = lambda k: self.expression(k, depth - 1)
        if kind == "int":
            return self.pick(lambda: f"({sub('int')} {self.pick('+', '-', '*')} {sub('int')})",
                             lambda: f"({sub('int')} {self.pick('//', '%')} {self.pick('2', '7', '(0 - 3)')})",
                             lambda: f"{sub('int')} {self.pick('+', '-', '*')} {sub('int')}",
                             lambda: f"({sub('str')})|length", lambda: f"({sub('list')})|count",
                             lambda: f"-{self.leaf('int')}",
                             lambda: f"({sub('int')} if {sub('bool')} else {sub('int')})")()
        if kind == "str":
            # A name in each ~ keeps Jinja2 from folding constants: that loses what |safe said.
            return self.pick(lambda: f"({sub('str')} ~ s ~ {sub('int')})", lambda: f"({sub('str')} + {sub('str')})",
                             lambda: f"(h ~ {sub('str')})", lambda: f"({sub('str')})|{self.text_filter()}",
                             lambda: f"({sub('list')})|join({self.leaf('str')})",
                             lambda: f"({self.pick('nil', 'e', 'missing')})|default({sub('str')}, true)",
                             lambda: f"({sub('str')})[{self.pick('0', '-1', '2')}]|d('')",
                             lambda: f"({sub('str')} if {sub('bool')} else {sub('str')})",
                             lambda: f"url('q', {sub('int')})", lambda: f"{self.pick('stamp', 'when')}|date")()
        if kind == "list":
            return self.pick(lambda: f"[{sub('int')}, {sub('str')}]", lambda: f"({sub('list')} or {sub('list')})",
                             lambda: f"({sub('list')} if {sub('bool')} else {sub('list')})",
                             lambda: f"({sub('str')})|choice_split|first")()
        return self.pick(lambda: f"{sub('int')} {self.pick('<', '<=', '>', '>=', '==', '!=')} {sub('int')}",
                         lambda: f"({sub('str')} {self.pick('<', '>=', '==', '!=')} {sub('str')})",
                         lambda: f"({sub('int')} < {sub('int')} <= {sub('int')})",
                         lambda: f"({sub('bool')} {self.pick('and', 'or')} {sub('bool')})",
                         lambda: f"(not {sub('bool')})", lambda: f"({sub('int')} {self.pick('in', 'not in')} {sub('list')})",
                         lambda: f"({sub('str')} in {sub('str')})", lambda: f"('k' in d)",
                         lambda: f"{self.leaf('bool')} is {self.pick('defined', 'not none', 'undefined')}",
                         lambda: f"({sub('int')}) is {self.pick('odd', 'even')}")()

    def text_filter(self):
        return self.pick("e", "escape", "safe", "trim", "first|d('')", "last|d('')", "upper", "lower",
                         f"replace({self.pick('s', 'e', 'h')}, {self.leaf('str')})",
                         f"replace('b', {self.leaf('str')})", "default('z', true)")

    def printable(self):
        names = self.locals + (["loop.index", "loop.first", "loop.last", "loop.length",
                                "loop.revindex0"] if self.in_loop else [])
        if names and self.random.random() < 0.4:
            return self.pick(*names)
        return self.expression(self.pick("int", "str", "str"), 3)

    def text(self):
        return "".join(self.pick("a", " ", "\n", "  \n\t", "<p>", "&", "投", "\u3000", "{", "}", "%", "#", "'", "-")
                       for _ in range(self.random.randrange(5))).replace("{%", "").replace("{#", "").replace("{{", "") + "."

    def tag(self, content):
        return "{%" + self.pick("", "-", "+", "", "") + " " + content + " " + self.pick("", "-", "+", "", "") + "%}"

    def body(self, depth):
        return "".join(self.statement(depth) for _ in range(self.random.randrange(1, 4)))

    def scope(self, body, loop=None, hidden=(), extra=()):
        saved, saved_loop = list(self.locals), self.in_loop
        self.locals = [name for name in saved if name not in hidden] + list(extra)
        self.in_loop = saved_loop if loop is None else loop
        text = body()
        self.locals, self.in_loop = saved, saved_loop
        return text

    def statement(self, depth):
        choices = [self.text, self.text, self.print, self.print, self.comment, self.set]
        if depth > 0:
            choices += [lambda: self.condition(depth), lambda: self.loop(depth), lambda: self.loop(depth),
                        lambda: self.block(depth), self.include, self.raw]
        return self.pick(*choices)()

    def print(self):
        return "{{" + self.pick("", "-", "") + " " + self.printable() + " " + self.pick("", "-", "") + "}}"

    def comment(self):
        return "{#" + self.pick("", "-", "+") + " c {{ } " + self.pick("", "-", "+") + "#}"

    def raw(self):
        return self.tag("raw").replace("+%}", "%}") + " {{ x }} {# " + self.tag("endraw")

    def include(self):
        return self.tag("include 'inc'") if self.pool != "i" else self.text()

    def set(self):
        # Names of its own for each template and block: Jinja2 binds names of a whole function at
        # once, and a name set late in it hides one of the same name around it from the beginning.
        name = self.pool + str(self.random.randrange(3))
        text = self.tag(f"set {name} = {self.printable()}")
        self.locals.append(name)
        return text

    def condition(self, depth):
        text = self.tag("if " + self.expression("bool", 2)) + self.body(depth - 1)
        for _ in range(self.random.randrange(2)):
            text += self.tag("elif " + self.expression("bool", 2)) + self.body(depth - 1)
        if self.random.random() < 0.5:
            text += self.tag("else") + self.body(depth - 1)
        return text + self.tag("endif")

    def loop(self, depth):
        targets = self.pick(["x"], ["y"], ["x", "y"])
        if len(targets) == 2:
            source = self.pick("[[1, s], ['<', h]]", "d.deep.items()", "rows.1|items")
        else:
            source = self.pick(self.expression("list", 2), "xs", "d", "u", "h", "range(n)")
        # What a loop over d.deep binds is a list, which we do not print.
        printable = targets if "deep" not in source and "rows" not in source else targets[:1]
        text = self.tag(f"for {', '.join(targets)} in {source}")
        text += self.scope(lambda: self.body(depth - 1), True, targets, printable)
        if self.random.random() < 0.3:
            text += self.tag("else") + self.scope(lambda: self.body(depth - 1))
        return text + self.tag("endfor")

    def block(self, depth, name=None):
        self.blocks += 1
        name = name or f"{self.pool[0]}{self.blocks}"
        pool, self.pool = self.pool, f"{self.pool[0]}_{name}_"
        scoped = self.random.random() < 0.3
        text = self.tag(f"block {name}" + (" scoped" if scoped else ""))
        text += self.scope(lambda: self.body(depth - 1), self.in_loop if scoped else False)
        self.pool = pool
        return text + self.tag(self.pick("endblock", f"endblock {name}"))

    def templates(self):
        self.pool = "i"
        templates = {"inc": self.body(1)}
        self.locals = []
        self.pool = "b"
        base = self.body(2) + self.block(2, "first") + self.text() + self.block(2, "second") + self.body(1)
        templates["base"] = base
        self.locals = []
        self.pool = "m"
        if self.random.random() < 0.5:
            templates["main"] = self.body(3)
            return templates
        super_ = "{{ super() }}" if self.random.random() < 0.7 else ""
        templates["main"] = self.text() + self.tag("extends 'base'") + self.set() + \
            self.block(2, "first").replace("%}", "%}" + super_, 1) + \
            (self.block(2, "second") if self.random.random() < 0.5 else "") + self.text()
        return templates


def generated(count, typed):
    for seed in range(count):
        generator = Generator(seed + (0 if typed else 1000000), typed)
        yield case_of(generator.templates(), offset=generator.pick(0, 480))


def test_generated_templates_give_the_bytes_of_jinja2():
    cases = list(generated(2500, True))
    pages = 0
    for case, answer in zip(cases, ours(cases)):
        page = theirs(case)
        assert answer["ok"] == isinstance(page, str), show(case, answer, page)
        if answer["ok"]:
            assert answer["out"] == page, show(case, answer, page)
            pages += 1
    assert pages > 2000, f"only {pages} of {len(cases)} generated templates make a page"


def test_what_we_render_of_ill_typed_templates_jinja2_renders_the_same():
    cases = list(generated(1500, False))
    pages = 0
    for case, answer in zip(cases, ours(cases)):
        if answer["ok"]:
            page = theirs(case)
            assert answer["out"] == page, show(case, answer, page)
            pages += 1
    assert pages > 100, f"only {pages} of {len(cases)} generated templates make a page"


def all_pages():
    return [page for path in PAGES for page in json.loads(path.read_text())]


def all_templates():
    return {str(path.relative_to(TEMPLATES)) for path in TEMPLATES.rglob("*.html")}


def test_every_page_of_the_site_has_the_bytes_of_jinja2():
    pages = all_pages()
    env = jinja(jinja2.FileSystemLoader(TEMPLATES), undefined=jinja2.Undefined)
    cases = [{"render": page["template"], "context": page["context"]} for page in pages]
    for page, answer in zip(pages, ours(cases, str(TEMPLATES))):
        expected = env.get_template(page["template"]).render(from_json(page["context"]))
        assert answer.get("out") == expected, (page["name"], answer.get("error"))


def test_every_template_of_the_site_is_part_of_a_tested_page():
    env = jinja(jinja2.FileSystemLoader(TEMPLATES))
    waiting = {page["template"] for page in all_pages()}
    seen = set()
    while waiting:
        name = waiting.pop()
        seen.add(name)
        source = (TEMPLATES / name).read_text()
        waiting |= set(jinja2.meta.find_referenced_templates(env.parse(source))) - seen
    assert all_templates() - seen == set()
