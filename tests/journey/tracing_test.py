"""Traces of requests: traceparent in, OTLP lines out; and what the log says of the same requests."""
import json
import re
import signal

import pytest

PARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
TRACE, SPAN = PARENT.split("-")[1:3]
UNSAMPLED = PARENT[:-1] + "0"
PASSWORD = "correct horse battery"


def spans_of(line):
    """(service, span) of one line, checked as far as the format goes."""
    request = json.loads(line)
    assert set(request) == {"resourceSpans"}
    found = []
    for resource in request["resourceSpans"]:
        attributes = values(resource["resource"]["attributes"])
        for scope in resource["scopeSpans"]:
            assert scope["scope"]["name"] == "vote"
            found += [(attributes["service.name"], span) for span in scope["spans"]]
    for _, span in found:
        assert re.fullmatch("[0-9a-f]{32}", span["traceId"]) and re.fullmatch("[0-9a-f]{16}", span["spanId"])
        assert re.fullmatch("[0-9a-f]{16}", span.get("parentSpanId", "0" * 16))
        assert span["kind"] in (1, 2, 3) and span["name"]
        assert int(span["startTimeUnixNano"]) <= int(span["endTimeUnixNano"])
        assert set(span["status"]) in (set(), {"code", "message"})
        values(span["attributes"])
    return found


def values(attributes):
    found = {}
    for attribute in attributes:
        assert set(attribute) == {"key", "value"} and len(attribute["value"]) == 1
        (kind, value), = attribute["value"].items()
        assert kind in ("stringValue", "intValue") and isinstance(value, str)
        assert attribute["key"] not in found
        found[attribute["key"]] = int(value) if kind == "intValue" else value
    return found


class Traces:
    def __init__(self, site, path):
        self.site, self.path = site, path

    def lines(self):
        return self.path.read_text().splitlines() if self.path.exists() else []

    def of(self, request_id):
        """The spans of a request; it is written just behind the answer."""
        def find():
            return next((line for line in self.lines() if request_id in line), None)
        return spans_of(self.site.gateway.until(find))


@pytest.fixture
def traced(own_site, tmp_path):
    """traced(*settings): a site that appends its traces to a file."""
    def start(*settings):
        path = tmp_path / "traces.jsonl"
        return Traces(own_site("--set", f"tracing.file={path}", *settings), path)
    return start


def test_a_traced_request_is_a_tree_of_spans_over_all_its_pools(traced):
    traces = traced("--set", "tracing.sample_every=1")
    answer = traces.site.browser(1).get("/questions", traceparent=PARENT)
    spans = traces.of(answer.headers["X-Request-Id"])
    by_id = {span["spanId"]: span for _, span in spans}
    assert len(by_id) == len(spans)
    assert {span["traceId"] for _, span in spans} == {TRACE}
    (root,) = [span for _, span in spans if span.get("parentSpanId") == SPAN]
    assert (root["name"], root["kind"], root["status"]) == ("GET /questions", 2, {})
    about = values(root["attributes"])
    assert about["http.response.status_code"] == 200 and about["http.route"] == "/questions"
    assert about["vote.request_id"] == answer.headers["X-Request-Id"]
    for _, span in spans:
        if span is not root:
            parent = by_id[span["parentSpanId"]]
            assert int(parent["startTimeUnixNano"]) <= int(span["startTimeUnixNano"]), (parent, span)
            assert int(span["endTimeUnixNano"]) <= int(parent["endTimeUnixNano"]), (parent, span)
    names = [span["name"] for _, span in spans]
    for name in ("parse", "page", "render", "send", "session_read", "session_read attempt", "user_get",
                 "question_list", "sql", "redis"):
        assert name in names, names
    work = [span for service, span in spans if service == "vote-worker" and span["kind"] == 2]
    assert sorted(span["name"] for span in work) == ["question_list", "session_read", "user_get"]
    sql = [values(span["attributes"])["db.query.text"] for _, span in spans if span["name"] == "sql"]
    assert any(text.startswith("SELECT") for text in sql)


def test_a_request_that_fails_says_so(traced):
    traces = traced("--set", "tracing.sample_every=1")
    traces.site.pools["db"][0].stop()
    answer = traces.site.browser(1).get("/questions")
    assert answer.status == 503
    spans = traces.of(answer.headers["X-Request-Id"])
    assert [span["status"]["code"] for _, span in spans if span["name"] == "GET /questions"] == [2]
    assert {span["status"].get("code") for _, span in spans if span["name"] == "user_get"} == {2}


@pytest.mark.parametrize("flag, every, count", [(PARENT, 0, 3), (UNSAMPLED, 1, 0), (None, 0, 0), (None, 3, 1),
                                                ("00-malformed", 1, 3), (PARENT.upper(), 0, 0)])
