"""Zoom bands and tiles: neighbours stay matched, only what changed is drawn anew, caches hold."""

# ruff: noqa: ANN401 - parsed JSON and frames

from __future__ import annotations

import errno
import gzip
import os
from pathlib import Path
from typing import Any

import httpx
import mapbox_vector_tile
import numpy as np
import pytest
import shapely
import sqlalchemy as sa

from api.app import create_app
from gis.governance.actors import ANONYMOUS, SYSTEM
from gis.settings import Settings
from gis.store import tables
from gis.store.layer_shapes import add_edition
from gis.store.layer_state import KEPT_EDITIONS, state
from gis.store.layer_tiles import Tile
from gis.store.unit_of_work import Database
from layers.bands import band_of, bands, build_all, build_layers
from layers.catalogue import LAYERS
from layers.derived import compute_all
from layers.pyramid import write_pmtiles
from layers.state import tile_version
from layers.tile_cache import TileCache
from layers.tiles import make, version_of
from tests.conftest import serving
from tests.small_city import SIDE, SOUTH, WEST, build

GRIDS = LAYERS["grids"]


def shapes(database: Database, layer: str, band: int) -> dict[str, Any]:
    with database.reading(SYSTEM) as work:
        rows = work.rows(
            sa.select(
                tables.area_versions.c.area_code,
                sa.func.ST_AsBinary(tables.layer_shapes.c.geometry).label("wkb"),
            )
            .join(
                tables.area_versions,
                tables.area_versions.c.id == tables.layer_shapes.c.version_id,
            )
            .where(tables.layer_shapes.c.layer == layer, tables.layer_shapes.c.band == band)
        )
    return {row["area_code"]: shapely.from_wkb(bytes(row["wkb"])) for row in rows}


def grid_tile(lon: float, lat: float, zoom: int) -> Tile:
    side = 2**zoom
    x = int((lon + 180) / 360 * side)
    y = next(y for y in range(side) if Tile(zoom, x, y).degrees()[1] <= lat)
    return Tile(zoom, x, y)


def redraw(database: Database, code: str, dx: float) -> None:
    """Publish revision 2: one grid's east side moves, nobody else's."""
    with database.transaction(SYSTEM) as work:
        draft = work.scalar(
            sa.insert(tables.boundary_revisions)
            .values(
                status="published",
                revision=2,
                title="二",
                created_by="test",
                published_at=sa.text("clock_timestamp()"),
                effective_from=sa.text("clock_timestamp() - interval '1 second'"),
            )
            .returning(tables.boundary_revisions.c.id)
        )
        versions = tables.area_versions
        old = work.row(sa.select(versions).where(versions.c.area_code == code))
        assert old is not None
        work.execute(
            sa.update(versions)
            .where(versions.c.id == old["id"])
            .values(retired_revision=2, valid=sa.text("tstzrange(lower(valid), now())"))
        )
        smaller = sa.func.ST_Multi(
            sa.func.ST_Intersection(
                sa.cast(old["geometry"], versions.c.geometry.type),
                sa.func.ST_MakeEnvelope(0, 0, 118.2 + SIDE / 2 - dx, 90, 4326),
            )
        )
        work.execute(
            sa.insert(versions).values(
                area_code=code,
                draft_id=draft,
                level="grid",
                parent_code=old["parent_code"],
                name=old["name"],
                kind="general",
                geometry=smaller,
                added_revision=2,
                valid=sa.text("tstzrange(now(), null)"),
            )
        )


def test_bands_stay_a_coverage_and_lose_nobody(demo_city: Database) -> None:
    build_all(demo_city)
    with demo_city.reading(SYSTEM) as work:
        versions = tables.area_versions
        stored = work.rows(
            sa.select(
                versions.c.area_code, sa.func.ST_AsBinary(versions.c.geometry).label("wkb")
            ).where(versions.c.level == "grid", versions.c.kind == "general")
        )
    whole = {row["area_code"]: shapely.from_wkb(bytes(row["wkb"])) for row in stored}
    before = shapely.get_num_coordinates(np.array(list(whole.values())))
    for band in bands(GRIDS):
        drawn = shapes(demo_city, "grids", band)
        assert drawn.keys() == whole.keys()
        each = np.array(list(drawn.values()))
        assert shapely.is_valid(each).all()
        assert not shapely.is_empty(each).any()
        # edges that two grids share are drawn as the same line: no vertex of one inside another
        assert shapely.coverage_is_valid(each), band
        if band <= 11:
            assert shapely.get_num_coordinates(each).sum() < before.sum() * 0.7
    assert band_of(GRIDS, 9) == 9
    assert band_of(GRIDS, 14) == 14


