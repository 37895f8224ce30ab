"""The setup of a machine: what it looks at, what it would do, and what it says."""

# ruff: noqa: ANN401 - a module loaded by its path has no static type

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def bootstrap() -> Any:
    """A fresh copy of the module, whose constants a test may change."""
    spec = importlib.util.spec_from_file_location("bootstrap", ROOT / "bootstrap.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def step(bootstrap: Any, name: str, did: list[str], *goals: str, done: bool = False) -> Any:
    return bootstrap.Step(name, name, goals, lambda: done, lambda: did.append(name))


def test_only_missing_steps_of_the_goal_are_done_one_line_each(
    bootstrap: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    did: list[str] = []
    bootstrap.STEPS = (
        step(bootstrap, "there", did, "run", "test", done=True),
        step(bootstrap, "missing", did, "run", "test"),
        step(bootstrap, "browser", did, "test"),
    )
    assert bootstrap.main([]) == 0
    assert did == ["missing"]
    assert len(capsys.readouterr().out.splitlines()) == 2
    assert bootstrap.main(["--for", "test"]) == 0
    assert did == ["missing", "missing", "browser"]


def test_failure_is_told_in_both_languages_and_ends_the_setup(
    bootstrap: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    did: list[str] = []

    def fail() -> None:
        bootstrap.run(
            ["/bin/sh", "-c", "echo no route; exit 7"], "请检查网络。", "Check the network."
        )

    bootstrap.STEPS = (
        bootstrap.Step("甲", "first", ("run",), lambda: False, fail),
        step(bootstrap, "second", did, "run"),
    )
    assert bootstrap.main([]) == 1
    said = capsys.readouterr().err
    assert "请检查网络。" in said
    assert "Check the network." in said
    assert "no route" in said
    assert did == []


def test_missing_program_is_a_failure_with_words_not_a_traceback(bootstrap: Any) -> None:
    with pytest.raises(bootstrap.SetupError, match="Do this"):
        bootstrap.run(["/nowhere/program"], "这样做。", "Do this.")


def test_stamp_follows_the_content(bootstrap: Any, tmp_path: Path) -> None:
    source, stamp = tmp_path / "lock", tmp_path / "stamp"
    source.write_text("a==1")
    assert not bootstrap.stamped(stamp, bootstrap.fingerprint(source))
    stamp.write_text(bootstrap.fingerprint(source))
    assert bootstrap.stamped(stamp, bootstrap.fingerprint(source))
    source.write_text("a==2")
    assert not bootstrap.stamped(stamp, bootstrap.fingerprint(source))


@pytest.mark.parametrize(
    ("version", "folder", "done"),
    [
        ("version = 3.11.2", ".venv", True),
        ("version_info = 3.14.0", ".venv", True),
        ("version = 3.9.18", ".venv", False),
        ("version = 3.11.2", "moved-from/.venv", False),
        ("home = /usr/bin", ".venv", False),
    ],
)
def test_environment_counts_only_when_it_works_here(
    bootstrap: Any, tmp_path: Path, version: str, folder: str, done: bool
) -> None:
    bootstrap.VENV = tmp_path / ".venv"
    bootstrap.PYTHON = bootstrap.VENV / "bin" / "python"
    assert not bootstrap.environment_done()
    bootstrap.PYTHON.parent.mkdir(parents=True)
    bootstrap.PYTHON.symlink_to(sys.executable)
    (bootstrap.VENV / "pyvenv.cfg").write_text(f"{version}\n")
    (bootstrap.VENV / "bin" / "activate").write_text(f"VIRTUAL_ENV='{tmp_path / folder}'\n")
    assert bootstrap.environment_done() is done
    bootstrap.PYTHON.unlink()
    bootstrap.PYTHON.symlink_to(tmp_path / "python-that-was-removed")
    assert not bootstrap.environment_done()


def test_sudo_is_asked_for_only_where_needed(
    bootstrap: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bootstrap.os, "geteuid", lambda: 0)
    assert bootstrap.as_root(["apt-get", "update"]) == ["apt-get", "update"]
    monkeypatch.setattr(bootstrap.os, "geteuid", lambda: 1000)
    monkeypatch.setattr(bootstrap.shutil, "which", lambda name: "/usr/bin/sudo")
    monkeypatch.setattr(bootstrap.sys, "stdin", Path("/dev/null").open())  # noqa: SIM115
    assert bootstrap.as_root(["apt-get", "update"])[:2] == ["/usr/bin/sudo", "-n"]
    bootstrap.sys.stdin.close()
    monkeypatch.setattr(bootstrap.shutil, "which", lambda name: None if name == "sudo" else name)
    with pytest.raises(bootstrap.SetupError, match="As root, run: apt-get update"):
        bootstrap.as_root(["apt-get", "update"])
    with pytest.raises(bootstrap.SetupError, match="apt-get update && apt-get install chromium"):
        bootstrap.apt_install(["chromium"])


def test_postgis_counts_when_one_server_has_both_extensions(
    bootstrap: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bootstrap.POSTGRES, bootstrap.POSTGRES_SHARE = tmp_path / "lib", tmp_path / "share"
    monkeypatch.setattr(bootstrap.shutil, "which", lambda name: None)
    assert not bootstrap.postgis_done()
    for major in ("9", "15", "16"):
        (tmp_path / "lib" / major / "bin").mkdir(parents=True)
        (tmp_path / "lib" / major / "bin" / "initdb").touch()
        (tmp_path / "share" / major / "extension").mkdir(parents=True)
    assert bootstrap.server_majors() == [16, 15, 9]
    (tmp_path / "share" / "16" / "extension" / "btree_gist.control").touch()
    (tmp_path / "share" / "15" / "extension" / "postgis.control").touch()
    assert not bootstrap.postgis_done()
    (tmp_path / "share" / "15" / "extension" / "btree_gist.control").touch()
    assert bootstrap.postgis_done()


@pytest.mark.parametrize(
    ("servers", "packages"),
    [
        ([], ["postgresql-17", "postgresql-17-postgis-3"]),
        ([15], ["postgresql-15", "postgresql-15-postgis-3"]),
        ([14], ["postgresql-17", "postgresql-17-postgis-3"]),
    ],
)
def test_postgis_is_installed_for_the_server_that_is_there(
    bootstrap: Any,
    monkeypatch: pytest.MonkeyPatch,
    servers: list[int],
    packages: list[str],
) -> None:
    installed: list[list[str]] = []
    guarded: list[object] = []

    def guard(work: Any) -> None:
        guarded.append(work)
        work()

    monkeypatch.setattr(bootstrap.shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(bootstrap, "refresh_apt_lists", lambda wanted, *, force=False: None)
    monkeypatch.setattr(bootstrap, "postgis_candidates", lambda: [17, 15])
    monkeypatch.setattr(bootstrap, "server_majors", lambda: servers)
    monkeypatch.setattr(bootstrap, "apt_install", installed.append)
    monkeypatch.setattr(bootstrap, "with_no_system_cluster", guard)
    bootstrap.install_postgis()
    assert installed == [packages]
    assert bool(guarded) is (15 not in servers), "a new server must not bring a cluster of its own"


def test_no_system_cluster_is_made_and_no_trace_of_that_stays(
    bootstrap: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bootstrap.os, "geteuid", lambda: 0)
    bootstrap.CREATECLUSTER = tmp_path / "postgresql-common" / "createcluster.d"
    seen: list[str] = []

    def install_and_fail() -> None:
        seen.extend(note.read_text() for note in bootstrap.CREATECLUSTER.iterdir())
        raise bootstrap.SetupError("断网。", "No network.")

    with pytest.raises(bootstrap.SetupError):
        bootstrap.with_no_system_cluster(install_and_fail)
    assert seen == ["create_main_cluster = off\n"]
    assert list(tmp_path.iterdir()) == []


def test_own_database_needs_no_server_here(bootstrap: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GRIDWARD_DATABASE_URL", raising=False)
    assert bootstrap.postgis_skipped() is None
    monkeypatch.setenv("GRIDWARD_DATABASE_URL", "postgresql://db/city")
    assert bootstrap.postgis_skipped() == "GRIDWARD_DATABASE_URL"


def test_old_npm_is_not_used(bootstrap: Any, tmp_path: Path) -> None:
    program = tmp_path / "npm"
    program.write_text("#!/bin/sh\necho 6.14.18\n")
    program.chmod(0o755)
    assert bootstrap.npm_major(str(program)) == 6
    assert bootstrap.npm_major("/bin/false") == 0


def test_locks_pin_contents_and_name_no_address() -> None:
    npm_lock = json.loads((ROOT / "maps" / "package-lock.json").read_text())
    packages = {name: entry for name, entry in npm_lock["packages"].items() if name}
    assert packages
    for name, entry in packages.items():
        assert entry["integrity"].startswith("sha512-"), name
        assert "resolved" not in entry, name
    wanted = json.loads((ROOT / "maps" / "package.json").read_text())["dependencies"]
    for name, version in wanted.items():
        assert packages[f"node_modules/{name}"]["version"] == version
    lines = (ROOT / "requirements.lock").read_text().splitlines()
    assert not [line for line in lines if "://" in line or line.startswith("-")]
    assert "://" not in (ROOT / "bootstrap.py").read_text()
