"""Shell programs parse and pass shellcheck."""
import subprocess

from files import ROOT, all_files, read, report


def main():
    programs = [p for p in all_files() if read(p).startswith(("#!/usr/bin/env bash", "#!/bin/sh"))]
    findings = [] if programs else ["no shell program found"]
    for path in programs + [p for p in all_files() if p.suffix == ".sh"]:
        done = subprocess.run(["bash", "-n", path], cwd=ROOT, capture_output=True, text=True)
        findings += done.stderr.splitlines()
    # -x follows ./vote into the files it sources.
    done = subprocess.run(["shellcheck", "-x", "-f", "gcc", *programs], cwd=ROOT,
                          capture_output=True, text=True)
    findings += done.stdout.splitlines() + done.stderr.splitlines()
    report(findings)


main()
