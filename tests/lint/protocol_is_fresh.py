"""proto/PROTOCOL.md is what the messages print.

usage: protocol_is_fresh.py PROTOCOL_PRINT
"""
import difflib
import subprocess
import sys

from files import read, report


def main(program):
    printed = subprocess.run([program], capture_output=True, check=True).stdout.decode()
    report(list(difflib.unified_diff(read("proto/PROTOCOL.md").splitlines(), printed.splitlines(),
                                     "proto/PROTOCOL.md", "protocol-print", lineterm="")))


main(sys.argv[1])
