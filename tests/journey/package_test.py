"""The Debian package: built, installed into a root of its own, and run from there."""
import contextlib
import os
import pathlib
import socket
import subprocess
import tempfile

import pytest

from tests.conftest import ROOT, SANITIZERS
from tests.fixtures.client import BROWSER, Client
from tests.fixtures.process import Process, free_port

PROGRAMS = ("vote-gateway", "vote-worker", "vote-migrate", "vote-import", "vote-call", "vote-keygen")


def run(*command, **options):
    done = subprocess.run(list(map(str, command)), stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=120, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def package(build_dir, tmp_path_factory):
    out = tmp_path_factory.mktemp("package")
    run("cpack", "--config", build_dir / "CPackConfig.cmake", "-B", out, cwd=out)
    found, = out.glob("*.deb")
    return found


def install(package, root):
    run("dpkg", f"--root={root}", "--force-depends", "--force-script-chrootless", "--install", package)


@pytest.fixture(scope="module")
def root(package, tmp_path_factory):
    """A root with nothing in it but the package."""
    root = tmp_path_factory.mktemp("root")
    for name in ("var/lib/dpkg/info", "var/lib/dpkg/updates", "etc"):
        (root / name).mkdir(parents=True)
    (root / "var/lib/dpkg/status").touch()
    install(package, root)
    return root


def test_the_package_says_what_it_is_and_needs(package):
    fields = {name: run("dpkg-deb", "--field", package, name) for name in ("Package", "Depends", "Description")}
    assert fields["Package"] == "vote\n"
    for library in ("libzmq5", "libmariadb3", "libhiredis", "libevent-core", "libjansson4", "libsodium", "libcyaml",
                    "libc6", "zlib1g", "systemd"):
        assert library in fields["Depends"]
    assert run("dpkg-deb", "--info", package, "conffiles") == "/etc/vote/vote.yaml\n"
    assert "root/root" in (listing := run("dpkg-deb", "--contents", package))
    assert {line.split()[1] for line in listing.splitlines()} == {"root/root"}


def test_every_file_is_in_its_place_and_no_place_is_left_to_fill_in(root):
    share, units, doc = root / "usr/share/vote", root / "lib/systemd/system", root / "usr/share/doc/vote"
    assert all(os.access(root / "usr/bin" / name, os.X_OK) for name in PROGRAMS)
    assert (root / "etc/vote/vote.yaml").stat().st_mode & 0o777 == 0o640
    assert "vote:x:" in (root / "etc/passwd").read_text()
    assert {path.name for path in units.iterdir()} == {"vote.target", "vote-gateway@.service", "vote-pool@.service"}
    for kind in ("templates", "sql"):
        assert {p.name for p in (share / kind).iterdir()} == {p.name for p in (ROOT / kind).iterdir()}
    for name in ("css/vote.css", "css/bootstrap.min.css"):
        assert all((share / "static" / f"{name}{end}").stat().st_size for end in ("", ".gz", ".br"))
    assert (share / "static/favicon.svg").exists() and (share / "common_passwords.txt").exists()
    for file in [*units.iterdir(), *doc.rglob("*.conf"), root / "etc/vote/vote.yaml"]:
        text = file.read_text()
        assert "/usr/local" not in text and not any(f"@{word}@" in text for word in ("BIN", "ETC", "STATIC", "USER"))


def test_what_the_operator_changed_stays_when_the_package_is_installed_again(package, root):
    config = root / "etc/vote/vote.yaml"
    before = config.read_text()
    config.write_text(before + "# mine\n")
    install(package, root)
    assert config.read_text() == before + "# mine\n"
    config.write_text(before)


def test_the_example_for_nginx_is_good(root, tmp_path):
    examples = root / "usr/share/doc/vote/examples/nginx"
    (tmp_path / "nginx.conf").write_text(
        f"pid {tmp_path}/pid;\nevents {{}}\nhttp {{\nerror_log stderr;\naccess_log off;\n"
        f"include {tmp_path}/vote.conf;\n}}\n")
    for file in examples.glob("vote*.conf"):
        (tmp_path / file.name).write_text(file.read_text().replace("listen 8008", f"listen {free_port()}"))
    run("/usr/sbin/nginx", "-t", "-q", "-e", "stderr", "-c", tmp_path / "nginx.conf")


class Manager:
    """Who started a process, as systemd is: a socket for what it says of itself."""

    def __init__(self, name, stack):
        self.name = name
        self.socket = stack.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM))
        self.socket.bind("\0" + name[1:] if name.startswith("@") else name)
        self.socket.settimeout(20)

    def heard(self):
        return self.socket.recv(100).decode()


def test_the_installed_programs_serve_and_tell_who_started_them(root, database, redis):
    with contextlib.ExitStack() as stack:
        run_dir = stack.enter_context(tempfile.TemporaryDirectory(prefix="vote-run-", dir="/tmp"))
        config = pathlib.Path(run_dir, "vote.yaml")
        config.write_text((root / "etc/vote/vote.yaml").read_text().replace("/usr/share/", f"{root}/usr/share/")
                          .replace("/run/vote", run_dir))
        settings = ["--config", config, *database.settings, *redis.settings]
        environment = {**os.environ, **SANITIZERS}
        assert "samples" not in run(root / "usr/bin/vote-migrate", *settings, cwd="/", env=environment)

        def start(manager, program, *arguments):
            process = stack.enter_context(Process(
                [root / "usr/bin" / program, *settings, *arguments], pathlib.Path(run_dir, f"{manager.name[-4:]}.log"),
                {**environment, "NOTIFY_SOCKET": manager.name}, "/"))
            assert manager.heard() == "READY=1"
            return process

        port = free_port()
        managers = [Manager(f"{run_dir}/gate", stack), Manager(f"@{run_dir}/pool", stack)]
        processes = [start(managers[0], "vote-gateway", "--port", str(port))]
        assert Client(port).get("/healthz").status == 200, "ready is: it listens"
        processes += [start(managers[1], "vote-worker", service) for service in ("db", "session", "password")]
        processes[0].until(lambda: Client(port).get("/readyz").status == 200, 20)
        page = Client(port, BROWSER).get("/questions")
        assert page.status in (200, 302)
        assert "密码" in Client(port, BROWSER).get("/login").text
        style = Client(port).get("/static/css/bootstrap.min.css", Accept_Encoding="br")
        assert (style.status, style.headers["Content-Encoding"]) == (200, "br")
        for process, manager in zip(reversed(processes), [managers[1]] * 3 + [managers[0]]):
            process.stop()
            assert manager.heard() == "STOPPING=1"
