"""Each header compiles alone, with the flags of the build.

usage: headers_alone.py BUILD_DIR
"""
import concurrent.futures
import json
import os
import pathlib
import shlex
import subprocess
import sys

from files import ROOT, report, with_suffix


def flags(build_dir):
    """Compiler and flags of the build: those that all commands agree to need, taken together."""
    commands = json.loads((pathlib.Path(build_dir) / "compile_commands.json").read_text())
    words, seen = [], set()
    for entry in commands:
        command = shlex.split(entry["command"])
        compiler = command[0]
        take = iter(command[1:])
        for word in take:
            if word in ("-isystem", "-include"):
                word = (word, next(take))
            elif word in ("-o", "-c"):
                next(take)
                continue
            elif not word.startswith(("-D", "-I", "-W", "-std", "-f")):
                continue
            if word not in seen and word != "-fsanitize=address,undefined":
                seen.add(word)
                words += [word] if isinstance(word, str) else list(word)
    return [compiler, *words]


def check(command, header):
    source = f'#include "{header}"\n'
    done = subprocess.run([*command, "-fsyntax-only", "-x", "c", "-"], cwd=ROOT, input=source,
                          capture_output=True, text=True)
    return [f"{header}: does not compile alone:\n{done.stderr}"] if done.returncode else []


def main(build_dir):
    command = flags(build_dir)
    headers = with_suffix(".h", under={"proto", "gateway", "workers"})
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        found = pool.map(lambda header: check(command, header), headers)
    findings = [finding for findings in found for finding in findings]
    report(findings if headers else ["no headers found"])


main(sys.argv[1])
