"""What can be counted about the house is counted here."""

from __future__ import annotations

import importlib
import pkgutil
import re
import string
import subprocess
import sys
from pathlib import Path

import pytest

import api
import gis
import layers
import maps
import migrations
from gis.errors import GovernanceError
from gis.governance import actors, duty
from gis.services import intake

ROOT = Path(__file__).parents[2]
LONGEST_MODULE = 500


def _load_everything() -> None:
    for package in (gis, layers, maps, api, migrations):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if "versions" not in module.name and not module.name.endswith(("__main__", ".env")):
                importlib.import_module(module.name)


def _errors(kind: type[GovernanceError] = GovernanceError) -> list[type[GovernanceError]]:
    found = []
    for child in kind.__subclasses__():
        found += [child, *_errors(child)] if hasattr(child, "code") else _errors(child)
    return found


_load_everything()
ERRORS = _errors()


def tracked(*patterns: str) -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *patterns],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [ROOT / line for line in listed.stdout.splitlines() if (ROOT / line).is_file()]


def test_import_contracts_are_kept() -> None:
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_error_codes_are_unique() -> None:
    codes = [error.code for error in ERRORS]
    assert len(codes) == len(set(codes))
    assert all(re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", code) for code in codes)


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: error.code)
def test_errors_speak_both_languages(error: type[GovernanceError]) -> None:
    assert error.__doc__
    assert re.search(r"[\u4e00-\u9fff]", error.title_zh)
    assert not re.search(r"[\u4e00-\u9fff]", error.title_en)
    names = [
        {field for _, field, _, _ in string.Formatter().parse(text) if field}
        for text in (error.detail_zh, error.detail_en)
    ]
    stems = [{name.removesuffix("_zh").removesuffix("_en") for name in side} for side in names]
    assert stems[0] == stems[1]


@pytest.mark.parametrize("table", [actors.ROLES, intake.SOURCES], ids=["roles", "sources"])
def test_every_key_has_a_label_in_both_languages(table: dict[str, tuple[str, str]]) -> None:
    for key, (zh, en) in table.items():
        assert re.fullmatch(r"[a-z0-9_-]+", key)
        assert zh
        assert en


def test_duty_roles_have_labels() -> None:
    assert all(role.title_zh and role.title_en for role in duty.ROLES.values())


def test_modules_stay_small() -> None:
    long = {
        str(path.relative_to(ROOT)): lines
        for path in tracked("gis/*.py", "layers/*.py", "maps/*.py", "api/*.py", "tests/*.py")
        if (lines := len(path.read_text("utf-8").splitlines())) > LONGEST_MODULE
    }
    assert long == {}


def test_only_the_given_folders_stand_at_the_top() -> None:
    given = {"gis", "api", "layers", "maps", "migrations", "tests", ".ci"}
    folders = {path.relative_to(ROOT).parts[0] for path in tracked() if path.parent != ROOT}
    assert folders <= given


def test_locks_carry_no_addresses() -> None:
    for lock in ("requirements.lock", "maps/package-lock.json"):
        text = (ROOT / lock).read_text("utf-8")
        assert "://" not in text
        assert "--hash=sha256:" in text or '"integrity"' in text


def test_no_page_or_module_names_a_foreign_host() -> None:
    """Nothing that a browser loads may come from elsewhere."""
    foreign = re.compile(r"""(?:src|href)\s*=\s*["']https?://|@import\s+url\(["']?https?://""")
    for path in tracked("api/pages", "maps/*.html", "maps/*.css", "maps/*.js", "maps/pages"):
        if path.suffix in {".html", ".css", ".js", ".mjs"}:
            assert not foreign.search(path.read_text("utf-8")), path
