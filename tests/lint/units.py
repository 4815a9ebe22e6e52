"""systemd finds no mistake in our units, and counts little that a process of ours could still do.

usage: units.py UNITS BIN
UNITS: the directory of the rendered units; BIN: that of the programs.
"""
import pathlib
import re
import subprocess
import sys
import tempfile

from files import report

EXPOSURE = 1.5  # of 10
INSTANCES = {"vote-gateway@.service": "vote-gateway@9101.service", "vote-pool@.service": "vote-pool@db-2.service"}


def analyze(*arguments):
    return subprocess.run(["systemd-analyze", *map(str, arguments)], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=60)


def main(units, programs):
    findings = []
    with tempfile.TemporaryDirectory() as directory:
        copies = []
        for unit in sorted(pathlib.Path(units).iterdir()):
            # Verify wants the program that a unit starts to be there.
            text = re.sub(r"(?:/\w+)+/(vote-(gateway|worker))\b", rf"{programs}/\1", unit.read_text())
            (pathlib.Path(directory) / unit.name).write_text(text)
            copies.append(pathlib.Path(directory) / INSTANCES.get(unit.name, unit.name))
            copies[-1].write_text(text)
        said = analyze("verify", "--man=no", *copies)
        findings += (said.stdout + said.stderr).splitlines()
        for copy in copies:
            if copy.suffix == ".service":
                said = analyze("security", "--offline=yes", f"--threshold={EXPOSURE * 10:.0f}", copy)
                if said.returncode:
                    findings += [line for line in said.stdout.splitlines() if "✗" in line or "→" in line]
                    findings += said.stderr.splitlines()
    report(findings)


main(*sys.argv[1:])
