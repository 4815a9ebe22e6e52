"""Files under /static/: their types, their conditions, and what cannot be had."""
import email.utils
import os
import socket
import stat

import pytest

from tests.fixtures.site import Site

OUTSIDE = "what lies outside"


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A directory of files of many kinds."""
    root = tmp_path_factory.mktemp("static")
    (root / "outside.txt").write_text(OUTSIDE)
    (root / "outside").mkdir()
    (root / "outside" / "secret.txt").write_text(OUTSIDE)
    static = root / "static"
    (static / "css").mkdir(parents=True)
    (static / "css" / "vote.css").write_text("body { color: teal }\n")
    (static / "favicon.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    for name in ("a.js", "a.png", "a.txt", "a.html", "a.json", "a.woff2", "a.UNKNOWN", "plain",
                 "名字.txt", "with space.txt", "empty.txt"):
        (static / name).write_text("" if name == "empty.txt" else f"content of {name}")
    (static / "large.bin").write_bytes(bytes(range(256)) * 4096)
    (static / "inside-link.txt").symlink_to("a.txt")
    (static / "outside-link.txt").symlink_to(root / "outside.txt")
    (static / "outside-dir").symlink_to(root / "outside")
    (static / "dangling.txt").symlink_to("nothing")
    (static / "loop").symlink_to("loop")
    os.mkfifo(static / "fifo")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(static / "socket"))
    (static / "device").symlink_to("/dev/null")
    return static


@pytest.fixture(scope="module")
def site(module_process, sample_database, redis, ipc_dir, files):
    """Static files touch no queue: no pool is needed."""
    return Site(module_process, sample_database, redis, ipc_dir,
                ["--set", f"static_dir={files}"], pools=())


@pytest.mark.parametrize("name, content_type", [
    ("css/vote.css", "text/css; charset=utf-8"), ("a.js", "text/javascript; charset=utf-8"),
    ("a.png", "image/png"), ("a.txt", "text/plain; charset=utf-8"),
    ("a.html", "text/html; charset=utf-8"), ("a.json", "application/json; charset=utf-8"),
    ("a.woff2", "font/woff2"), ("favicon.svg", "image/svg+xml"),
    ("a.UNKNOWN", "application/octet-stream"), ("plain", "application/octet-stream"),
    ("%E5%90%8D%E5%AD%97.txt", "text/plain; charset=utf-8"),
    ("with%20space.txt", "text/plain; charset=utf-8"), ("empty.txt", "text/plain; charset=utf-8"),
    ("inside-link.txt", "text/plain; charset=utf-8"),
])
def test_a_file_comes_with_its_type_and_head_without_its_bytes(site, files, name, content_type):
    get, head = site.curl().get(f"/static/{name}"), site.curl().head(f"/static/{name}")
    assert (get.status, get.type) == (200, content_type)
    assert int(get.headers["Content-Length"]) == len(get.body)
    assert (head.status, head.type, head.body) == (200, content_type, b"")
    assert head.headers["Content-Length"] == get.headers["Content-Length"]
    assert head.headers["ETag"] == get.headers["ETag"]


def test_a_large_file_comes_whole(site, files):
    assert site.curl().get("/static/large.bin").body == (files / "large.bin").read_bytes()


def test_the_front_end_library_is_served_under_the_same_names(site):
    for name, content_type in (("js/bootstrap.js", "text/javascript; charset=utf-8"),
                               ("css/bootstrap.min.css", "text/css; charset=utf-8")):
        answer = site.curl().get(f"/static/{name}")
        assert (answer.status, answer.type) == (200, content_type) and len(answer.body) > 50000


def test_last_modified_and_etag_make_304(site, files):
    answer = site.curl().get("/static/a.txt")
    etag, modified = answer.headers["ETag"], answer.headers["Last-Modified"]
    assert etag[0] == etag[-1] == '"'
    assert email.utils.parsedate_to_datetime(modified).timestamp() == int((files / "a.txt").stat().st_mtime)
    for headers in ({"If_None_Match": etag}, {"If_None_Match": f'"x", W/{etag}'}, {"If_None_Match": "*"},
                    {"If_Modified_Since": modified},
                    {"If_None_Match": etag, "If_Modified_Since": "Thu, 01 Jan 1970 00:00:00 GMT"}):
        for ask in (site.curl().get, site.curl().head):
            again = ask("/static/a.txt", **headers)
            assert (again.status, again.body) == (304, b""), headers
            assert again.headers["ETag"] == etag and again.headers["Content-Type"] is None
    for headers in ({"If_None_Match": '"x"'}, {"If_Modified_Since": "Thu, 01 Jan 1970 00:00:00 GMT"},
                    {"If_Modified_Since": "no date"},
                    {"If_None_Match": '"x"', "If_Modified_Since": modified}):
        assert site.curl().get("/static/a.txt", **headers).status == 200, headers


def test_a_changed_file_has_another_etag_when_a_second_is_over(site, files):
    (files / "changes.txt").write_text("one")
    before = site.curl().get("/static/changes.txt")
    (files / "changes.txt").write_text("three")

    def after():
        return site.curl().get("/static/changes.txt", If_None_Match=before.headers["ETag"])

    site.gateway.until(lambda: after().status == 200, timeout=3)
    assert after().body == b"three"


def test_pages_link_a_version_and_only_that_version_is_kept_for_good(site):
    page = site.browser().get("/login").text
    link = page.partition('href="/static/css/vote.css?v=')[2].partition('"')[0]
    assert link
    kept = site.curl().get(f"/static/css/vote.css?v={link}").headers["Cache-Control"]
    assert kept == "public, max-age=31536000, immutable"
    for other in ("", "?v=0", f"?v={'0' * len(link)}", "?w=1"):
        answer = site.curl().get(f"/static/css/vote.css{other}")
        assert (answer.status, answer.headers["Cache-Control"]) == (200, "no-cache")


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
@pytest.mark.parametrize("name", ["a.txt", "nothing", ""])
def test_another_method_is_405(site, method, name):
    for client in (site.curl(), site.browser()):
        answer = client.request(method, f"/static/{name}")
        assert (answer.status, answer.headers["Allow"]) == (405, "GET,HEAD")


@pytest.mark.parametrize("name", ["", "css", "css/", "fifo", "socket"])
def test_a_directory_or_what_is_no_file_is_403(site, name):
    answer = site.curl().get(f"/static/{name}")
    assert (answer.status, answer.body) == (403, b"403: Forbidden")
    assert "不能访问" in site.browser().get(f"/static/{name}").text


@pytest.mark.parametrize("name", [
    "nothing", "css/nothing", "a.txt/", "a.txt/x", "outside-link.txt", "outside-dir/secret.txt",
    "device", "dangling.txt", "loop", "../outside.txt", "..%2foutside.txt", "%2e%2e/outside.txt",
    "css/../../outside.txt", "css/%2e%2e/%2e%2e/outside.txt", "css//vote.css", "/a.txt", "./a.txt",
    "a.txt%00", "a.txt%00.png", "%00", "..%5coutside.txt", "%252e%252e/outside.txt", "%ff", "a" * 300,
    "/etc/passwd", "%2fetc/passwd", "....//outside.txt",
], ids=lambda name: name[:40])
def test_what_is_not_there_or_leads_out_is_404(site, name):
    answer = site.curl().get(f"/static/{name}")
    assert (answer.status, answer.body) == (404, b"404: Not Found")
    assert "没有找到" in site.browser().get(f"/static/{name}").text


@pytest.mark.parametrize("path", ["/static", "/staticfoo", "/staticfoo/a.txt", "/Static/a.txt"])
def test_another_path_is_no_static_file(site, path):
    assert site.curl().get(path).status == 404


def test_links_that_lead_out_are_followed_when_the_operator_says_so(own_site, files):
    site = own_site("--set", f"static_dir={files}", "--set", "static_follow_symlinks=true", pools=())
    assert site.curl().get("/static/outside-link.txt").text == OUTSIDE
    assert site.curl().get("/static/outside-dir/secret.txt").text == OUTSIDE
    assert site.curl().get("/static/../outside.txt").status == 404
    assert stat.S_ISCHR(os.stat(files / "device").st_mode)
    assert site.curl().get("/static/device").status == 403
