"""What is measured: a row each, and the goals it has. A goal's ratio is this project's figure divided
by the other's, round by round; the median counts."""
import dataclasses

ALL_SITES = ("vote", "aiohttp", "fastify", "go")


@dataclasses.dataclass(frozen=True)
class Goal:
    """`figure` (cpu, rate or p50_us) of this project, at most or at least `bound` times `other`'s."""

    figure: str
    other: str
    sign: str
    bound: float

    def met(self, ratio):
        return ratio <= self.bound if self.sign == "<=" else ratio >= self.bound

    def __str__(self):
        what = {"cpu": "CPU", "rate": "requests/s", "p50_us": "p50"}[self.figure]
        return f"{what} {self.sign} {times(self.bound)} {self.other}"


def times(ratio):
    """1/15 × for a fraction, 2.5 × for the rest."""
    if ratio == 0:
        return "0 ×"
    return f"1/{1 / ratio:.3g} ×" if ratio <= 0.5 else f"{ratio:.3g} ×"


@dataclasses.dataclass(frozen=True)
class Case:
    """kind: of load.lua, or `memory` or `idle`. settings: of this project. size: gateways, and pools
    of each service. share: of a core, that each of these processes gets (0: all there is).
    connections: instead of those asked for."""

    name: str
    phrase: str
    path: str
    kind: str = "get"
    contenders: tuple = ALL_SITES
    database: str = "small"
    settings: dict = dataclasses.field(default_factory=dict)
    goals: tuple = ()
    connections: int = 0
    size: int = 1
    share: float = 0

    def of_size(self, size):
        return dataclasses.replace(self, size=size)

    def of_connections(self, count):
        """The goals are for 64 connections, or for those of the case."""
        return self if count == 64 or self.connections else dataclasses.replace(self, goals=())


def at_most(figure, *pairs):
    return tuple(Goal(figure, other, "<=", bound) for other, bound in pairs)


def at_least(figure, *pairs):
    return tuple(Goal(figure, other, ">=", bound) for other, bound in pairs)


PLAIN = {"gateway.share_reads": "false", "pools.batch_max": 1}
SHARE = 0.1
CHOICE, PAGE = "/questions/1/choice", "/questions"

CASES = (
    Case("hello", "a fixed text", "/hello", contenders=("vote", "nginx", "aiohttp", "fastify", "go"),
         goals=(*at_most("cpu", ("nginx", 1), ("aiohttp", 1 / 6)),
                *at_least("rate", ("fastify", 1), ("go", 1)))),
    Case("choice", "the tallies of one question", CHOICE,
         contenders=("vote", "mariadb", "aiohttp", "fastify", "go"),
         goals=(*at_most("cpu", ("aiohttp", 1 / 15), ("go", 1 / 4)),
                *at_least("rate", ("mariadb", 1)))),
    Case("choice_plain", "the same, no sharing and no batches", CHOICE, settings=PLAIN),
    Case("questions", "a page for 1000 accounts logged in", PAGE, "accounts",
         goals=at_most("cpu", ("aiohttp", 1 / 20), ("fastify", 1 / 5), ("go", 1 / 5))),
    Case("questions_1", "the same page, one connection", PAGE, "accounts", connections=1,
         goals=at_most("p50_us", ("aiohttp", 1))),
    Case("votes", "durable votes, one hot question, each by another account", PAGE, "votes",
         database="large",
         goals=at_least("rate", ("aiohttp", 20), ("fastify", 8), ("go", 8))),
    Case("votes_plain", "the same, no batches", PAGE, "votes", database="large", settings=PLAIN,
         goals=at_most("cpu", ("go", 1))),
    Case("distinct", "the tallies of 1000 questions, no two alike in flight", CHOICE, "questions",
         database="large", goals=at_most("cpu", ("aiohttp", 1 / 3), ("go", 1))),
    Case("static_4k", "a file of 4 KB", "/static/4k.bin", contenders=("vote", "nginx", "aiohttp"),
         goals=at_most("cpu", ("nginx", 1.2))),
    Case("static_1m", "a file of 1 MB", "/static/1m.bin", contenders=("vote", "nginx", "aiohttp"),
         goals=at_most("cpu", ("nginx", 1.2))),
    Case("memory", "what is resident after 64 connections", PAGE, "memory", connections=64,
         contenders=("vote", "aiohttp", "fastify", "go")),
    Case("idle", "what an idle connection costs", "/hello", "idle", connections=10000,
         contenders=("vote", "aiohttp")),
    Case("scale_hello", f"one and two gateways, each with {SHARE} of a core", "/hello",
         contenders=("vote", "vote x2"), share=SHARE, connections=64),
    Case("scale_questions", f"one and two gateways, and pools of each kind, each with {SHARE} of a core",
         PAGE, "accounts", contenders=("vote", "vote x2"), share=SHARE, connections=64),
)
