"""Prints which files change below directories: a path a line, then an empty line once it is quiet.

usage: watch.py PATH...      a directory with all below it, or a file

By inotify(7), through the C library, so that no package is needed. An editor's own files (names that
begin with "." or end in "~") are left out."""
import ctypes
import os
import select
import struct
import sys

CLOSE_WRITE, MOVED_FROM, MOVED_TO, CREATE, DELETE = 0x8, 0x40, 0x80, 0x100, 0x200
IS_DIRECTORY = 0x40000000
QUIET_S = 0.08  # a save is several events; so is a checkout of another branch
libc = ctypes.CDLL(None, use_errno=True)


class Watch:
    def __init__(self, paths):
        self.fd = libc.inotify_init1(os.O_CLOEXEC)
        self.directories = {}
        self.only = {path for path in paths if not os.path.isdir(path)}
        for path in paths:
            if path in self.only:
                self.add(os.path.dirname(path))  # an editor may put a new file in its place
            else:
                self.add_below(path)
        self.below = [path for path in paths if path not in self.only]

    def add(self, directory):
        number = libc.inotify_add_watch(self.fd, os.fsencode(directory),
                                        CLOSE_WRITE | MOVED_FROM | MOVED_TO | CREATE | DELETE)
        if number < 0:
            sys.exit(f"vote: cannot watch {directory}: {os.strerror(ctypes.get_errno())}")
        self.directories[number] = directory

    def add_below(self, top):
        """Watches a directory and all in it; its files, for one that is new."""
        files = []
        for directory, _, names in os.walk(top):
            self.add(directory)
            files += [os.path.join(directory, name) for name in names]
        return files

    def is_wanted(self, path):
        name = os.path.basename(path)
        return path in self.only or (not name.startswith(".") and not name.endswith("~") and
                                     any(path.startswith(top + "/") for top in self.below))

    def events(self):
        data, at = os.read(self.fd, 65536), 0
        while at < len(data):
            number, mask, _, size = struct.unpack_from("iIII", data, at)
            name = os.fsdecode(data[at + 16:at + 16 + size].rstrip(b"\0"))
            at += 16 + size
            path = os.path.join(self.directories.get(number, ""), name)
            if mask & IS_DIRECTORY and mask & (CREATE | MOVED_TO) and self.is_wanted(path):
                yield from self.add_below(path)
            elif not mask & (IS_DIRECTORY | CREATE):  # what is created is written and closed, too
                yield path

    def changed(self):
        """The files of one change, once it is quiet again."""
        found = set()
        while not found or select.select([self.fd], [], [], QUIET_S)[0]:
            found |= {path for path in self.events() if self.is_wanted(path)}
        return sorted(found)


def main():
    watch = Watch([os.path.abspath(path) for path in sys.argv[1:]])
    print(flush=True)  # from here on nothing is missed
    while True:
        print(*watch.changed(), "", sep="\n", flush=True)


try:
    main()
except (KeyboardInterrupt, BrokenPipeError):
    sys.exit(0)
