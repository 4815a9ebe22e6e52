"""Says who has HOST:PORT: prints nothing and exits 0 when it is free; else one phrase, and exits 1.

usage: address.py HOST PORT
"""
import errno
import glob
import os
import socket
import sys


def listener(port):
    """The process that listens on the port, if we may see it."""
    inodes = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            rows = [line.split() for line in open(table)][1:]
        except OSError:
            continue
        inodes |= {r[9] for r in rows if r[3] == "0A" and int(r[1].rsplit(":", 1)[1], 16) == port}
    for link in glob.glob("/proc/[0-9]*/fd/*"):
        try:
            if os.readlink(link)[8:-1] in inodes:
                pid = link.split("/")[2]
                return f"{open(f'/proc/{pid}/comm').read().strip()} (pid {pid})"
        except OSError:
            continue
    return "another program"


def main(host, port):
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except (OSError, UnicodeError):
        print(f"{host} is no address of this machine")
        return 1
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
            probe.listen(1)
        except PermissionError:
            print(f"port {port} needs more rights than this account has")
            return 1
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                print(f"port {port} on {host} is in use by {listener(port)}")
            elif error.errno == errno.EADDRNOTAVAIL:
                print(f"{host} is no address of this machine")
            else:
                print(f"cannot listen on {host} port {port}: {error.strerror}")
            return 1
    return 0


sys.exit(main(sys.argv[1], int(sys.argv[2])))
