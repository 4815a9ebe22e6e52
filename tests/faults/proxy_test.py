"""The fault proxy cuts where it says it does, against a server of four lines."""
import asyncio
import json

import pytest

from tests.faults.proxy import COMMIT, Proxy


def packet(body, number=0):
    return len(body).to_bytes(3, "little") + bytes([number]) + body


class World:
    """A proxy before a server that keeps what it got and answers each packet with `ok`."""

    def __init__(self, directory, kind="mysql"):
        self.seen, self.up, self.down = [], f"{directory}/up", f"{directory}/down"
        self.proxy = Proxy(kind, self.down, self.up)

    async def __aenter__(self):
        self.server = await asyncio.start_unix_server(self.serve, self.up)
        self.front = await asyncio.start_unix_server(self.proxy.on_connection, self.down)
        return self

    async def __aexit__(self, *_):
        self.proxy.command('{"cut": true}')
        self.front.close()
        self.server.close()

    async def serve(self, reader, writer):
        while data := await reader.read(1000):
            self.seen.append(data)
            writer.write(b"ok")
        writer.close()

    async def say(self, data, streams=None):
        """What comes back: b"" when the connection was cut."""
        reader, writer = streams or await asyncio.open_unix_connection(self.down)
        try:
            writer.write(data)
            return await asyncio.wait_for(reader.read(2), 5)
        except ConnectionError:
            return b""


def in_world(tmp_path, test, kind="mysql"):
    async def run():
        async with World(tmp_path, kind) as world:
            await test(world)

    asyncio.run(run())


def test_without_faults_everything_passes(tmp_path):
    async def test(world):
        assert await world.say(packet(COMMIT)) == b"ok"
        assert world.seen == [packet(COMMIT)]

    in_world(tmp_path, test)


@pytest.mark.parametrize("fault, arrives", [("before_commit", False), ("after_commit", True)])
def test_a_commit_is_cut_once_and_only_where_it_was_said(tmp_path, fault, arrives):
    async def test(world):
        world.proxy.command(json.dumps({fault: 1}))
        assert await world.say(packet(b"\x03SELECT 1")) == b"ok"
        world.seen.clear()
        assert await world.say(packet(COMMIT)) == b""
        assert world.seen == ([packet(COMMIT)] if arrives else [])
        assert await world.say(packet(COMMIT)) == b"ok"

    in_world(tmp_path, test)


def test_a_commit_inside_other_bytes_is_no_commit(tmp_path):
    async def test(world):
        world.proxy.command('{"before_commit": 1}')
        assert await world.say(packet(b"\x03SELECT '" + COMMIT + b"'")) == b"ok"
        assert await world.say(packet(COMMIT, number=1)) == b"ok"

    in_world(tmp_path, test)


def test_only_answers_to_reads_of_tallies_are_held(tmp_path):
    async def test(world):
        world.proxy.command('{"hold_reads_ms": 60000}')
        other = await asyncio.open_unix_connection(world.down)
        assert await world.say(packet(b"\x17execute"), other) == b"ok"
        reader = await asyncio.open_unix_connection(world.down)
        assert await world.say(packet(b"\x16SELECT votes FROM choice c"), reader) == b"ok"
        reader[1].write(packet(b"\x17execute"))
        assert await world.say(packet(b"\x17execute"), other) == b"ok"
        world.proxy.command('{"cut": true}')
        assert await asyncio.wait_for(reader[0].read(2), 5) == b""

    in_world(tmp_path, test)


def test_refused_and_cut_connections_end(tmp_path):
    async def test(world):
        streams = await asyncio.open_unix_connection(world.down)
        assert await world.say(b"PING", streams) == b"ok"
        world.proxy.command('{"cut": true, "refuse": true}')
        assert await world.say(b"PING", streams) == b""
        assert await world.say(b"PING") == b""
        world.proxy.command('{"refuse": false}')
        assert await world.say(b"PING") == b"ok"

    in_world(tmp_path, test, kind="redis")
