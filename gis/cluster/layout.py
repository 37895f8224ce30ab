"""Where the private cluster lives, and as which user of the machine it runs.

Normally everything is below ``<home>/postgres/``. Two things can forbid that: started by root the
server runs as an unprivileged user, who may not reach a home below ``/root``; and a socket's full
path is limited to 107 bytes. Both have a fallback, recorded in ``<home>/cluster.json``.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import pwd
import stat
import subprocess
from dataclasses import dataclass
from pathlib import Path

from gis.cluster.configuration import PORT
from gis.errors import ClusterProblem

_LOG = logging.getLogger(__name__)
_SOCKET_PATH_BYTES = 107
_SYSTEM_BASE = Path("/var/lib/gridward")
_UNPRIVILEGED = ("postgres", "nobody")


@dataclass(frozen=True)
class OsUser:
    """A user of the machine."""

    name: str
    uid: int
    gid: int

    @classmethod
    def of(cls, uid: int) -> OsUser:
        """Return the user with this number; one without a name cannot own a cluster."""
        try:
            entry = pwd.getpwuid(uid)
        except KeyError:
            raise ClusterProblem(
                reason_zh=f"系统用户 {uid} 没有用户名，PostgreSQL 无法识别它。",
                reason_en=f"The system user {uid} has no name; PostgreSQL cannot identify it.",
                advice_zh="请在 /etc/passwd 中为它登记用户名，或设置 GRIDWARD_DATABASE_URL。",
                advice_en="Give it a line in /etc/passwd, or set GRIDWARD_DATABASE_URL.",
            ) from None
        return cls(entry.pw_name, entry.pw_uid, entry.pw_gid)

    @property
    def is_caller(self) -> bool:
        """Return whether this process already runs as that user."""
        return self.uid == os.geteuid()

    def run(self, command: list[str], *, timeout_s: float) -> subprocess.CompletedProcess[str]:
        """Run a program as this user, in a session of its own, with nothing of our environment.

        The session keeps a Ctrl-C of the terminal away; no shell is involved.
        """
        identity: dict[str, object] = (
            {} if self.is_caller else {"user": self.uid, "group": self.gid, "extra_groups": []}
        )
        return subprocess.run(  # type: ignore[call-overload,no-any-return]  # noqa: S603
            command,
            cwd="/",
            env={"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            start_new_session=True,
            timeout=timeout_s,
            **identity,
        )

    def may_enter(self, folder: Path) -> bool:
        """Return whether this user can pass through and list every folder down to this one."""
        return self.run(["/usr/bin/test", "-x", str(folder)], timeout_s=10).returncode == 0


@dataclass(frozen=True)
class Layout:
    """The folders of one cluster."""

    home: Path
    base: Path
    sockets: Path
    server_user: OsUser

    @property
    def data(self) -> Path:
        """Return the data directory."""
        return self.base / "data"

    @property
    def log(self) -> Path:
        """Return the server's log file."""
        return self.base / "postgres.log"

    @property
    def prepared(self) -> Path:
        """Return the mark that roles, database and extensions exist."""
        return self.base / "prepared"

    @property
    def data_major(self) -> int | None:
        """Return the major version that wrote the data directory, None while there is none."""
        mark = self.data / "PG_VERSION"
        return int(mark.read_text().strip()) if mark.exists() else None


def home_hash(home: Path) -> str:
    """Return twelve hexadecimal digits that stand for a home in names outside it."""
    return hashlib.sha256(os.fsencode(home)).hexdigest()[:12]


def locate(home: Path) -> Layout:
    """Return where this home's cluster lives; write nothing.

    An existing cluster stays where it is and keeps its owner (root starts somebody else's cluster
    as that somebody). A home that was moved keeps a data directory outside it; a copied one does
    not share it.
    """
    inside = home / "postgres"
    base = inside if inside.exists() else (_recorded_base(home) or inside)
    if base.exists():
        user = _owner(base)
    else:
        user = _server_user()
        if not user.is_caller and not user.may_enter(_nearest_existing(home)):
            base = _SYSTEM_BASE / home_hash(home)
    return Layout(home, base, _socket_folder(home, base, user), user)


