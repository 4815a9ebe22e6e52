"""Tells gateways in development that files changed, and prints what is shown as broken now.

usage: refresh.py VOTE-CALL page|style ENDPOINT...      what is broken, if anything, on standard input"""
import json
import subprocess
import sys

TEXT_MAX = 20000  # characters, as in messages.def


def main(vote_call, what, *endpoints):
    body = json.dumps({"style": what == "style", "problem": sys.stdin.read().strip()[:TEXT_MAX]})
    shown = set()
    for endpoint in endpoints:
        done = subprocess.run([vote_call, "--timeout", "2000", "--gateway", endpoint, "gateway",
                               "gateway_refresh", "-"], input=body + "\n", stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, text=True)
        if done.returncode == 0:
            shown.add(json.loads(done.stdout)["body"]["problem"].strip())
    print("\n".join(sorted(shown - {""})))


main(*sys.argv[1:])
