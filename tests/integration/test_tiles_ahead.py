"""Tiles built ahead: those that a server asks for, cut once, and only where something changed."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import httpx
import mapbox_vector_tile
import pytest
import sqlalchemy as sa

from api.app import create_app
from gis.governance.actors import ANONYMOUS, SYSTEM
from gis.services import jobs
from gis.settings import Settings
from gis.store import tables
from gis.store.layer_state import state
from gis.store.unit_of_work import Database
from layers import ahead
from layers.ahead import NotKept, OutOfTime, Turn, build_ahead, build_tiles
from layers.bands import build_all, build_layers
from layers.catalogue import LAYERS
from layers.pyramid import filled
from layers.tile_cache import MEGABYTE, TileCache, room
from layers.tiles import make
from tests.conftest import serving
from tests.integration.test_layer_bands import redraw
from tests.small_city import build

ROOM = 64 * MEGABYTE
PROVINCE = (116.0, 31.0, 120.0, 34.0)


class Cut:
    """How many tiles the database has cut since."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.layers: list[str] = []
        plain = ahead.make

        def counted(work: Any, layer: Any, *rest: Any) -> Any:  # noqa: ANN401 - as it comes
            self.layers.append(layer.key)
            return plain(work, layer, *rest)

        monkeypatch.setattr(ahead, "make", counted)


@pytest.fixture
def cache(tmp_path: Path) -> TileCache:
    return TileCache(tmp_path / "tiles", memory_bytes=0)


def kept(cache: TileCache, layer: str) -> dict[str, bytes]:
    """The tiles of a layer that lie in the folder, by ``z/x-y``; the newest of each."""
    files = sorted((cache.folder / layer).rglob("*.gz"), key=lambda one: one.stat().st_mtime_ns)
    return {f"{one.parts[-3]}/{one.name}": one.read_bytes() for one in files}


def features(content: bytes) -> dict[str, list[str]]:
    """What a tile shows: layer -> features, in an order of their own."""
    layers = mapbox_vector_tile.decode(gzip.decompress(content))
    return {name: sorted(map(repr, layer["features"])) for name, layer in layers.items()}


def test_a_server_finds_every_tile_cut(
    own_demo_city: Database, cache: TileCache, tmp_path: Path
) -> None:
    build_all(own_demo_city)
    built = {}
    for key in ("grids", "stations"):
        ahead.build(own_demo_city, cache, LAYERS[key], room_bytes=ROOM)
        built[key] = kept(cache, key)
    app = create_app(Settings(home=tmp_path, log_level="warning"), own_demo_city)
    with (
        own_demo_city.reading(SYSTEM) as work,
        serving(app) as base,
        httpx.Client(base_url=base, timeout=60) as client,
    ):
        now, _ = state(work)
        for key, files in built.items():
            layer = LAYERS[key]
            wanted = filled(
                PROVINCE,
                layer.zooms if key == "stations" else (layer.zooms[0], 11),
                lambda tile, layer=layer: make(work, layer, ANONYMOUS, now, tile).content,
            )
            for number, (tile, content) in enumerate(wanted):
                file = files[f"{tile.z}/{tile.x}-{tile.y}.mvt.gz"]
                if number % 9 == 0:
                    assert features(file) == features(content), (key, tile)
                    path = (
                        f"/ogc/collections/{key}/tiles/WebMercatorQuad/{tile.z}/{tile.y}/{tile.x}"
                    )
                    assert client.get(path).content == gzip.decompress(file)
        app.state.runtime.layers.tiles.flush()
    assert {key: len(kept(cache, key)) for key in built} == {
        key: len(files) for key, files in built.items()
    }, "the server had to cut nothing"


