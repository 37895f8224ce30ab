"""The cluster of one home, and the leases that keep it running."""

from __future__ import annotations

import fcntl
import os
import shutil
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal
from urllib.parse import quote

import psycopg
from psycopg import sql

from gis.cluster import creation, postmaster
from gis.cluster import layout as places
from gis.cluster.binaries import choose, installed
from gis.cluster.configuration import APP, OWNER, PORT, SUPERUSER
from gis.errors import ClusterProblem

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Role = Literal["owner", "app", "superuser"]

DATABASE = "gridward"
_LOGIN: dict[Role, str] = {"owner": OWNER, "app": APP, "superuser": SUPERUSER}


@dataclass(frozen=True)
class ClusterStatus:
    """What there is of a private cluster; ``major`` is None before it was made."""

    running: bool
    pid: int | None
    leased: bool
    major: int | None
    data: Path
    sockets: Path
    log: Path
    server_user: str


class Cluster:
    """The private cluster of one home.

    Parameters
    ----------
    home
        ``GRIDWARD_HOME``; made when missing. One cluster per home.
    """

    def __init__(self, home: Path) -> None:
        self.home = home.resolve()

    @contextmanager
    def lease(self) -> Iterator[Cluster]:
        """Keep the cluster running for the length of a ``with`` block.

        Blocks while another process starts or stops it. The last lease to end stops the server and
        ends the sessions that are still open. A process that is killed gives its lease back by
        dying; the server it leaves is used, and in the end stopped, by the next lease. A forked
        child does not hold a lease of its own.

        Raises
        ------
        gis.errors.ClusterProblem
            It cannot start; the error says why and what to do. Nothing keeps running.
        """
        self._make_home()
        with self._open("users.lock") as users:
            try:
                with self._open("start.lock") as start:
                    fcntl.flock(start, fcntl.LOCK_EX)
                    fcntl.flock(users, fcntl.LOCK_SH)
                    self._ensure_running()
                yield self
            finally:
                with self._open("start.lock") as start:
                    fcntl.flock(start, fcntl.LOCK_EX)
                    if _takes(users):
                        postmaster.stop(self._layout)

    def url(self, role: Role, database: str = DATABASE) -> str:
        """Return the SQLAlchemy URL of a login; it answers while a lease is held.

        The kernel vouches for the caller (peer authentication): there is no password in it.
        """
        sockets = quote(os.fspath(self._layout.sockets), safe="/")
        place = f"host={sockets}&port={PORT}"
        return f"postgresql+psycopg://{_LOGIN[role]}@/{quote(database, safe='')}?{place}"

    def create_database(self, name: str) -> None:
        """Create a database of the owner with PostGIS and btree_gist in it; needs a lease.

        What ``gridward_app`` may do in it is granted by the migrations.
        """
        creation.create_database(self._layout, name)

    def drop_database(self, name: str) -> None:
        """Drop a database if it exists, ending its sessions; needs a lease."""
        with creation.connect(self._layout, "postgres") as connection:
            connection.execute(
                sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
            )

    def status(self) -> ClusterStatus:
        """Return what is there now; start nothing, wait for nobody, write nothing."""
        layout = self._layout
        pid = postmaster.running(layout)
        return ClusterStatus(
            running=pid is not None,
            pid=pid,
            leased=(self.home / "users.lock").exists() and self._leased(),
            major=layout.data_major,
            data=layout.data,
            sockets=layout.sockets,
            log=layout.log,
            server_user=layout.server_user.name,
        )

    def reset(self) -> None:
        """Delete the cluster with all its data, unasked; the home itself stays.

        Raises
        ------
        gis.errors.ClusterProblem
            Some process holds a lease.
        """
        self._make_home()
        layout = self._layout
        with self._open("start.lock") as start, self._open("users.lock") as users:
            fcntl.flock(start, fcntl.LOCK_EX)
            if not _takes(users):
                raise ClusterProblem(
                    reason_zh="数据库正在被使用，不能清除。",
                    reason_en="The database is in use and cannot be deleted.",
                    advice_zh="请先停止 gridward(例如按 Ctrl-C)。",
                    advice_en="Stop gridward first (for example with Ctrl-C).",
                )
            postmaster.stop(layout)
            for folder in (layout.base, layout.sockets):
                if folder.exists():
                    shutil.rmtree(folder)
            (self.home / "cluster.json").unlink(missing_ok=True)
        del self._layout

    @cached_property
    def _layout(self) -> places.Layout:
        return places.locate(self.home)

    def _make_home(self) -> None:
        try:
            self.home.mkdir(parents=True, exist_ok=True)
            for name in ("start.lock", "users.lock"):
                (self.home / name).touch()
        except OSError as problem:
            raise ClusterProblem(
                reason_zh=f"无法写入 {self.home}({problem.strerror})。",
                reason_en=f"Cannot write to {self.home} ({problem.strerror}).",
                advice_zh="请核对磁盘空间和目录权限，或用 GRIDWARD_HOME 指定别的目录。",
                advice_en="Check disk space and permissions, or name another folder with "
                "GRIDWARD_HOME.",
            ) from None

    def _ensure_running(self) -> None:
        """Create, start and prepare whatever is missing; the caller holds the start lock."""
        layout = self._layout
        try:
            pid = postmaster.running(layout)
            if pid is not None and postmaster.await_ready(layout):
                creation.admit(layout, pid)
            else:
                binaries = choose(layout.data_major, installed())
                places.create(layout)
                if layout.data_major is None:
                    creation.initialise(layout, binaries)
                creation.configure(layout)
                postmaster.start(layout, binaries)
            if not layout.prepared.exists():
                creation.prepare(layout, DATABASE)
        except (OSError, psycopg.Error) as problem:
            raise postmaster.explain(str(problem), log=layout.log) from problem

    def _leased(self) -> bool:
        """Return whether somebody uses the cluster, or is just starting or stopping it."""
        with self._open("start.lock") as start, self._open("users.lock") as users:
            # under the start lock nobody else tries the users' lock, so this look disturbs nobody
            return not (_takes(start) and _takes(users))

    @contextmanager
    def _open(self, name: str) -> Iterator[int]:
        """Open a lock file; the end of the block gives back whatever lock was taken on it.

        Each call has a description of its own, so two leases of one process exclude each other
        like those of two processes. Programs started meanwhile do not inherit it.
        """
        # read-only: a lock needs no more, and root's files stay usable by the home's owner
        descriptor = os.open(self.home / name, os.O_RDONLY)
        try:
            yield descriptor
        finally:
            # unlock aloud: a forked child may hold the same description open
            fcntl.flock(descriptor, fcntl.LOCK_UN)
            os.close(descriptor)


def _takes(descriptor: int) -> bool:
    """Take the exclusive lock if that needs no waiting; return whether it is held now."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