def create(layout: Layout) -> None:
    """Make the folders, private to the server's user, and record where they are."""
    if layout.base.is_relative_to(_SYSTEM_BASE):
        _SYSTEM_BASE.mkdir(mode=0o755, parents=True, exist_ok=True)
    _private_folder(layout.base, layout.server_user)
    if not layout.server_user.is_caller and not layout.server_user.may_enter(layout.base):
        raise ClusterProblem(
            reason_zh=f"用户 {layout.server_user.name} 无法进入 {layout.base}。",
            reason_en=f"The user {layout.server_user.name} cannot enter {layout.base}.",
            advice_zh="请用 GRIDWARD_HOME 指定一个它能进入的目录，或以普通用户运行。",
            advice_en="Name a folder that it can enter with GRIDWARD_HOME, "
            "or run as an ordinary user.",
        )
    _private_folder(layout.sockets, layout.server_user)
    _record(layout)


def _record(layout: Layout) -> None:
    path = layout.home / "cluster.json"
    record = {
        "home": str(layout.home),
        "base": str(layout.base),
        "sockets": str(layout.sockets),
        "server_user": layout.server_user.name,
    }
    text = json.dumps(record, indent=2, ensure_ascii=False) + "\n"
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return
    draft = path.with_suffix(f".{os.getpid()}")
    draft.write_text(text, encoding="utf-8")
    draft.replace(path)
    if not layout.base.is_relative_to(layout.home):
        _LOG.warning(
            "数据库目录放在 %s(用户 %s 进不了 %s) / the database lives in %s",
            layout.base,
            layout.server_user.name,
            layout.home,
            layout.base,
        )


def _recorded_base(home: Path) -> Path | None:
    try:
        record = json.loads((home / "cluster.json").read_text(encoding="utf-8"))
        base, of_home = Path(record["base"]), Path(record["home"])
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None
    copied = of_home != home and of_home.exists()
    return base if base.exists() and not copied else None


def _server_user() -> OsUser:
    if os.geteuid() != 0:
        return OsUser.of(os.geteuid())
    for name in _UNPRIVILEGED:
        try:
            return OsUser.of(pwd.getpwnam(name).pw_uid)
        except KeyError:
            continue
    raise ClusterProblem(
        reason_zh="PostgreSQL 不能以 root 运行，而本机没有 postgres 或 nobody 用户。",
        reason_en="PostgreSQL does not run as root, and there is no user postgres or nobody.",
        advice_zh="请以普通用户运行。",
        advice_en="Run as an ordinary user.",
    )


def _owner(base: Path) -> OsUser:
    """Return who owns an existing cluster; only that user and root can use it."""
    owner = base.stat().st_uid
    if owner == 0:  # left behind between mkdir and chown
        return _server_user()
    if os.geteuid() not in (0, owner):
        name = OsUser.of(owner).name
        raise ClusterProblem(
            reason_zh=f"{base} 属于用户 {name}。",
            reason_en=f"{base} belongs to the user {name}.",
            advice_zh="请用建立它的用户（或 root）运行，或用 GRIDWARD_HOME 指定自己的目录。",
            advice_en="Run as the user who made it (or as root), or name a folder of your own "
            "with GRIDWARD_HOME.",
        )
    return OsUser.of(owner)


def _nearest_existing(folder: Path) -> Path:
    return next(one for one in (folder, *folder.parents) if one.exists())


def _socket_folder(home: Path, base: Path, user: OsUser) -> Path:
    """Return the socket's folder: beside the data, or a short private one when that is too long."""
    folder = base / "run"
    if len(os.fsencode(folder / f".s.PGSQL.{PORT}")) <= _SOCKET_PATH_BYTES:
        return folder
    if os.geteuid() == 0:
        return Path("/run") / f"gridward-{home_hash(home)}"
    return Path("/tmp") / f"gridward-{user.uid}-{home_hash(home)}"  # noqa: S108 - owner is checked


def _private_folder(folder: Path, user: OsUser) -> None:
    """Make a folder 0700 of that user; refuse one that somebody else put there first."""
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid not in {user.uid, os.geteuid()}:
        raise ClusterProblem(
            reason_zh=f"{folder} 已存在，但不是本用户的私有目录。",
            reason_en=f"{folder} exists and is not a private folder of this user.",
            advice_zh="请检查并删除它，或用 GRIDWARD_HOME 换一个较短的目录。",
            advice_en="Look at it and remove it, or name a shorter folder with GRIDWARD_HOME.",
        )
    if found.st_uid != user.uid:
        os.chown(folder, user.uid, user.gid, follow_symlinks=False)
    if stat.S_IMODE(found.st_mode) != 0o700:
        folder.chmod(0o700)
