"""Built indexes are kept, shared and checked: a damaged file is built anew."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import shapely

from gis.geometry.cell_index import CellIndex
from gis.services import index_cache
from gis.services.index_cache import IndexCache
from gis.services.lookup import Boundaries
from gis.store.unit_of_work import Database
from tests.tilings import wavy_tiling

AREAS = wavy_tiling(9, 9, vertices=6)
CODES = [f"{n:03d}" for n in range(81)]
GEOMETRIES = [shapely.to_wkb(area) for area in AREAS]
POINTS = np.random.default_rng(5).uniform(118.2, 118.4, 400), np.full(400, 32.26)


def same(one: CellIndex, other: CellIndex) -> bool:
    return bool((one.locate(*POINTS) == other.locate(*POINTS)).all()) and one.keys == other.keys


def test_second_process_maps_what_the_first_has_built(tmp_path: Path) -> None:
    cache = IndexCache(tmp_path / "cache")
    first = cache.index(CODES, GEOMETRIES)
    (file,) = (tmp_path / "cache").glob("*.cells")
    written = file.stat().st_ino
    second = IndexCache(tmp_path / "cache").index(CODES, GEOMETRIES)
    assert second.build_report is None, "it was not built"
    assert file.stat().st_ino == written
    assert same(first, CellIndex.build(list(AREAS), CODES))
    assert same(first, second)
    mapped = Path("/proc/self/maps").read_text()
    assert str(file) in mapped, "one copy in memory, shared by whoever maps it"


def test_other_areas_codes_or_order_are_another_file(tmp_path: Path) -> None:
    cache = IndexCache(tmp_path)
    cache.index(CODES, GEOMETRIES)
    cache.index(CODES, [*GEOMETRIES[1:], GEOMETRIES[0]])
    cache.index([*CODES[:-1], "999"], GEOMETRIES)
    assert len(list(tmp_path.glob("*.cells"))) == 3


def test_damaged_file_is_built_anew(tmp_path: Path) -> None:
    cache = IndexCache(tmp_path)
    expected = cache.index(CODES, GEOMETRIES)
    (file,) = tmp_path.glob("*.cells")
    content = bytearray(file.read_bytes())
    for damaged in (content[: len(content) // 2], bytes(content[:-40]) + b"x" * 40, b""):
        file.unlink()  # whoever has mapped the old one keeps it
        file.write_bytes(damaged)
        assert same(cache.index(CODES, GEOMETRIES), expected)
        assert file.read_bytes() == content


def test_only_the_last_used_files_stay(tmp_path: Path, monkeypatch: object) -> None:
    cache = IndexCache(tmp_path)
    for n in range(index_cache.KEPT + 3):
        old = tmp_path / f"old{n}.cells"
        old.write_bytes(b"")
        os.utime(old, (n, n))
    cache.index(CODES, GEOMETRIES)
    names = {path.name for path in tmp_path.glob("*.cells")}
    assert len(names) == index_cache.KEPT
    assert "old0.cells" not in names


def test_folder_that_cannot_be_written_costs_only_time(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    cache = IndexCache(tmp_path / "file" / "cache")
    assert same(cache.index(CODES, GEOMETRIES), CellIndex.build(list(AREAS), CODES))


def test_boundaries_of_a_revision_are_mapped(demo_city: Database, tmp_path: Path) -> None:
    plain, kept = Boundaries(demo_city), Boundaries(demo_city, IndexCache(tmp_path))
    kept.refresh()
    again = Boundaries(demo_city, IndexCache(tmp_path))
    one, two = plain.refresh().snapshot, again.refresh().snapshot
    assert list(tmp_path.glob("*.cells"))
    assert two.index("grid").build_report is None
    assert same(one.index("grid"), two.index("grid"))
    assert one.areas == two.areas


def test_half_files_of_killed_processes_go(tmp_path: Path) -> None:
    left, going_on = (tmp_path / f".{name}.cells-x1" for name in ("left", "going-on"))
    for path in (left, going_on):
        path.write_bytes(b"half")
    os.utime(left, (1_000, 1_000))
    IndexCache(tmp_path).index(CODES, GEOMETRIES)
    assert not left.exists()
    assert going_on.exists()


def test_a_file_that_is_swept_while_it_is_mapped_does_not_come_back_empty(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = IndexCache(tmp_path)
    expected = cache.index(CODES, GEOMETRIES)
    (file,) = tmp_path.glob("*.cells")
    load = CellIndex.load

    def swept(path: Path) -> CellIndex:
        found = load(path)
        path.unlink()
        return found

    monkeypatch.setattr(CellIndex, "load", swept)
    assert same(cache.index(CODES, GEOMETRIES), expected)
    assert not file.exists()
