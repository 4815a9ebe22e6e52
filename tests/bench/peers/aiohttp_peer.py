"""The same pages on Python's usual asynchronous stack: aiohttp, aiomysql, aiohttp_session on Redis, and
the site's own templates by Jinja2. One process; no access log.

aiohttp_peer.py PORT MYSQL_SOCKET USER PASSWORD DATABASE REDIS_SOCKET STATIC_DIR
"""
import datetime
import json
import pathlib
import secrets
import sys
import types

import aiomysql
import jinja2
import redis.asyncio
from aiohttp import web

# aiohttp_session looks for the client under its old name.
sys.modules["aioredis"] = types.ModuleType("aioredis")
sys.modules["aioredis"].__version__ = "2.0.1"
sys.modules["aioredis"].Redis = redis.asyncio.Redis
from aiohttp_session import get_session, setup as setup_sessions  # noqa: E402
from aiohttp_session.redis_storage import RedisStorage  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[3]
PAGE = 50
UTC_OFFSET = datetime.timedelta(hours=8)
OPEN = "delete_flag = 0 AND (q.closes_at IS NULL OR q.closes_at > UTC_TIMESTAMP())"

pages = web.RouteTableDef()


def environment():
    routes = json.loads((ROOT / "tests" / "fixtures" / "routes.json").read_text())
    env = jinja2.Environment(loader=jinja2.FileSystemLoader(ROOT / "templates"), autoescape=True,
                             keep_trailing_newline=True, auto_reload=False)
    env.globals["url"] = lambda name, *numbers: routes[name].format(*numbers)
    env.globals["static"] = lambda file: f"/static/{file}"
    env.filters["date"] = lambda text, form: (
        datetime.datetime.fromisoformat(text) + UTC_OFFSET).strftime(form)
    return env


def plain(value):
    """A time as JSON can hold it."""
    return str(value) if isinstance(value, datetime.datetime) else value


async def select(app, sql, *parameters):
    async with app["db"].acquire() as connection:
        async with connection.cursor(aiomysql.DictCursor) as cursor:
            await cursor.execute(sql, parameters or None)
            rows = await cursor.fetchall()
    return [{name: plain(value) for name, value in row.items()} for row in rows]


async def current_user(request):
    session = await get_session(request)
    users = "uid" in session and await select(
        request.app, "SELECT id, name FROM user WHERE id = %s AND delete_flag = 0", session["uid"])
    if not users:
        raise web.HTTPFound("/login")
    return users[0]


@pages.get("/hello")
async def hello(request):
    return web.Response(text="Hello Aiohttp!")


@pages.get(r"/questions/{id:\d+}/choice")
async def choices(request):
    return web.json_response(await select(
        request.app, "SELECT c.id, c.delete_flag, c.choice_text, c.votes, c.question_id,"
        " c.create_time FROM choice c JOIN question q ON q.id = c.question_id"
        " WHERE c.question_id = %s AND c.delete_flag = 0 AND q.delete_flag = 0 ORDER BY c.id",
        int(request.match_info["id"])))


async def open_questions(app):
    rows = await select(
        app, "SELECT q.id, u.name AS owner_name, q.question_text, q.create_time, q.closes_at"
        " FROM question q LEFT JOIN user u ON u.id = q.user_id AND u.delete_flag = 0"
        f" WHERE q.{OPEN} ORDER BY q.id DESC LIMIT %s", PAGE + 1)
    found = {row["id"]: {**row, "choices": []} for row in rows}
    if found:
        for choice in await select(
                app, "SELECT question_id, id, choice_text FROM choice WHERE delete_flag = 0"
                " AND question_id IN %s ORDER BY question_id, id", tuple(found)):
            found[choice["question_id"]]["choices"].append(choice)
    return list(found.values())


@pages.get("/questions")
async def questions(request):
    user = await current_user(request)
    voted = {row["question_id"] for row in await select(
        request.app, "SELECT v.question_id FROM vote v JOIN question q ON q.id = v.question_id"
        f" WHERE v.user_id = %s AND q.{OPEN}", user["id"])}
    rows = await open_questions(request.app)
    shown = rows[:PAGE]
    for row in shown:
        row |= {"state": "open" if row["choices"] else "draft", "voted": row["id"] in voted,
                "closes_at": row["closes_at"] or "", "request_id": secrets.token_hex(16)}
    text = request.app["page"].render(
        user=user, nav="questions", note="", error_code=0, error_msg="", site_name="投票",
        questions=shown, invalid=0, older=shown[-1]["id"] if len(rows) > PAGE else 0)
    return web.Response(text=text, content_type="text/html")


@pages.post(r"/questions/{id:\d+}/vote")
async def vote(request):
    user = await current_user(request)
    question, choice = int(request.match_info["id"]), int((await request.post())["choice_id"])
    receipt = secrets.token_bytes(16)
    async with request.app["db"].acquire() as connection:
        await connection.begin()
        try:
            async with connection.cursor() as cursor:
                counted = await cursor.execute(
                    "INSERT IGNORE INTO vote (question_id, user_id, choice_id, request_id, receipt)"
                    " VALUES (%s, %s, %s, %s, %s)",
                    (question, user["id"], choice, secrets.token_bytes(16), receipt))
                if counted:
                    await cursor.execute("UPDATE choice SET votes = votes + 1 WHERE id = %s", (choice,))
            await connection.commit()
        except BaseException:
            await connection.rollback()
            raise
    if not counted:
        return web.json_response({"error_code": 20012, "error_msg": "already voted"}, status=409)
    return web.json_response({"error_code": 0, "error_msg": "ok", "receipt": receipt.hex()})


async def application(mysql_socket, user, password, database, redis_socket, static_dir):
    app = web.Application()
    app["db"] = await aiomysql.create_pool(
        unix_socket=mysql_socket, user=user, password=password, db=database, charset="utf8mb4",
        init_command="SET time_zone = '+00:00', tx_isolation = 'READ-COMMITTED'",
        autocommit=True, minsize=1, maxsize=10)
    app["page"] = environment().get_template("questions.html")
    setup_sessions(app, RedisStorage(redis.asyncio.Redis(unix_socket_path=redis_socket),
                                     cookie_name="sessionid", key_factory=lambda: secrets.token_hex(32)))
    app.add_routes(pages)
    app.router.add_static("/static/", static_dir)
    return app


if __name__ == "__main__":
    port, *places = sys.argv[1:]
    web.run_app(application(*places), host="127.0.0.1", port=int(port), access_log=None)
