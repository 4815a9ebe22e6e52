"""The verdict: what the clients saw against what stands in the database. Pure; tested by itself."""
import collections
import dataclasses

from tests.faults.record import OK, REFUSED, UNKNOWN

ALREADY_VOTED, CLOSED, NOT_FOUND = 20006, 20007, 20008


@dataclasses.dataclass
class Tables:
    """Rows as tuples; ids as text."""
    votes: list  # (question, voter's number or None, choice, request id, receipt)
    tallies: list  # (question, choice, votes)
    users: list  # (e-mail, name, request id)
    questions: list  # (id, request id)


def load(query):
    """Tables, by query(sql) → rows."""
    return Tables(
        query("SELECT v.question_id, u.email, v.choice_id, LOWER(HEX(v.request_id)),"
              " LOWER(HEX(v.receipt)) FROM vote v LEFT JOIN user u ON u.id = v.user_id"),
        query("SELECT question_id, id, votes FROM choice"),
        query("SELECT email, name, LOWER(HEX(request_id)) FROM user"),
        query("SELECT id, LOWER(HEX(request_id)) FROM question"))


def votes(attempts, tables, email_of):
    """Findings about votes, as (kind, text). email_of: a voter's number → its e-mail."""
    findings = []
    rows = collections.defaultdict(list)
    by_voter = collections.Counter()
    for question, email, choice, request_id, receipt in tables.votes:
        rows[request_id].append((question, email, choice, receipt))
        by_voter[question, email] += 1
    for (question, email), count in by_voter.items():
        if count > 1:
            findings.append(("doubled vote", f"{email} has {count} rows on question {question}"))

    groups = collections.defaultdict(list)
    for attempt in attempts:
        if attempt.kind == "vote":
            groups[attempt.request_id].append(attempt)
    for request_id, group in groups.items():
        findings += of_request(group, rows.get(request_id, []), by_voter, email_of)
    for request_id in rows.keys() - groups.keys():
        question, email, choice, _ = rows[request_id][0]
        findings.append(("vote of nobody", f"{email} on question {question}, choice {choice}: request "
                         f"{request_id} was never sent"))
    return findings


def of_request(group, rows, by_voter, email_of):
    """All attempts with one request id, and the rows with it."""
    one = group[0]
    who = f"{email_of(one.voter)} on question {one.question} ({one.request_id})"
    findings, receipts = [], {a.receipt for a in group if a.outcome == OK and a.receipt}
    outcomes = {a.outcome for a in group}
    stands = (one.question, email_of(one.voter), one.choice)
    if len(receipts) > 1:
        findings.append(("another receipt", f"{who}: {sorted(receipts)}"))
    if OK in outcomes and not rows:
        findings.append(("lost vote", f"{who} was acknowledged and is not there"))
    for row in rows:
        if row[:3] != stands:
            findings.append(("changed vote", f"{who}: asked for {stands}, stored as {row[:3]}"))
        if receipts and row[3] not in receipts:
            findings.append(("another receipt", f"{who}: {sorted(receipts)}, stored {row[3]}"))
    if rows and not outcomes & {OK, UNKNOWN}:
        findings.append(("refused vote", f"{who} was never accepted ({sorted(outcomes)}) and is there"))
    for attempt in group:
        if attempt.outcome != REFUSED or attempt.code not in (ALREADY_VOTED, CLOSED, NOT_FOUND):
            continue
        if rows:
            findings.append(("refused vote", f"{who} was told {attempt.code} and is there"))
        elif attempt.code == ALREADY_VOTED and not by_voter[one.question, email_of(one.voter)]:
            findings.append(("refused for nothing", f"{who} was told that there is a vote; none is"))
    return findings


def tallies(tables):
    counts = collections.Counter((row[0], row[2]) for row in tables.votes)
    return [("wrong tally", f"question {question}, choice {choice}: votes = {stored}, "
             f"{counts[question, choice]} rows")
            for question, choice, stored in tables.tallies if stored != counts[question, choice]]


def closed_results(final, tables):
    """final: {question: {choice: votes}} as the site showed them once closed."""
    counts = collections.Counter((row[0], row[2]) for row in tables.votes)
    return [("closed results changed", f"question {question}, choice {choice}: shown {shown}, "
             f"{counts[question, choice]} rows")
            for question, results in final.items() for choice, shown in results.items()
            if shown != counts[question, choice]]


def registrations(attempts, tables, email_of):
    findings, users = [], collections.defaultdict(list)
    for email, _, request_id in tables.users:
        users[email].append(request_id)
    for voter, request_id in {(a.voter, a.request_id) for a in attempts
                              if a.kind == "register" and a.outcome == OK}:
        if users[email_of(voter)] != [request_id]:
            findings.append(("lost account", f"{email_of(voter)} was registered by {request_id}; "
                             f"there is {users[email_of(voter)]}"))
    sent = {a.request_id for a in attempts if a.kind == "register"}
    findings += [("account of nobody", email) for email, name, request_id in tables.users
                 if name.startswith(("soaker-", "asker-")) and request_id not in sent]
    return findings


def questions(asked, tables):
    """asked: {request id: question's id, or None if that was never acknowledged}."""
    ids = collections.defaultdict(list)
    for number, request_id in tables.questions:
        ids[request_id].append(number)
    return [("lost question", f"request {request_id}: acknowledged {number}, there is {ids[request_id]}")
            for request_id, number in asked.items()
            if len(ids[request_id]) > 1 or number and ids[request_id] != [number]]


def accounting(gateway, status):
    """A gateway's own books: each request that it asked of a pool ended in exactly one way."""
    findings = []
    for queue in status["queues"]:
        ends = sum(queue[key] for key in ("answered", "busy", "expired", "lost", "queued", "in_flight"))
        name = f"{gateway} {queue['service']}/{queue['lane']}"
        if queue["asked"] != ends:
            findings.append(("accounting", f"{name}: asked {queue['asked']}, ended {ends}: {queue}"))
        if queue["queued"] or queue["in_flight"]:
            findings.append(("accounting", f"{name}: quiet, and {queue['queued']} queued, "
                             f"{queue['in_flight']} in flight"))
    for counter in ("late_starts", "missed_edges", "bad_messages"):
        if status[counter]:
            findings.append((counter.replace("_", " "), f"{gateway}: {status[counter]}"))
    return findings
