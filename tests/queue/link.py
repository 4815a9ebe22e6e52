"""A network between two hosts that can be cut: two namespaces with a cable, or a proxy that stops.

`gateway_side` and `pool_side` are what a program of that side is started with; `host` is the
gateway's address, `reached(endpoint)` what a pool connects to. `inside()` takes the calling thread,
and the sockets it makes, to the gateway's side.
"""
import contextlib
import ctypes
import os
import select
import socket
import subprocess
import threading

CLONE_NEWNET = 0x40000000


def ip(*words):
    done = subprocess.run(["ip", *words], capture_output=True, text=True, timeout=10)
    if done.returncode != 0:
        raise PermissionError(done.stderr.strip())


class Cable:
    """Two network namespaces of our own, one end of a virtual cable in each; nothing else in them."""

    host = "192.0.2.1"  # RFC 5737: addresses for documentation

    def __init__(self):
        self.a, self.b = f"vote-a-{os.getpid()}", f"vote-b-{os.getpid()}"
        self.gateway_side = ["nsenter", f"--net=/run/netns/{self.a}"]
        self.pool_side = ["nsenter", f"--net=/run/netns/{self.b}"]

    def __enter__(self):
        try:
            for name in (self.a, self.b):
                ip("netns", "add", name)
            ip("link", "add", "cable", "netns", self.a, "type", "veth", "peer", "name", "cable",
               "netns", self.b)
            for name, address in ((self.a, "192.0.2.1/24"), (self.b, "192.0.2.2/24")):
                ip("-n", name, "address", "add", address, "dev", "cable")
                ip("-n", name, "link", "set", "lo", "up")
                ip("-n", name, "link", "set", "cable", "up")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for name in (self.a, self.b):
            with contextlib.suppress(PermissionError):
                ip("netns", "del", name)

    def reached(self, endpoint):
        return endpoint

    def inside(self):
        with open(f"/run/netns/{self.a}") as namespace:
            if ctypes.CDLL(None, use_errno=True).setns(namespace.fileno(), CLONE_NEWNET) != 0:
                raise PermissionError(os.strerror(ctypes.get_errno()))

    def cut(self):
        ip("-n", self.a, "link", "set", "cable", "down")

    def heal(self):
        ip("-n", self.a, "link", "set", "cable", "up")


class Proxy:
    """A proxy on another loopback address. Cut, it takes no byte: what was sent waits, as on a line
    that loses everything and is tried again."""

    host = "127.0.0.3"
    gateway_side = pool_side = ()

    def __enter__(self):
        self.listener = socket.create_server(("127.0.0.2", 0))
        self.target = None
        self.other = {}  # socket: where its bytes go
        self.ended = False
        self.flows = threading.Event()
        self.flows.set()
        self.thread = threading.Thread(target=self.run)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ended = True
        self.flows.set()
        self.thread.join()
        for each in [self.listener, *self.other]:
            each.close()

    def reached(self, endpoint):
        host, port = endpoint.removeprefix("tcp://").split(":")
        self.target = (host, int(port))
        return "tcp://127.0.0.2:%d" % self.listener.getsockname()[1]

    def inside(self):
        pass

    def cut(self):
        self.flows.clear()

    def heal(self):
        self.flows.set()

    def run(self):
        while not self.ended:
            self.flows.wait()
            for ready in select.select([self.listener, *self.other], [], [], 0.05)[0]:
                if ready is self.listener:
                    self.accept()
                elif ready in self.other:
                    self.move(ready)

    def accept(self):
        near, _ = self.listener.accept()
        try:
            far = socket.create_connection(self.target, timeout=5)
        except OSError:
            near.close()
            return
        self.other[near], self.other[far] = far, near

    def move(self, ready):
        try:
            data = ready.recv(65536)
            self.other[ready].sendall(data)
        except OSError:
            data = b""
        if not data:
            far = self.other.pop(ready)
            self.other.pop(far)
            ready.close()
            far.close()
