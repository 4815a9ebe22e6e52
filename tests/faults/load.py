"""Load for the figures: an open loop of requests at a rate that does not care how they are answered.

A process of its own, so that its clock is nobody else's. Standard input: one JSON object

    {"ports": [9000], "phases": [[10, 1000], [5, 100]], "votes": 0.5, "connections": 64,
     "sessions": ["id", …], "questions": {"1": [3, 4, 5]}, "skip": 0}

phases: seconds and requests a second; 0: as many as `connections` clients that wait for their
answers get through (the peak). Votes take the
(session, question) pairs in order, from number `skip` on, each with a request id made of its number;
the rest reads tallies. Standard output: one JSON object, see Load.report."""
import asyncio
import collections
import json
import sys
import time

SLICE_S = 0.1
GIVE_UP_S = 15.0


class Connection(asyncio.Protocol):
    """One request at a time."""

    def __init__(self):
        self.transport, self.buffer, self.answer = None, b"", None
        self.head, self.need = None, 0

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.buffer += data
        if self.head is None:
            end = self.buffer.find(b"\r\n\r\n")
            if end < 0:
                return
            self.head = self.buffer[:end].lower()
            length = self.head.find(b"content-length:")
            self.need = end + 4 + int(self.head[length + 15:].split(b"\r\n", 1)[0])
        if len(self.buffer) >= self.need:
            self.finish(int(self.head[9:12]))

    def finish(self, status):
        body = self.buffer
        self.buffer, head, self.head = b"", self.head, None
        if head and b"connection: close" in head:
            self.transport.close()
        if self.answer and not self.answer.done():
            self.answer.set_result((status, body))

    def connection_lost(self, error):
        if self.answer and not self.answer.done():
            self.answer.set_result((0, b""))

    async def ask(self, data):
        self.answer = asyncio.get_running_loop().create_future()
        self.transport.write(data)
        return await self.answer


class Load:
    def __init__(self, plan):
        self.plan = plan
        self.free = collections.deque()
        self.open = 0
        self.voted = plan.get("skip", 0)
        self.number = 0
        self.slices = collections.defaultdict(collections.Counter)
        self.latencies = collections.defaultdict(list)
        self.statuses = collections.Counter()
        self.acknowledged = []
        self.running = set()

    def request(self):
        """(bytes, number of the vote or -1)"""
        self.number += 1
        plan, sessions = self.plan, self.plan["sessions"]
        questions = list(plan["questions"])
        if self.number % 100 >= plan["votes"] * 100:
            question = questions[self.number % len(questions)]
            return (f"GET /questions/{question}/choice HTTP/1.1\r\nHost: x\r\n"
                    "Accept: application/json\r\n\r\n").encode(), -1
        vote = self.voted
        self.voted += 1
        question = questions[vote // len(sessions) % len(questions)]
        choices = plan["questions"][question]
        body = f"choice_id={choices[vote % len(choices)]}&request_id={vote + 1:032x}"
        return (f"POST /questions/{question}/vote HTTP/1.1\r\nHost: x\r\nAccept: application/json\r\n"
                f"Cookie: sessionid={sessions[vote % len(sessions)]}\r\n"
                "Content-Type: application/x-www-form-urlencoded\r\n"
                f"Content-Length: {len(body)}\r\n\r\n{body}").encode(), vote

    async def connection(self):
        while self.free:
            found = self.free.popleft()
            if not found.transport.is_closing():
                return found
        self.open += 1
        port = self.plan["ports"][self.open % len(self.plan["ports"])]
        loop = asyncio.get_running_loop()
        _, made = await loop.create_connection(Connection, "127.0.0.1", port)
        return made

    async def one(self):
        data, vote = self.request()
        start = time.monotonic()
        status = 0
        try:
            connection = await self.connection()
            status, _ = await asyncio.wait_for(connection.ask(data), GIVE_UP_S)
            if status:
                self.free.append(connection)
        except (OSError, asyncio.TimeoutError):
            pass
        end = time.monotonic()
        slot = int((start - self.start) / SLICE_S)
        good = status == 200
        self.statuses[f"{'vote' if vote >= 0 else 'read'} {status}"] += 1
        self.slices[slot]["sent"] += 1
        self.slices[slot]["good_when_sent"] += good
        self.slices[int((end - self.start) / SLICE_S)]["good"] += good
        self.latencies[slot].append(end - start)
        if good and vote >= 0:
            self.acknowledged.append(vote)

    async def closed_loop(self, until):
        while time.monotonic() < until:
            await self.one()

    async def open_loop(self, rate, start, until):
        sent, never = 0, asyncio.Event()
        while (now := time.monotonic()) < until:
            due = int((now - start) * rate) - sent
            for _ in range(due):
                task = asyncio.ensure_future(self.one())
                self.running.add(task)
                task.add_done_callback(self.running.discard)
            sent += due
            try:
                await asyncio.wait_for(never.wait(), 0.002)
            except asyncio.TimeoutError:
                pass

    async def run(self):
        self.start = until = time.monotonic()
        for seconds, rate in self.plan["phases"]:
            start, until = until, until + seconds
            if rate:
                await self.open_loop(rate, start, until)
            else:
                clients = (self.closed_loop(until) for _ in range(self.plan["connections"]))
                await asyncio.gather(*clients)
        if self.running:
            await asyncio.wait(self.running, timeout=GIVE_UP_S)
        for connection in self.free:
            connection.transport.abort()
        return self.report()

    def report(self):
        """start: on the monotonic clock; slices: of 0.1 s each: sent, good (200, by the time of the
        answer), good_when_sent, p50 and worst latency in seconds; votes: numbers of those acknowledged
        and the first number not used."""
        slices = []
        for slot in range(max(self.slices, default=-1) + 1):
            times = sorted(self.latencies.get(slot, [0]))
            slices.append({**self.slices[slot], "p50": times[len(times) // 2], "worst": times[-1]})
        return {"start": self.start, "slices": slices, "statuses": dict(self.statuses),
                "acknowledged": self.acknowledged, "next": self.voted}


if __name__ == "__main__":
    json.dump(asyncio.run(Load(json.loads(sys.stdin.readline())).run()), sys.stdout)
