"""The private cluster on real PostgreSQL: what interrupts it, and that nothing is lost."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest

from gis.cluster import Cluster, DatabaseUrls, database, postmaster
from gis.cluster import layout as places
from gis.errors import ClusterProblem
from gis.settings import Settings
from tests.homes import new_home
from tests.integration.held_cluster import (
    hold,
    kill_server,
    never_answers,
    query,
    release,
    setting,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

AS_ROOT = os.geteuid() == 0


@pytest.fixture
def folder() -> Iterator[Path]:
    """A short folder that an unprivileged user may reach (pytest's own are 0700)."""
    folder = new_home("gw-")
    yield folder
    for home in folder.iterdir():
        left = Cluster(home).status().pid
        if left is not None:
            os.kill(left, signal.SIGQUIT)
    shutil.rmtree(folder)


@pytest.fixture
def empty(folder: Path) -> Path:
    """A home that was never used."""
    return folder / "home"


@pytest.fixture(scope="module")
def pattern() -> Iterator[Path]:
    """A home whose cluster was made and stopped."""
    folder = new_home("gw-")
    with Cluster(folder / "pattern").lease():
        pass
    yield folder / "pattern"
    shutil.rmtree(folder)


@pytest.fixture
def home(folder: Path, pattern: Path) -> Path:
    """A home with a cluster, not running; copying one is quicker than making one."""
    subprocess.run(["cp", "-a", str(pattern), str(folder / "home")], check=True)
    return folder / "home"


def test_first_lease_creates_a_durable_cluster_and_its_end_stops_it(empty: Path) -> None:
    cluster = Cluster(empty)
    with cluster.lease():
        for name in ("fsync", "data_checksums", "full_page_writes", "synchronous_commit"):
            assert setting(cluster, name) == "on", name
        assert setting(cluster, "jit") == "off"
        assert setting(cluster, "server_encoding") == "UTF8"
        assert query(cluster, "SELECT 'a' < 'B', 'Z' < 'a', lower('É')") == [(False, True, "é")]
        state = cluster.status()
        assert state.running
        assert state.leased
        assert (state.data.stat().st_uid == 0) is False
    state = cluster.status()
    assert not state.running
    assert not state.leased


def test_roles_own_what_they_should_and_may_do_no_more(home: Path) -> None:
    cluster = Cluster(home)
    with cluster.lease():
        roles = query(
            cluster,
            "SELECT rolname, rolsuper, rolcreatedb, rolcreaterole, rolbypassrls FROM pg_roles "
            "WHERE rolname LIKE 'gridward%' ORDER BY 1",
        )
        assert roles == [
            ("gridward_app", False, False, False, False),
            ("gridward_owner", False, True, False, False),
        ]
        assert query(cluster, "SELECT current_user", "app") == [("gridward_app",)]
        query(cluster, "CREATE TABLE area (code text)", "owner")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            query(cluster, "CREATE TABLE mine (code text)", "app")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            query(cluster, "SELECT * FROM area", "app")
        extensions = query(cluster, "SELECT extname FROM pg_extension ORDER BY 1")
        assert {("postgis",), ("btree_gist",)} <= set(extensions)
        cluster.create_database("another")
        cluster.drop_database("another")
        cluster.drop_database("another")


def test_no_port_is_open_and_the_socket_is_private(home: Path) -> None:
    cluster = Cluster(home)
    with cluster.lease():
        state = cluster.status()
        inodes = {
            link.readlink().name.removeprefix("socket:[").removesuffix("]")
            for link in Path(f"/proc/{state.pid}/fd").iterdir()
            if str(link.readlink()).startswith("socket:")
        }
        for table in ("tcp", "tcp6"):
            rows = Path(f"/proc/net/{table}").read_text().splitlines()[1:]
            assert not inodes & {row.split()[9] for row in rows}
        assert state.sockets.stat().st_mode & 0o077 == 0
        assert (state.sockets / ".s.PGSQL.5432").is_socket()
        hba = (state.data / "pg_hba.conf").read_text()
        assert [line for line in hba.splitlines() if line.startswith("host")] == []


def test_strangers_of_the_machine_are_not_let_in(home: Path) -> None:
    cluster = Cluster(home)
    with cluster.lease():
        admitted = (cluster.status().data / "pg_ident.conf").read_text()
        mapped = {line.split()[1].strip('"') for line in admitted.splitlines()}
        assert mapped == {cluster.status().server_user, places.OsUser.of(os.geteuid()).name}
        if not AS_ROOT:  # only root can become a stranger
            return
        sockets = cluster.status().sockets
        for folder in (sockets, sockets.parent):
            folder.chmod(0o755)  # even if the folders were open
        (sockets / ".s.PGSQL.5432").chmod(0o777)
        answer = places.OsUser.of(65534).run(
            ["/usr/bin/psql", "-h", str(sockets), "-U", "gridward_app", "gridward"], timeout_s=20
        )
        assert answer.returncode != 0
        assert "Peer authentication failed" in answer.stderr


def test_two_processes_starting_at_once_share_one_server(empty: Path) -> None:
    first, second = hold(empty), hold(empty)
    assert first.stdout is not None
    assert second.stdout is not None
    pids = {first.stdout.readline(), second.stdout.readline()}
    assert len(pids) == 1
    release(first)
    assert Cluster(empty).status().running
    release(second)
    assert not Cluster(empty).status().running


def test_threads_of_one_process_count_one_by_one(home: Path) -> None:
    cluster = Cluster(home)
    pids: list[int | None] = []

    def lease_briefly() -> None:
        with cluster.lease():
            pids.append(cluster.status().pid)

    with cluster.lease():
        threads = [threading.Thread(target=lease_briefly) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert set(pids) == {cluster.status().pid}
    assert not cluster.status().running


def test_killed_holder_gives_its_lease_back(home: Path) -> None:
    process = hold(home)
    assert process.stdout is not None
    pid = int(process.stdout.readline())
    process.kill()
    process.communicate()
    cluster = Cluster(home)
    assert cluster.status().running
    assert not cluster.status().leased
    with cluster.lease():
        assert cluster.status().pid == pid
    assert not cluster.status().running


def test_interrupt_of_the_terminal_reaches_the_server_only_through_the_lease(home: Path) -> None:
    process = hold(home)
    assert process.stdout is not None
    pid = int(process.stdout.readline())
    assert os.getsid(pid) != os.getsid(process.pid)
    os.killpg(process.pid, signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode != 0
    assert not Cluster(home).status().running


def test_committed_rows_survive_a_killed_server(home: Path) -> None:
    cluster = Cluster(home)
    with cluster.lease():
        query(cluster, "CREATE TABLE kept AS SELECT generate_series(1, 1000) AS n", "owner")
        killed = kill_server(cluster)
        with cluster.lease():
            assert cluster.status().pid != killed
            assert query(cluster, "SELECT count(*) FROM kept", "owner") == [(1000,)]


def test_killed_server_with_a_busy_child_is_not_started_beside_it(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postmaster, "_ORPHANS_S", 1)
    cluster = Cluster(home)
    with cluster.lease():
        url = cluster.url("superuser").replace("postgresql+psycopg:", "postgresql:")
        busy = psycopg.connect(url)
        (child,) = busy.execute("SELECT pg_backend_pid()").fetchone() or (0,)
        endless = threading.Thread(target=never_answers, args=[busy])
        endless.start()
        active = f"SELECT count(*) FROM pg_stat_activity WHERE pid = {child} AND state = 'active'"
        while query(cluster, active) == [(0,)]:
            time.sleep(0.02)
        kill_server(cluster)
        assert Path(f"/proc/{child}/cwd").exists()
        with cluster.lease():
            assert not Path(f"/proc/{child}/exe").exists()
            assert setting(cluster, "fsync") == "on"
        endless.join()
        busy.close()


@pytest.mark.parametrize("whose", ["dead", "somebody", "server-user"])
def test_stale_pid_file_is_recognised(home: Path, whose: str) -> None:
    cluster = Cluster(home)
    with cluster.lease():
        state = cluster.status()
        kill_server(cluster)
        pid_file = state.data / "postmaster.pid"
        rest = pid_file.read_text().splitlines()[1:]
        user = places.OsUser.of(state.data.stat().st_uid)
        become = {} if user.is_caller else {"user": user.uid}
        stranger = subprocess.Popen(["/usr/bin/sleep", "60"], cwd="/", **become)  # type: ignore[call-overload]
        pid = {"dead": 4194300, "somebody": os.getpid(), "server-user": stranger.pid}[whose]
        pid_file.write_text("\n".join([str(pid), *rest]) + "\n")
        (state.sockets / ".s.PGSQL.5432.lock").write_text("\n".join([str(pid), *rest]) + "\n")
        assert not cluster.status().running
        try:
            with cluster.lease():
                assert setting(cluster, "fsync") == "on"
            assert stranger.poll() is None
        finally:
            stranger.kill()
            stranger.wait()


def test_interrupted_initdb_is_cleared_away(home: Path) -> None:
    cluster = Cluster(home)
    with cluster.lease():
        base = cluster.status().data.parent
    shutil.rmtree(base / "data")
    (base / "data.new-1").mkdir()
    (base / "data.new-1" / "PG_VERSION").write_text("15\n")
    (base / "prepared").unlink()
    with cluster.lease():
        assert query(cluster, "SELECT current_user", "app") == [("gridward_app",)]
    assert sorted(path.name for path in base.glob("data*")) == ["data"]


def test_interrupted_first_start_is_finished_by_the_next(home: Path) -> None:
    cluster = Cluster(home)
    with cluster.lease():
        query(cluster, "DROP EXTENSION btree_gist")
        query(cluster, "DROP ROLE gridward_app")
        (cluster.status().data.parent / "prepared").unlink()
    with cluster.lease():
        assert query(cluster, "SELECT current_user", "app") == [("gridward_app",)]
        assert len(query(cluster, "SELECT 1 FROM pg_extension WHERE extname = 'btree_gist'")) == 1


def test_home_deeper_than_a_socket_path_allows(empty: Path) -> None:
    deep = empty / ("很深的目录" * 8)
    cluster = Cluster(deep)
    with cluster.lease():
        state = cluster.status()
        assert state.data.is_relative_to(deep)
        assert not state.sockets.is_relative_to(deep)
        assert state.sockets.stat().st_mode & 0o777 == 0o700
        assert setting(cluster, "fsync") == "on"
    cluster.reset()
    assert not state.sockets.exists()


def test_socket_folder_of_somebody_else_is_refused(empty: Path) -> None:
    deep = empty / ("d" * 120)
    deep.mkdir(parents=True)
    sockets = Cluster(deep).status().sockets
    target = empty / "elsewhere"
    target.mkdir()
    sockets.symlink_to(target)
    try:
        with pytest.raises(ClusterProblem, match="private folder"), Cluster(deep).lease():
            pass
    finally:
        sockets.unlink()


def test_home_that_the_server_cannot_reach_keeps_its_data_elsewhere(empty: Path) -> None:
    closed = empty / "closed"
    closed.mkdir(parents=True)
    closed.chmod(0o700)
    cluster = Cluster(closed / "home")
    try:
        with cluster.lease():
            state = cluster.status()
            # without root the server is the caller, who reaches the home
            assert state.data.is_relative_to("/var/lib/gridward") is AS_ROOT
            record = json.loads((closed / "home" / "cluster.json").read_text())
            assert state.data.is_relative_to(record["base"])
            query(cluster, "CREATE TABLE kept (n int)", "owner")

        copy = closed / "copy"
        shutil.copytree(closed / "home", copy)
        assert Cluster(copy).status().data != state.data, "a copied home has data of its own"

        (closed / "home").rename(closed / "moved")
        cluster = Cluster(closed / "moved")
        with cluster.lease():
            found = cluster.status().data
            assert found == (state.data if AS_ROOT else closed / "moved/postgres/data")
            assert query(cluster, "SELECT * FROM kept", "owner") == []
    finally:
        cluster.reset()
    assert not found.parent.exists()


def test_data_of_another_major_version_is_refused_and_kept(home: Path) -> None:
    cluster = Cluster(home)
    with cluster.lease():
        data = cluster.status().data
    mark = data / "PG_VERSION"
    before = mark.read_text()
    mark.write_text("9\n")
    with pytest.raises(ClusterProblem, match="make db-reset") as refused, cluster.lease():
        pass
    assert "PostgreSQL 9" in refused.value.detail("zh")
    assert not cluster.status().leased
    mark.write_text(before)
    with cluster.lease():
        assert setting(cluster, "fsync") == "on"


def test_broken_configuration_is_explained_in_the_servers_words(home: Path) -> None:
    cluster = Cluster(home)
    with cluster.lease():
        data = cluster.status().data
    (data / "local.conf").write_text("shared_buffers = 'plenty'\n")
    with pytest.raises(ClusterProblem, match="shared_buffers") as refused, cluster.lease():
        pass
    assert "postgres.log" in refused.value.detail("en")
    assert not cluster.status().running


def test_full_disk_is_named(home: Path) -> None:
    problem = postmaster.explain(
        'FATAL:  could not write lock file "postmaster.pid": No space left on device', log=None
    )
    assert "disk is full" in problem.detail("en")
    assert "磁盘已满" in problem.detail("zh")


def test_home_that_cannot_be_written_is_explained() -> None:
    with (
        pytest.raises(ClusterProblem, match="Cannot write"),
        Cluster(Path("/proc/gridward")).lease(),
    ):
        pass


def test_reset_deletes_everything_but_not_while_leased(home: Path) -> None:
    cluster = Cluster(home)
    with cluster.lease():
        query(cluster, "CREATE TABLE gone (n int)", "owner")
        with pytest.raises(ClusterProblem, match="in use"):
            cluster.reset()
    cluster.reset()
    assert cluster.status().major is None
    with cluster.lease():
        tables = query(cluster, "SELECT 1 FROM pg_tables WHERE tablename = 'gone'")
        assert tables == []


def test_configured_database_is_passed_on_untouched(empty: Path) -> None:
    settings = Settings(home=empty, database_url="postgres://db.example/city")
    with database(settings) as urls:
        assert urls == DatabaseUrls(
            "postgresql+psycopg://db.example/city", "postgresql+psycopg://db.example/city"
        )
    assert not empty.exists()


def test_private_cluster_is_leased_for_the_block(home: Path) -> None:
    with database(Settings(home=home)) as urls:
        assert "gridward_app@" in urls.app_url
        assert "gridward_owner@" in urls.owner_url
        assert Cluster(home).status().leased
    assert not Cluster(home).status().running
