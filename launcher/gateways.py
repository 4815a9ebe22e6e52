"""Asks gateways how they are, by vote-call."""
import json
import subprocess


def ask(vote_call, endpoint):
    """The gateway_status_reply of one gateway as a dict, or None when it does not answer."""
    done = subprocess.run([vote_call, "--timeout", "1000", "--gateway", endpoint, "gateway", "gateway_status", "{}"],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    return json.loads(done.stdout)["body"] if done.returncode == 0 else None
