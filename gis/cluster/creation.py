"""Making a data directory, its configuration, its roles and its databases."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from typing import TYPE_CHECKING

import psycopg
from psycopg import sql

from gis.cluster.configuration import (
    APP,
    OWNER,
    PORT,
    SUPERUSER,
    memory_bytes,
    pg_hba_conf,
    pg_ident_conf,
    postgresql_conf,
)
from gis.cluster.layout import Layout, OsUser
from gis.cluster.postmaster import explain
from gis.errors import ClusterProblem

if TYPE_CHECKING:
    from pathlib import Path

    from gis.cluster.binaries import Binaries

_EXTENSIONS = ("postgis", "btree_gist")
_INITDB_S = 300
_FREE_MB = 300
_DRAFT = "data.new-"


def initialise(layout: Layout, binaries: Binaries) -> None:
    """Make the data directory: all of it, or nothing that a later start would take for one.

    ``initdb`` fills a folder beside the final one, which is renamed when it is complete; what an
    interrupted run left is removed. Text is UTF-8 and sorts by bytes (collation C): codes sort as
    they do in Python and in files, prefix searches use plain indexes, and no upgrade of ICU or
    glibc can silently reorder an index. The character type is C.UTF-8, so that ``lower`` and
    trigrams know letters beyond ASCII. Pages carry checksums.
    """
    for draft in layout.base.glob(f"{_DRAFT}*"):
        shutil.rmtree(draft, ignore_errors=True)
    free_mb = shutil.disk_usage(layout.base).free // (1024 * 1024)
    if free_mb < _FREE_MB:
        raise ClusterProblem(
            reason_zh=f"{layout.base} 所在磁盘只剩 {free_mb} MB。",
            reason_en=f"Only {free_mb} MB are free on the disk of {layout.base}.",
            advice_zh=f"请腾出至少 {_FREE_MB} MB,或用 GRIDWARD_HOME 换一个磁盘。",
            advice_en=f"Free at least {_FREE_MB} MB, or name another disk with GRIDWARD_HOME.",
        )
    draft = layout.base / f"{_DRAFT}{os.getpid()}"
    command = [str(binaries.bin / "initdb"), "-D", str(draft), "--username", SUPERUSER]
    command += ["--encoding=UTF8", "--locale=C", "--lc-ctype=C.UTF-8", "--data-checksums"]
    command += ["--auth=peer"]
    try:
        done = layout.server_user.run(command, timeout_s=_INITDB_S)
    except subprocess.TimeoutExpired:
        raise explain("FATAL: initdb did not finish", log=None) from None
    if done.returncode != 0:
        shutil.rmtree(draft, ignore_errors=True)
        raise explain(done.stderr or done.stdout, log=None)
    draft.rename(layout.data)


def configure(layout: Layout) -> None:
    """Write the three configuration files for this machine and this caller."""
    cores = len(os.sched_getaffinity(0))
    text = postgresql_conf(layout.sockets, memory=memory_bytes(), cores=cores)
    _write(layout, "postgresql.conf", text)
    _write(layout, "pg_hba.conf", pg_hba_conf())
    _write(layout, "pg_ident.conf", _ident(layout))
    if not (layout.data / "local.conf").exists():
        _write(layout, "local.conf", "# Your own settings: read last, never overwritten.\n")


def admit(layout: Layout, pid: int) -> None:
    """Let the caller log in to a server that another user of the machine started."""
    ident = _ident(layout)
    if (layout.data / "pg_ident.conf").read_text() != ident:
        _write(layout, "pg_ident.conf", ident)
        os.kill(pid, signal.SIGHUP)


def prepare(layout: Layout, database: str) -> None:
    """Create the roles and the database; each may exist already (an interrupted first start)."""
    with connect(layout, "postgres") as connection:
        for role in (OWNER, APP):
            found = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role])
            if found.fetchone() is None:
                connection.execute(
                    sql.SQL("CREATE ROLE {} LOGIN NOSUPERUSER").format(sql.Identifier(role))
                )
        connection.execute(sql.SQL("ALTER ROLE {} CREATEDB").format(sql.Identifier(OWNER)))
        exists = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [database])
        missing = exists.fetchone() is None
    if missing:
        create_database(layout, database)
    else:
        _add_extensions(layout, database)
    layout.prepared.touch()


def create_database(layout: Layout, name: str) -> None:
    """Create a database of the owner, with the extensions, which belong to the superuser."""
    with connect(layout, "postgres") as connection:
        connection.execute(
            sql.SQL("CREATE DATABASE {} OWNER {}").format(
                sql.Identifier(name), sql.Identifier(OWNER)
            )
        )
    _add_extensions(layout, name)


def connect(layout: Layout, database: str) -> psycopg.Connection[tuple[object, ...]]:
    """Return a superuser's connection in which every statement is its own transaction."""
    return psycopg.connect(
        host=str(layout.sockets), port=PORT, user=SUPERUSER, dbname=database, autocommit=True
    )


def _add_extensions(layout: Layout, database: str) -> None:
    with connect(layout, database) as connection:
        # before version 15 everybody could create tables in public
        connection.execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC")
        connection.execute(sql.SQL("ALTER SCHEMA public OWNER TO {}").format(sql.Identifier(OWNER)))
        for extension in _EXTENSIONS:
            connection.execute(
                sql.SQL("CREATE EXTENSION IF NOT EXISTS {}").format(sql.Identifier(extension))
            )


def _ident(layout: Layout) -> str:
    return pg_ident_conf({layout.server_user.name, OsUser.of(os.geteuid()).name})


def _write(layout: Layout, name: str, text: str) -> None:
    """Replace a file of the data directory whole, owned by the server's user."""
    draft: Path = layout.data / f"{name}.new"
    draft.write_text(text, encoding="utf-8")
    draft.chmod(0o600)
    os.chown(draft, layout.server_user.uid, layout.server_user.gid)
    draft.replace(layout.data / name)
