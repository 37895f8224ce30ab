"""``gridward db``: the schema's state, reset, backup and restore."""

from __future__ import annotations

import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Final

import typer

from api.cli.session import Bilingual, open_database, put, say
from gis import cluster, settings
from gis.cluster import Cluster
from gis.cluster.binaries import installed
from gis.errors import Conflict, Rejected, Unavailable
from gis.store import schema
from gis.store.unit_of_work import Database

app = Bilingual("数据库：结构、备份、恢复 / The database: schema, backup, restore.")


class BackupFailed(Unavailable):
    """pg_dump or pg_restore ended with an error."""

    code = "backup-failed"
    title_zh, title_en = "备份或恢复失败", "Backup or restore failed"
    detail_zh = "{program} 失败：{reason}"
    detail_en = "{program} failed: {reason}"


class BackupMissing(Rejected):
    """The file to restore from is not there, or not one of ours."""

    code = "backup-missing"
    title_zh, title_en = "找不到备份文件", "No such backup"
    detail_zh = "找不到备份文件 {path}。"
    detail_en = "There is no backup file {path}."


class NotEmpty(Conflict):
    """A restore would overwrite a city."""

    code = "database-not-empty"
    title_zh, title_en = "数据库非空", "The database is not empty"
    detail_zh = "数据库中已有数据。确认要覆盖请加 --replace。"
    detail_en = "The database holds data already. Add --replace to overwrite it."


class ResetUnconfirmed(Conflict):
    """A reset deletes everything, so it must be asked for twice."""

    code = "reset-unconfirmed"
    title_zh, title_en = "未确认", "Not confirmed"
    detail_zh = "重置会删除全部数据。确认请加 --yes。"
    detail_en = "A reset deletes all data. Add --yes to confirm."


CLEAR: Final = """
set local client_min_messages = warning;
do $$
declare
    thing record;
begin
    for thing in
        select case c.relkind when 'S' then 'sequence' when 'v' then 'view' else 'table' end
                   as kind,
               c.oid::regclass::text as name
        from pg_class c
        where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p', 'v', 'S')
          and pg_get_userbyid(c.relowner) = current_user and not c.relispartition
          and not exists (select from pg_depend d
                          where d.objid = c.oid and (d.deptype = 'e'
                              or (c.relkind = 'S' and d.deptype in ('i', 'a'))))
    loop
        execute format('drop %s if exists %s cascade', thing.kind, thing.name);
    end loop;
    for thing in
        select p.oid::regprocedure::text as name
        from pg_proc p
        where p.pronamespace = 'public'::regnamespace
          and pg_get_userbyid(p.proowner) = current_user
          and not exists (select from pg_depend d where d.objid = p.oid and d.deptype = 'e')
    loop
        execute format('drop function if exists %s cascade', thing.name);
    end loop;
    for thing in
        select t.oid::regtype::text as name
        from pg_type t
        where t.typnamespace = 'public'::regnamespace
          and (t.typtype in ('e', 'd') or (t.typtype = 'c' and exists (
              select from pg_class c where c.oid = t.typrelid and c.relkind = 'c')))
          and pg_get_userbyid(t.typowner) = current_user
          and not exists (select from pg_depend d where d.objid = t.oid and d.deptype = 'e')
    loop
        execute format('drop type if exists %s cascade', thing.name);
    end loop;
end
$$;
"""
"""Takes away what the owner made in the schema; extensions and other owners' things stay."""


@app.command()
def migrate() -> None:
    """升级数据库结构 / Migrate the schema to what this version needs."""
    with open_database(role="owner", migrated=False) as owner:
        state = schema.upgrade(owner)
    say(f"数据库结构：{state.current}", f"Schema: {state.current}")


@app.command()
def status(
    as_json: Annotated[bool, typer.Option("--json", help="输出 JSON / print JSON")] = False,
) -> None:
    """数据库结构状态 / Where the schema stands; exit status 1 when it must be migrated."""
    with open_database(migrated=False) as database:
        state = schema.state(database)
    if as_json:
        put({"current": state.current, "head": state.head, "is_current": state.is_current})
    else:
        say(
            f"数据库：{state.current or '空'}；程序：{state.head}",
            f"database: {state.current or 'empty'}; program: {state.head}",
        )
    raise typer.Exit(0 if state.is_current else 1)


@app.command()
def reset(
    yes: Annotated[bool, typer.Option("--yes", help="确认删除 / confirm deletion")] = False,
) -> None:
    """删除全部数据 / Delete everything: the private cluster, or all tables of your database."""
    if not yes:
        raise ResetUnconfirmed
    chosen = settings.load()
    if chosen.database_url is None:
        Cluster(chosen.home).reset()
    else:
        with open_database(role="owner", migrated=False) as owner:
            schema.downgrade(owner, "base")
    say("已重置。", "Reset.")


@app.command()
def backup(
    file: Annotated[Path, typer.Argument(help="目标文件 / file to write")],
) -> None:
    """备份到文件（pg_dump 自定义格式）/ Back up to one file (pg_dump's custom format)."""
    partial = file.with_name(file.name + ".partial")
    with cluster.database(settings.load()) as urls:
        _run(
            "pg_dump",
            "--format=custom",
            "--schema=public",
            "--no-owner",
            _dsn(urls.owner_url),
            f"--file={partial}",
        )
    partial.replace(file)
    say(f"已备份到 {file}", f"Backed up to {file}")


@app.command()
def restore(
    file: Annotated[Path, typer.Argument(help="备份文件 / file made by `db backup`")],
    replace: Annotated[
        bool, typer.Option("--replace", help="覆盖现有数据 / overwrite what is there")
    ] = False,
) -> None:
    """从备份恢复（全有或全无）/ Restore from a backup, all or nothing."""
    if not file.is_file():
        raise BackupMissing(path=file)
    contents = _run("pg_restore", "--list", str(file))
    wanted = "\n".join(
        line
        for line in contents.splitlines()
        if " SCHEMA - public" not in line and "spatial_ref_sys" not in line  # both are PostGIS's
    )
    with cluster.database(settings.load()) as urls, TemporaryDirectory() as folder:
        owner = Database(urls.owner_url, role=None, statement_timeout_s=0)
        try:
            empty = schema.state(owner).current is None
        finally:
            owner.close()
        if not (empty or replace):
            raise NotEmpty
        listed, script = Path(folder) / "list", Path(folder) / "restore.sql"
        cleared = Path(folder) / "clear.sql"
        listed.write_text(wanted, encoding="utf-8")
        cleared.write_text(CLEAR, encoding="utf-8")
        _run("pg_restore", "--no-owner", f"--use-list={listed}", f"--file={script}", str(file))
        # One transaction takes the old city away and puts the new one in its place.
        _run(
            "psql", "--no-psqlrc", "--quiet", "--single-transaction", "--set=ON_ERROR_STOP=1",
            f"--file={cleared}", f"--file={script}", _dsn(urls.owner_url),
        )  # fmt: skip
    say("已恢复。", "Restored.")


def _dsn(url: str) -> str:
    return url.replace("postgresql+psycopg://", "postgresql://")


def _run(program: str, *arguments: str) -> str:
    newest = next((one.bin / program for one in installed() if (one.bin / program).exists()), None)
    done = subprocess.run(  # noqa: S603 - a program of PostgreSQL, found by its own installation
        [str(newest or program), *arguments], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise BackupFailed(program=program, reason=done.stderr.strip()[-2000:])
    return done.stdout


def register(commands: typer.Typer) -> None:
    """Add the group of commands."""
    commands.add_typer(app, name="db")