def test_after_a_publication_only_what_it_touches_is_cut(
    database: Database, cache: TileCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    build(database)
    build_all(database)
    cut = Cut(monkeypatch)
    first = build_ahead(database, cache, room_bytes=ROOM)
    assert len(cut.layers) == first > 100
    assert build_ahead(database, cache, room_bytes=ROOM) == len(cut.layers) - first
    cut.layers.clear()
    assert build_ahead(database, cache, room_bytes=ROOM) == 0
    before = kept(cache, "grids")
    redraw(database, "341102001001001", 0.0005)
    assert build_ahead(database, cache, room_bytes=ROOM) == 0, "the bands come first"
    build_all(database)
    build_ahead(database, cache, room_bytes=ROOM)
    assert 0 < cut.layers.count("grids") < len(before) / 4
    assert "counties" not in cut.layers
    after = kept(cache, "grids")
    changed = [name for name, content in after.items() if before.get(name) != content]
    assert 0 < len(changed) <= cut.layers.count("grids")


def test_what_is_being_edited_waits_until_it_rests(
    database: Database, cache: TileCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    build(database)
    cut = Cut(monkeypatch)
    for capacity in (1, 2):
        with database.transaction(SYSTEM) as work:
            work.execute(sa.update(tables.stations).values(capacity=capacity))
        build_ahead(database, cache, room_bytes=ROOM)
        assert "stations" not in cut.layers
    build_ahead(database, cache, room_bytes=ROOM)
    assert "stations" in cut.layers
    assert not {"events", "event-density", "worker-areas"} & set(cut.layers)


def test_time_has_an_end_and_each_turn_gets_on(
    database: Database, cache: TileCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    build(database)
    build_all(database)
    cut = Cut(monkeypatch)
    for turns in (1, 2, 3):
        with pytest.raises(OutOfTime):
            build_ahead(database, cache, room_bytes=ROOM, turn=Turn(longest_s=0.0))
        assert len(cut.layers) == turns, "what was built before costs no time of a turn"


def test_room_has_an_end_that_empty_tiles_count_to(database: Database, cache: TileCache) -> None:
    build(database)
    build_all(database)
    few = ahead.build(database, cache, LAYERS["grids"], room_bytes=40_000)
    files = [one.stat().st_size for one in (cache.folder / "grids").rglob("*.gz")]
    assert len(files) == few
    assert 10 <= sum(room(size) for size in files) // 4096 <= 15, "one tile's children may follow"
    more = ahead.build(database, cache, LAYERS["grids"], room_bytes=ROOM)
    assert 0 < few < more


def test_where_nothing_can_be_kept_one_tile_is_cut_a_turn(
    database: Database, cache: TileCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    build(database)
    build_all(database)
    cut = Cut(monkeypatch)
    cache.folder.write_text("a file in the folder's place")
    for turns in (1, 2):
        with pytest.raises(NotKept):
            build_ahead(database, cache, room_bytes=ROOM, turn=Turn(longest_s=0.0))
        assert len(cut.layers) == turns
    cache.folder.unlink()
    assert build_ahead(database, cache, room_bytes=ROOM) > 100


def test_a_revision_that_takes_force_meanwhile_waits_for_its_bands(
    database: Database, cache: TileCache
) -> None:
    build(database)
    build_all(database)
    redraw(database, "341102001001001", 0.0005)
    assert ahead.build(database, cache, LAYERS["grids"], room_bytes=ROOM) == 0


def test_the_job_goes_on_behind_others(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    build(database)

    class Context:
        def __init__(self, tile_cache_mb: int = 64) -> None:
            self.database = database
            self.settings = Settings(home=tmp_path, tile_cache_mb=tile_cache_mb)

    def waiting() -> int:
        with database.reading(SYSTEM) as work:
            return int(
                work.scalar(
                    sa.text(
                        "select count(*) from procrastinate_jobs "
                        "where task_name = 'build-tiles' and status = 'todo'"
                    )
                )
            )

    build_layers(Context())
    assert waiting() == 1, "bands that were drawn are cut at once"
    build_tiles(Context(tile_cache_mb=0))
    assert not (tmp_path / "tiles").exists()
    monkeypatch.setattr(ahead, "LONGEST_S", 0.0)
    build_tiles(Context())
    assert waiting() == 2
    monkeypatch.undo()
    build_tiles(Context())
    assert waiting() == 2
    assert kept(TileCache(tmp_path / "tiles"), "grids")
    (tmp_path / "full").write_text("no folder can be made here")
    full = Context()
    full.settings = Settings(home=tmp_path / "full", tile_cache_mb=64)
    build_tiles(full)
    assert waiting() == 2, "not again at once where nothing can be kept"
    assert jobs.task_of("build-tiles").queue == "long"