def test_a_traceparent_decides_else_the_sample(traced, flag, every, count):
    traces = traced("--set", f"tracing.sample_every={every}")
    client = traces.site.curl()
    for _ in range(3):
        client.get("/hello", **({"traceparent": flag} if flag else {}))
    traces.site.gateway.stop()
    assert len([line for line in traces.lines() if "/hello" in line]) == count


def test_no_more_traces_a_second_than_configured_whoever_asks(traced):
    traces = traced("--set", "tracing.per_second=1", "--set", "tracing.sample_every=0")
    client = traces.site.curl()
    for _ in range(20):
        client.get("/hello", traceparent=PARENT)
    traces.site.gateway.stop()
    assert 1 <= len(traces.lines()) < 20


def test_a_file_that_cannot_be_opened_is_told_at_the_start(process, ipc_dir, tmp_path):
    gateway = process("vote-gateway", "--port", "0", "--set", f"gateway.ipc_dir={ipc_dir}", "--set",
                      f"tracing.file={tmp_path}/none/traces")
    assert gateway.wait() == 1
    gateway.abandon()
    gateway.wait_line(r"vote-gateway: .*/none/traces: No such file")


# ---- the log -------------------------------------------------------------------------------------


def journey(site):
    """Register, log in, vote, log out, fail to log in. Returns every secret of it."""
    client = site.program()
    question, choices = site.question()
    form = {"name": "某人", "email": "secretive@example.com", "phone": "", "password": PASSWORD}
    assert client.post("/register", form).code == 0
    client.post("/login", {"account": form["email"], "password": "a wrong " + PASSWORD})
    assert client.post("/login", {"account": form["email"], "password": PASSWORD}).status == 302
    session = client.cookies["sessionid"]
    assert client.post(f"/questions/{question}/vote", {"choice_id": choices[0]}).code == 0
    client.get("/questions")
    client.post("/logout", {})
    (password_hash,) = site.database.query("SELECT password FROM user WHERE email = %s", form["email"])[0]
    return [PASSWORD, session, form["email"], password_hash, "$argon2"]


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_request_has_one_id_in_the_gateway_and_in_its_pools_and_no_log_has_a_secret(
        own_site, tmp_path, form):
    path = tmp_path / "traces"
    site = own_site("--set", f"log.format={form}", "--set", "log.level=debug", "--set",
                    f"tracing.file={path}", "--set", "tracing.sample_every=1", "--set", "debug.toolbar=true")
    for program in site.processes[1:]:
        program.send(signal.SIGUSR1)
        program.wait_line("log_level.*debug")
    secrets = journey(site)
    answer = site.browser(1).get("/questions")
    request_id = answer.headers["X-Request-Id"]
    for program, event in ((site.gateway, "request_answered"), (site.pools["session"][0], "job_answered"),
                           (site.pools["db"][0], "job_answered")):
        line = program.wait_line(f".*{event}.*{request_id}.*")[0]
        if form == "json" and program is site.gateway:
            assert json.loads(line)["request"] == request_id
    if form == "json":
        access = json.loads(site.gateway.wait_line(f'.*"event":"access".*{request_id}.*')[0])
        assert (access["method"], access["target"], access["status"]) == ("GET", "/questions", 200)
    site.gateway.stop()
    for text in [program.log for program in site.processes] + [path.read_text()]:
        assert [secret for secret in secrets if secret in text] == []


def test_a_signal_makes_a_program_say_everything_and_another_takes_it_back(own_site):
    site = own_site()
    for program in site.processes:
        program.send(signal.SIGUSR1)
        program.wait_line("info log_level level=debug")
    loud = site.browser(1).get("/").headers["X-Request-Id"]
    for program in (site.gateway, site.pools["session"][0], site.pools["db"][0]):
        program.wait_line(f"debug .*{loud}")
    for program in site.processes:
        program.send(signal.SIGUSR2)
        program.wait_line("info log_level level=info")
    quiet = site.browser(1).get("/").headers["X-Request-Id"]
    site.gateway.wait_line(f'"GET / HTTP/1.1" 200 .*{quiet}')
    assert not [program for program in site.processes if re.search(f"debug .*{quiet}", program.log)]


def test_of_many_requests_one_in_so_many_has_its_line_but_failures_have_theirs_all(own_site):
    site = own_site("--set", "gateway.access_log_every=1000000")
    client = site.curl()
    for _ in range(20):
        assert client.get("/hello").status == 200
    site.pools["db"][0].stop()
    failed = [client.get("/questions/1/choice") for _ in range(3)]
    assert [answer.status for answer in failed] == [503] * 3
    site.gateway.stop()
    assert site.gateway.log.count('"GET /hello') < 3
    for answer in failed:
        assert answer.headers["X-Request-Id"] in site.gateway.log
