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
    """One request at a time; tells the load how it ended."""

    def __init__(self, load):
        self.load, self.transport, self.buffer = load, None, b""
        self.head, self.need = None, 0
        self.start, self.vote = None, -1  # of the request under way

    def connection_made(self, transport):
        self.transport = transport

    def ask(self, data, start, vote):
        self.start, self.vote = start, vote
        self.transport.write(data)

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
            self.finish(self.head)

    def finish(self, head):
        self.buffer, self.head = b"", None
        start, self.start = self.start, None
        if b"connection: close" in head:
            self.transport.close()
        else:
            self.load.free.append(self)
        self.load.done(int(head[9:12]), start, self.vote)

    def connection_lost(self, error):
        if self.start is not None:
            start, self.start = self.start, None
            self.load.done("lost", start, self.vote)


class Load:
    def __init__(self, plan):
        self.plan = plan
        self.free = collections.deque()
        self.opened = 0
        self.voted = plan.get("skip", 0)
        self.number = 0
        self.slices = collections.defaultdict(collections.Counter)
        self.latencies = collections.defaultdict(list)
        self.statuses = collections.Counter()
        self.acknowledged = []
        self.under_way = 0
        self.closed_until = 0.0  # until then, whoever got an answer asks again
        self.connecting = set()

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

    def fire(self):
        data, vote = self.request()
        start = time.monotonic()
        self.under_way += 1
        while self.free:
            connection = self.free.popleft()
            if not connection.transport.is_closing():
                connection.ask(data, start, vote)
                return
        task = asyncio.ensure_future(self.connect(data, start, vote))
        self.connecting.add(task)
        task.add_done_callback(self.connecting.discard)

    async def connect(self, data, start, vote):
        self.opened += 1
        port = self.plan["ports"][self.opened % len(self.plan["ports"])]
        try:
            _, connection = await asyncio.get_running_loop().create_connection(
                lambda: Connection(self), "127.0.0.1", port)
        except OSError:
            self.done("no connection", start, vote)
        else:
            connection.ask(data, start, vote)

    def done(self, status, start, vote):
        end = time.monotonic()
        slot = int((start - self.start) / SLICE_S)
        good = status == 200
        self.under_way -= 1
        self.statuses[f"{'vote' if vote >= 0 else 'read'} {status}"] += 1
        self.slices[slot]["sent"] += 1
        self.slices[slot]["good_when_sent"] += good
        self.slices[int((end - self.start) / SLICE_S)]["good"] += good
        self.latencies[slot].append(end - start)
        if good and vote >= 0:
            self.acknowledged.append(vote)
        if end < self.closed_until:
            asyncio.get_running_loop().call_soon(self.fire)

    async def pause(self, seconds):
        try:
            await asyncio.wait_for(self.never.wait(), seconds)
        except asyncio.TimeoutError:
            pass

    async def open_loop(self, rate, start, until):
        sent = 0
        while (now := time.monotonic()) < until:
            due = int((now - start) * rate) - sent
            for _ in range(due):
                self.fire()
            sent += due
            await self.pause(0.002)

    async def run(self):
        self.never = asyncio.Event()
        self.start = until = time.monotonic()
        for seconds, rate in self.plan["phases"]:
            start, until = until, until + seconds
            if rate:
                await self.open_loop(rate, start, until)
                continue
            self.closed_until = until
            for _ in range(self.plan["connections"]):
                self.fire()
            await self.pause(until - time.monotonic())
        patience = time.monotonic() + GIVE_UP_S
        while self.under_way and time.monotonic() < patience:
            await self.pause(0.05)
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
                "never answered": self.under_way,
                "acknowledged": self.acknowledged, "next": self.voted}


if __name__ == "__main__":
    json.dump(asyncio.run(Load(json.loads(sys.stdin.readline())).run()), sys.stdout)