def test_only_tiles_that_a_change_touches_get_another_version(database: Database) -> None:
    build(database)
    assert build_all(database) == 6
    assert build_all(database) == 0
    with database.reading(SYSTEM) as work:
        first, _ = state(work)
    near = grid_tile(WEST + SIDE / 2, SOUTH + SIDE / 2, 14)
    far = grid_tile(WEST + 1.8 * SIDE, SOUTH + 1.8 * SIDE, 14)
    redraw(database, "341102001001001", 0.01)
    with database.reading(SYSTEM) as work:
        between, _ = state(work)
        assert version_of(GRIDS, between, near) == between.published
        made = make(work, GRIDS, ANONYMOUS, between, near)
    assert build_all(database) >= 1
    with database.reading(SYSTEM) as work:
        second, _ = state(work)
        drawn = make(work, GRIDS, ANONYMOUS, second, near)
    assert version_of(GRIDS, second, near) != version_of(GRIDS, first, near)
    assert version_of(GRIDS, second, far) == version_of(GRIDS, first, far)
    assert made.lasting
    assert drawn.lasting
    live, banded = (
        {
            f["properties"]["code"]
            for f in mapbox_vector_tile.decode(gzip.decompress(one.content))["grids"]["features"]
        }
        for one in (made, drawn)
    )
    assert live == banded
    counties = LAYERS["counties"]
    assert version_of(counties, second, near) == version_of(counties, first, near)


def test_layers_that_tables_stamp_change_with_them(database: Database) -> None:
    build(database)
    stations, tile = LAYERS["stations"], grid_tile(118.25, 32.25, 12)
    with database.reading(SYSTEM) as work:
        before, _ = state(work)
    with database.transaction(SYSTEM) as work:
        work.execute(sa.update(tables.stations).values(capacity=7))
    with database.reading(SYSTEM) as work:
        after, _ = state(work)
        stale = make(work, stations, ANONYMOUS, before, tile)
        fresh = make(work, stations, ANONYMOUS, after, tile)
    assert version_of(stations, before, tile) != version_of(stations, after, tile)
    assert not stale.lasting, "a tile is not kept under the version of older data"
    assert fresh.lasting
    features = mapbox_vector_tile.decode(gzip.decompress(fresh.content))["stations"]["features"]
    assert {f["properties"]["capacity"] for f in features} == {7}


def test_tags_answer_without_the_database(own_demo_city: Database, tmp_path: Path) -> None:
    build_all(own_demo_city)
    app = create_app(Settings(home=tmp_path, log_level="warning"), own_demo_city)
    with serving(app) as base, httpx.Client(base_url=base, timeout=60) as client:
        listed = client.get("/ogc/collections/grids/items?limit=1").json()
        lon, lat = listed["features"][0]["geometry"]["coordinates"][0][0][0]
        tile = grid_tile(lon, lat, 12)
        path = f"/ogc/collections/grids/tiles/WebMercatorQuad/12/{tile.y}/{tile.x}"
        first = client.get(path)
        assert first.status_code == 200
        pages = client.get("/ogc/collections/grids/items?limit=2")
        asked: list[str] = []

        def note(_c: Any, _cursor: Any, text: str, *_rest: Any) -> None:
            if "layer_editions" not in text and "boundary_revisions" not in text:
                asked.append(text)

        app.state.runtime.layers.state.stop()
        app.state.runtime.layers.state._poll_s = 1e6
        sa.event.listen(own_demo_city.engine, "before_cursor_execute", note)
        again = client.get(path, headers={"If-None-Match": first.headers["etag"]})
        page = client.get(
            "/ogc/collections/grids/items?limit=2", headers={"If-None-Match": pages.headers["etag"]}
        )
        cached = client.get(path)
        tiles = [text for text in asked if "layer" in text.lower()]
        sa.event.remove(own_demo_city.engine, "before_cursor_execute", note)
        assert (again.status_code, page.status_code) == (304, 304)
        assert cached.content == first.content
        assert tiles == []
        app.state.runtime.layers.tiles.flush()
        assert list((tmp_path / "tiles" / "grids").rglob("*.mvt.gz"))


