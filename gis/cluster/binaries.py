"""The PostgreSQL programs that are installed, and whether PostGIS is installed for them."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from gis.errors import ClusterProblem

_PROGRAMS = ("initdb", "pg_ctl", "postgres")
_EXTENSIONS = ("postgis", "btree_gist")


@dataclass(frozen=True)
class Binaries:
    """One installed major version: ``bin`` holds the programs, ``share`` the extension files."""

    major: int
    bin: Path
    share: Path

    @property
    def usable(self) -> bool:
        """Return whether the server programs and every needed extension are there."""
        return all((self.bin / name).exists() for name in _PROGRAMS) and all(
            (self.share / "extension" / f"{name}.control").exists() for name in _EXTENSIONS
        )


def installed(
    programs: Path = Path("/usr/lib/postgresql"), shares: Path = Path("/usr/share/postgresql")
) -> list[Binaries]:
    """Return the installed versions, newest first; without PostGIS they are listed too.

    Debian and Ubuntu keep one folder per major version. Elsewhere the ``pg_config`` on the PATH is
    asked; it is not asked where Debian's folders exist (its answer would be one of them).
    """
    found = [
        Binaries(int(folder.parent.name), folder, shares / folder.parent.name)
        for folder in programs.glob("*/bin")
        if folder.parent.name.isdigit()
    ]
    if not found and (pg_config := shutil.which("pg_config")):
        asked = subprocess.run(  # noqa: S603 - the program that the PATH names
            [pg_config, "--bindir", "--sharedir", "--version"],
            capture_output=True,
            text=True,
            check=False,
        )
        lines = asked.stdout.split("\n")
        if asked.returncode == 0 and len(lines) >= 3:
            major = lines[2].removeprefix("PostgreSQL ").split(".")[0]
            digits = "".join(char for char in major if char.isdigit())
            found = [Binaries(int(digits or 0), Path(lines[0]), Path(lines[1]))]
    return sorted(found, key=lambda one: -one.major)


def choose(data_major: int | None, versions: list[Binaries]) -> Binaries:
    """Return the version to run: that of the data directory, else the newest with PostGIS.

    A data directory of another major version still runs while its programs are installed beside
    the newer ones; without them it is refused: PostgreSQL cannot read it, and upgrading somebody's
    data unasked is not ours to do.
    """
    usable = [one for one in versions if one.usable]
    if data_major is not None:
        same = next((one for one in usable if one.major == data_major), None)
        if same is not None:
            return same
        if usable:
            raise _other_major(data_major, usable[0].major)
    if not usable:
        raise _nothing_usable(versions)
    return usable[0]


def _other_major(data_major: int, installed_major: int) -> ClusterProblem:
    return ClusterProblem(
        reason_zh=f"数据目录属于 PostgreSQL {data_major}，而本机可用的是 {installed_major}。",
        reason_en=f"The data directory belongs to PostgreSQL {data_major}; "
        f"usable here is {installed_major}.",
        advice_zh=f"安装 postgresql-{data_major}-postgis-3 后可照常使用；要升级，先用旧版本运行 "
        "gridward db backup FILE,再 make db-reset,然后 gridward db restore FILE。"
        "不需要这些数据时，只运行 make db-reset。",
        advice_en=f"Install postgresql-{data_major}-postgis-3 to go on as before. To upgrade, run "
        "`gridward db backup FILE` with the old version, then `make db-reset`, then "
        "`gridward db restore FILE`. If the data are not needed: `make db-reset` alone.",
    )


def _nothing_usable(versions: list[Binaries]) -> ClusterProblem:
    package = f"postgresql-{versions[0].major}-postgis-3" if versions else "postgresql-postgis"
    return ClusterProblem(
        reason_zh="本机没有带 PostGIS 的 PostgreSQL。",
        reason_en="This machine has no PostgreSQL with PostGIS.",
        advice_zh=f"运行 make setup，或安装软件包 {package}，"
        "或用 GRIDWARD_DATABASE_URL 指定已有的数据库。",
        advice_en=f"Run `make setup`, or install the package {package}, or name a database with "
        "GRIDWARD_DATABASE_URL.",
    )
