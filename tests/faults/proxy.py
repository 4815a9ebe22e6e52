"""A unix socket between a pool and its server that can go wrong.

    proxy.py mysql|redis LISTEN UPSTREAM

Standard input takes one JSON object a line and changes what goes wrong from now on:

    before_commit: N   the next N COMMITs are not forwarded, their connections are cut
    during_commit: N   forwarded, and cut at once
    after_commit: N    forwarded, and cut when the server's answer comes, which is dropped
    after_execute: N   the same for the next N executions of a prepared statement
    hold_ms: MS        every answer of the server comes so much later
    hold_reads_ms: MS  the same for connections that read tallies, after they asked
    refuse: BOOL       new connections are closed at once
    cut: true          all connections are cut, once

A line of standard output for each COMMIT or connection it did something to. The end of standard input
ends it. Of the MySQL protocol it knows the packet (3 bytes size, 1 byte number) and three commands."""
import asyncio
import json
import sys

COMMIT = b"\x03COMMIT AND CHAIN"
COM_STMT_PREPARE, COM_STMT_EXECUTE = 0x16, 0x17
TALLIES = b"FROM choice c"
ONCE = ("before_commit", "during_commit", "after_commit", "after_execute")


class Line:
    """One connection: what the client says is read packet by packet, answers pass as they come."""

    def __init__(self, proxy, client, server):
        self.proxy = proxy
        self.client_in, self.client_out = client
        self.server_in, self.server_out = server
        self.over = asyncio.Event()
        self.drop_answer = self.reads_tallies = False
        self.hold_next_s = 0

    def cut(self):
        self.over.set()
        for end in (self.client_out, self.server_out):
            end.transport.abort()

    async def serve(self):
        pumps = [asyncio.create_task(p) for p in (self.pump_up(), self.pump_down())]
        await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        self.cut()
        await asyncio.gather(*pumps, return_exceptions=True)

    async def pause(self, seconds):
        try:
            await asyncio.wait_for(self.over.wait(), seconds)
        except asyncio.TimeoutError:
            pass

    async def pump_up(self):
        while True:
            if self.proxy.kind == "mysql":
                head = await self.client_in.readexactly(4)
                body = await self.client_in.readexactly(int.from_bytes(head[:3], "little"))
                if not self.look_at(head[3], body):
                    return
                self.server_out.write(head + body)
                await self.server_out.drain()
                if body == COMMIT and self.proxy.take("during_commit"):
                    return
            else:
                data = await self.client_in.read(65536)
                if not data:
                    return
                self.server_out.write(data)
                await self.server_out.drain()

    def look_at(self, number, body):
        """False: it is not to be forwarded."""
        if number != 0:
            return True
        if body == COMMIT:
            if self.proxy.take("before_commit"):
                return False
            self.drop_answer = self.proxy.take("after_commit")
        elif body[:1] == bytes([COM_STMT_PREPARE]):
            self.reads_tallies |= TALLIES in body
        elif body[:1] == bytes([COM_STMT_EXECUTE]):
            self.drop_answer = self.proxy.take("after_execute")
            if self.reads_tallies:
                self.hold_next_s = self.proxy.faults["hold_reads_ms"] / 1000
        return True

    async def pump_down(self):
        while data := await self.server_in.read(65536):
            if self.drop_answer:
                return
            if hold_s := max(self.proxy.faults["hold_ms"] / 1000, self.hold_next_s):
                await self.pause(hold_s)
            self.hold_next_s = 0
            self.client_out.write(data)
            await self.client_out.drain()


class Proxy:
    def __init__(self, kind, listen, upstream):
        self.kind, self.listen, self.upstream = kind, listen, upstream
        self.faults = {"hold_ms": 0, "hold_reads_ms": 0, "refuse": False, **dict.fromkeys(ONCE, 0)}
        self.lines = set()

    def take(self, fault):
        if self.faults[fault] <= 0:
            return False
        self.faults[fault] -= 1
        print(fault, flush=True)
        return True

    async def on_connection(self, reader, writer):
        if self.faults["refuse"]:
            writer.transport.abort()
            return
        try:
            server = await asyncio.open_unix_connection(self.upstream)
        except OSError:
            writer.transport.abort()
            return
        line = Line(self, (reader, writer), server)
        self.lines.add(line)
        try:
            await line.serve()
        finally:
            self.lines.discard(line)

    def command(self, text):
        wanted = json.loads(text)
        if wanted.pop("cut", False):
            print(f"cut {len(self.lines)}", flush=True)
            for line in list(self.lines):
                line.cut()
        for name, value in wanted.items():
            assert name in self.faults, name
            self.faults[name] = value

    async def run(self):
        loop = asyncio.get_running_loop()
        commands = asyncio.StreamReader()
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(commands), sys.stdin)
        async with await asyncio.start_unix_server(self.on_connection, self.listen, backlog=512):
            while line := await commands.readline():
                self.command(line)
            for line in list(self.lines):
                line.cut()


if __name__ == "__main__":
    asyncio.run(Proxy(*sys.argv[1:]).run())