def test_tiles_on_disk_serve_another_worker(tmp_path: Path) -> None:
    one, other = TileCache(tmp_path), TileCache(tmp_path)
    key = TileCache.key("grids", "all", "v1", Tile(12, 1, 2))
    one.keep(key, b"tile")
    one.flush()
    assert other.remembered(key) is None
    assert other.read(key) == b"tile"
    small = TileCache(tmp_path, memory_bytes=1_000)
    for number in range(5):
        small.keep(TileCache.key("grids", "all", "v2", Tile(12, number, 2)), b"12345678")
    assert small.remembered(TileCache.key("grids", "all", "v2", Tile(12, 0, 2))) is None
    small.flush()
    assert small.read(TileCache.key("grids", "all", "v2", Tile(12, 0, 2))) == b"12345678"
    for number in range(5):
        small.keep(TileCache.key("grids", "all", "v3", Tile(12, number, 2)), b"")
    assert small.remembered(TileCache.key("grids", "all", "v3", Tile(12, 0, 2))) is None


def test_only_whole_tiles_are_found_on_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = TileCache(tmp_path, memory_bytes=0)
    empty, cut_off, full = (
        TileCache.key("grids", "all", "v", Tile(12, number, 2)) for number in range(3)
    )
    cache.keep(empty, b"")
    cache.keep(cut_off, b"tile")
    cache.flush()
    assert cache.read(empty) == b""
    os.truncate(tmp_path / cut_off, 0)  # as a power cut leaves it
    assert cache.read(cut_off) is None
    left, write = [2], os.write

    def short(file: int, content: bytes) -> int:
        """Write as a disk does on which there is room for two bytes."""
        if not left:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(file, content[: left.pop()])

    monkeypatch.setattr(os, "write", short)
    cache.keep(full, b"tile")
    cache.flush()
    monkeypatch.undo()
    assert cache.read(full) is None
    assert {one.name for one in (tmp_path / full).parent.iterdir()} == {
        Path(empty).name,
        Path(cut_off).name,
    }, "nothing half is left over"


def test_tiles_on_disk_stay_within_the_limit(tmp_path: Path) -> None:
    def key(number: int, version: str = "v1") -> str:
        return TileCache.key("grids", "all", version, Tile(12, number, 2))

    def kept() -> set[str]:
        return {str(one.relative_to(tmp_path)) for one in tmp_path.rglob("*.mvt.gz")}

    cache = TileCache(tmp_path, memory_bytes=0, disk_bytes=64 * 4096)
    for number in range(20):
        cache.keep(key(number, "old"), b"tile")
    cache.flush()
    for path in tmp_path.rglob("*.mvt.gz"):
        os.utime(path, (1_000, 1_000))
    for number in range(200):
        cache.keep(key(number), bytes(5_000) if number % 2 else b"")
    cache.flush()
    cache.trim()
    found = kept()
    blocks = sum(2 if path.stat().st_size > 4096 else 1 for path in tmp_path.rglob("*.mvt.gz"))
    assert 8 < blocks <= 64 * 7 / 8
    assert key(199) in found, "the latest stay"
    assert key(4, "old") not in found
    assert not (tmp_path / "grids" / "old").exists(), "folders that are empty go as well"
    assert cache.read(key(0)) is None
    nothing = TileCache(tmp_path / "none", disk_bytes=0)
    nothing.keep(key(1), b"tile")
    assert nothing.read(key(1)) == b"tile"
    assert not (tmp_path / "none").exists()


def test_after_many_publications_tiles_elsewhere_stay_what_they_are(database: Database) -> None:
    here = [0.0, 0.0, 1.0, 1.0]
    seen: dict[tuple[str, ...], int] = {}
    for number in range(3 * KEPT_EDITIONS):
        with database.transaction(SYSTEM) as work:
            add_edition(work, "grids", 0, here)
            now, _ = state(work)
        tokens = [
            tile_version(GRIDS, now, box) for box in ((0.5, 0.5, 2.0, 2.0), (5.0, 5.0, 6.0, 6.0))
        ]
        assert tokens[0] not in {made for found in seen for made in found}, "it was redrawn"
        seen[tokens[0], tokens[1]] = number
    assert len({elsewhere for _, elsewhere in seen}) == 3, "new each fortieth time, not each time"


