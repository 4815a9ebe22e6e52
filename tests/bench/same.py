"""Before anything is counted: every contender gives the same answer."""
import json
import re

from tests.fixtures.client import PROGRAM, Client

# What rightly differs: a form's own id, the version of a file's content, blanks between tags.
DIFFERS = ((re.compile(r'(name="request_id" value=")[0-9a-f]{32}'), r"\1"),
           (re.compile(r"(/static/[^\"?]+)\?v=[0-9a-f]*"), r"\1"),
           (re.compile(r"\s+"), " "), (re.compile(r"> <"), "><"))


def canonical(answer):
    """(status, what a reader sees of the body)"""
    kind = answer.type or ""
    if kind.startswith("application/json"):
        body = json.loads(answer.body)
        if isinstance(body, dict):
            body.pop("receipt", None)
        return answer.status, body
    if not kind.startswith("text/html"):
        return answer.status, answer.body
    text = answer.text
    for pattern, instead in DIFFERS:
        text = pattern.sub(instead, text)
    return answer.status, text.strip()


def ask(case, contender, stage):
    """The answer that the load will get."""
    port = int(contender.urls[0].rpartition(":")[2])
    if case.kind == "votes":
        client = Client(port, PROGRAM, stage.sessions[0])
        question = stage.questions(1)
        answer = client.post(f"/questions/{question}/vote", {"choice_id": 3 * question})
        if stage.votes(question, 1) != (1, 1):
            raise SystemExit(f"{case.name}: {contender.name} lost a vote: {answer}")
        return answer
    client = Client(port, session=stage.sessions[0] if case.kind in ("accounts", "memory") else None)
    path = f"/questions/{stage.first_question}/choice" if case.kind == "questions" else case.path
    return client.get(path)


def check(case, contenders, stage):
    """Ends the run with both answers when two differ."""
    said = {c.name: canonical(ask(case, c, stage)) for c in contenders if c.urls}
    first = next(iter(said))
    for name, answer in said.items():
        if answer[0] != 200 or answer != said[first]:
            raise SystemExit(f"{case.name}: {name} answers otherwise than {first}\n"
                             f"{first}: {said[first]}\n{name}: {answer}")
