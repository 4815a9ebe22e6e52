"""Prints what `./vote status` shows as one JSON object.

usage: status_json.py VOTE-CALL URL yes|no ENDPOINT...      supervisorctl's status on standard input"""
import json
import sys

import gateways


def process(line):
    """"db:db_0  RUNNING  pid 7, uptime 0:00:05" as a dict."""
    name, state, *rest = line.split()
    return {"name": name, "state": state, "pid": int(rest[1].rstrip(",")) if rest[:1] == ["pid"] else None}


def main(vote_call, url, ready, *endpoints):
    print(json.dumps({
        "url": url,
        "ready": ready == "yes",
        "processes": [process(line) for line in sys.stdin if line.strip()],
        "gateways": [{"endpoint": e, "status": gateways.ask(vote_call, e)} for e in endpoints],
    }, ensure_ascii=False))


main(*sys.argv[1:])