def test_file_that_was_read_outlives_those_that_were_not(tmp_path: Path) -> None:
    cache = TileCache(tmp_path, memory_bytes=0, disk_bytes=10**9)
    keys = [TileCache.key("grids", "all", "v", Tile(12, number, 2)) for number in range(32)]
    for at, one in enumerate(keys):
        cache.keep(one, b"tile")
        cache.flush()
        os.utime(tmp_path / one, (1_000 + at, 1_000 + at))
    assert cache.read(keys[0]) == b"tile"
    TileCache(tmp_path, disk_bytes=16 * 4096).trim()
    assert cache.has(keys[0])
    assert [cache.has(one) for one in keys[1:21]] == [False] * 20
    assert all(cache.has(one) for one in keys[21:])


def test_counted_points_lose_nobody(demo_city: Database) -> None:
    layer = LAYERS["addresses"]
    with demo_city.reading(SYSTEM) as work:
        now, _ = state(work)
        total = work.scalar(sa.select(sa.func.count()).select_from(tables.gazetteer_entries))
        for zoom in (8, 10):
            counted = 0
            box = work.rows(
                sa.text(
                    "select ST_XMin(e) as w, ST_YMin(e) as s, ST_XMax(e) as e, ST_YMax(e) as n "
                    "from (select ST_Extent(geometry) as e from gazetteer_entries) x"
                )
            )[0]
            first, last = grid_tile(box["w"], box["n"], zoom), grid_tile(box["e"], box["s"], zoom)
            for x in range(first.x, last.x + 1):
                for y in range(first.y, last.y + 1):
                    content = make(work, layer, ANONYMOUS, now, Tile(zoom, x, y)).content
                    if content:
                        layers = mapbox_vector_tile.decode(gzip.decompress(content))
                        features = layers["addresses"]["features"]
                        assert len(features) <= 32 * 32
                        counted += sum(f["properties"]["point_count"] for f in features)
            assert counted == total


def test_circles_and_gaps_are_computed_once(own_demo_city: Database) -> None:
    assert set(compute_all(own_demo_city)) == {"employment-circles", "coverage-gaps"}
    assert compute_all(own_demo_city) == []
    with own_demo_city.transaction(SYSTEM) as work:
        work.execute(sa.update(tables.stations).values(name=tables.stations.c.name + "x"))
    assert set(compute_all(own_demo_city)) == {"employment-circles", "coverage-gaps"}
    with own_demo_city.reading(SYSTEM) as work:
        urban = work.scalar(
            sa.select(sa.func.count())
            .select_from(tables.area_versions)
            .where(
                tables.area_versions.c.level == "community", tables.area_versions.c.kind == "urban"
            )
        )
        circles = work.scalar(
            sa.select(sa.func.count())
            .select_from(tables.layer_features)
            .where(tables.layer_features.c.layer == "employment-circles")
        )
    assert circles == urban


def test_pyramid_holds_every_tile(own_demo_city: Database, tmp_path: Path) -> None:
    from pmtiles.reader import MmapSource, Reader, all_tiles

    build_all(own_demo_city)
    path = tmp_path / "grids.pmtiles"
    count = write_pmtiles(own_demo_city, GRIDS, ANONYMOUS, path)
    with path.open("rb") as file:
        source = MmapSource(file)
        header = Reader(source).header()
        tiles = dict(all_tiles(source))
        metadata = Reader(source).metadata()
    assert (header["min_zoom"], header["max_zoom"]) == GRIDS.zooms
    assert len(tiles) == count > 100
    assert metadata["vector_layers"][0]["id"] == "grids"
    codes = {
        feature["properties"]["code"]
        for (z, _x, _y), content in tiles.items()
        if z == 14
        for feature in mapbox_vector_tile.decode(gzip.decompress(content))["grids"]["features"]
    }
    with own_demo_city.reading(SYSTEM) as work:
        assert len(codes) == work.scalar(
            sa.select(sa.func.count())
            .select_from(tables.area_versions)
            .where(tables.area_versions.c.level == "grid", tables.area_versions.c.kind == "general")
        )


def test_the_job_builds_everything(database: Database) -> None:
    build(database)

    class Context:
        def __init__(self) -> None:
            self.database = database

    build_layers(Context())
    with database.reading(SYSTEM) as work:
        built, _ = state(work)
    assert {"grids", "counties", "employment-circles", "coverage-gaps"} <= set(built.editions)


@pytest.mark.parametrize(
    "layer", [one for one in LAYERS.values() if one.fresh == "revision"], ids=lambda one: one.key
)
def test_every_zoom_has_a_band(layer: Any) -> None:
    for zoom in range(layer.zooms[0], layer.zooms[1] + 1):
        assert band_of(layer, zoom) >= zoom
