from __future__ import annotations

import re
import subprocess
import sys
import threading
from pathlib import Path

import numba
import numpy as np
import pytest
import shapely
from pyproj import Geod

from gis.errors import IndexFileInvalid
from gis.geometry import cell_layout, cell_records, compiled, predicates
from gis.geometry.cell_index import CellIndex, Nearest, metres_per_degree
from tests.bench.tilings import tiling

LEFT, RIGHT = shapely.box(118.0, 32.0, 118.5, 32.5), shapely.box(118.5, 32.0, 119.0, 32.5)


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("index") / "layer.cells"
    CellIndex.build(list(tiling(30))).save(path)
    return path


def test_shared_edge_and_corner_go_to_the_smaller_key() -> None:
    below = shapely.box(118.0, 31.5, 119.0, 32.0)
    index = CellIndex.build([LEFT, RIGHT, below], ["c", "a", "b"])
    assert index.locate([118.5, 118.5, 118.2], [32.2, 32.0, 32.0]).tolist() == [1, 1, 2]
    assert index.covering(118.5, 32.0) == [1, 2, 0]


def test_hole_gap_and_its_rim() -> None:
    ring = shapely.difference(shapely.box(0, 0, 4, 4), shapely.box(1, 1, 3, 3))
    index = CellIndex.build([ring])
    assert index.locate([2, 1, 0.5, 4], [2, 2, 2, 4]).tolist() == [-1, 0, 0, 0]


def test_overlap_names_all_and_takes_the_smallest_key() -> None:
    whole, part = shapely.box(0, 0, 10, 10), shapely.box(4, 4, 6, 6)
    index = CellIndex.build([whole, part, part], ["z", "m", "n"])
    assert index.locate([5, 1, 4, 7], [5, 1, 4, 7]).tolist() == [1, 0, 1, 0]
    assert index.covering(5, 5) == [1, 2, 0]
    assert index.locate_one(5, 5) == 1


def test_hundreds_of_areas_on_one_another() -> None:
    pile = [shapely.box(-i, -i, i + 1, i + 1) for i in range(300)]
    index = CellIndex.build(pile, [f"{i:04d}" for i in range(299, -1, -1)])
    assert len(index.covering(0.5, 0.5)) == 300
    assert index.locate_one(0.5, 0.5) == 299
    assert index.covering(-298.5, 0.0) == [299]


def test_crowded_cells_are_divided_and_stay_exact() -> None:
    near = tiling(400, degrees=0.01)
    far = shapely.box(-170.0, -80.0, -169.0, -79.0)
    index = CellIndex.build([*near, far])
    points = np.random.default_rng(1).uniform((118, 32), (118.01, 32.01), (20_000, 2))
    numbers, positions = shapely.STRtree(near).query(shapely.points(points), "covered_by")
    assert np.array_equal(index.locate(*points.T)[numbers], positions)
    longest = max(words for words in _edges_per_record(index))
    assert longest <= cell_layout.CROWDED


def _edges_per_record(index: CellIndex) -> list[int]:
    cells, words, _, _ = index._arrays
    return [int(words[-value] & 0xFFFFFFFF) for value in cells[cells < 0] if words[-value] >= 0]


@pytest.mark.parametrize("areas", [[], [shapely.Polygon()], [shapely.MultiPolygon()]])
def test_nothing_to_find(areas: list[shapely.Geometry], tmp_path: Path) -> None:
    built = CellIndex.build(areas)
    built.save(tmp_path / "empty")
    for index in (built, CellIndex.load(tmp_path / "empty")):
        assert index.locate([0, 1], [0, 1]).tolist() == [-1, -1]
        assert index.locate([], []).tolist() == []
        assert index.locate_one(0, 0) == -1
        assert index.covering(0, 0) == []
        assert index.nearest(0, 0) is None
        assert index.query_box(-1, -1, 1, 1).tolist() == []
        assert len(index) == len(index.geometries) == len(areas)


def test_an_empty_area_among_others() -> None:
    index = CellIndex.build([shapely.Polygon(), LEFT])
    assert index.locate_one(118.2, 32.2) == 1
    assert index.edge_distance_m(0, 118.2, 32.2) == np.inf
    assert index.nearest(117.0, 32.2) is not None


def test_what_is_no_number_is_nowhere() -> None:
    index = CellIndex.build([LEFT])
    odd = [np.nan, np.inf, -np.inf, 1e308, 118.2]
    assert index.locate(odd, [32.2] * 5).tolist() == [-1, -1, -1, -1, 0]
    assert index.locate([118.2] * 5, odd).tolist() == [-1] * 5
    assert index.locate_one(np.nan, np.nan) == -1
    assert index.covering(np.nan, 32.2) == []
    assert index.nearest(np.nan, 32.2) is None


def test_shapes_and_scalars_are_kept() -> None:
    index = CellIndex.build([LEFT, RIGHT])
    assert index.locate(118.2, 32.2).shape == ()
    assert index.locate(np.full((2, 3), 118.7), 32.2).tolist() == [[1] * 3] * 2
    strided = np.column_stack([np.full(5, 118.7), np.full(5, 32.2)])
    assert index.locate(strided[:, 0], strided[:, 1]).tolist() == [1] * 5


@pytest.mark.parametrize(
    ("areas", "keys"),
    [
        ([shapely.Polygon([(0, 0), (2, 2), (2, 0), (0, 2)])], None),
        ([shapely.Point(0, 0)], None),
        ([None], None),
        ([shapely.box(0, 0, 1, np.nan)], None),
        ([shapely.box(0, 0, 1e10, 1)], None),
        ([shapely.box(1e-200, 0, 1, 1)], None),
        ([LEFT], ["a", "b"]),
    ],
)
def test_bad_input_is_refused(areas: list[shapely.Geometry], keys: list[str] | None) -> None:
    with pytest.raises(ValueError, match=r"\w+"):
        CellIndex.build(areas, keys)


def test_coordinates_too_near_to_zero_are_taken_in_integers() -> None:
    triangle = shapely.Polygon([(0, 0), (1, 1), (0, 1)])
    index = CellIndex.build([triangle, shapely.Polygon([(0, 0), (1, 0), (1, 1)])], ["b", "a"])
    tiny = 5e-324
    assert index.locate([tiny, 0, tiny], [0, tiny, tiny]).tolist() == [1, 0, 1]
    assert index.locate([-tiny, 3e-320, 0.5], [0, 2e-320, tiny]).tolist() == [-1, 1, 1]
    assert index.covering(tiny, tiny) == [1, 0]
    assert index.locate_one(-tiny, 0.5) == -1


def test_distance_equals_the_geodesic_and_arrays_equal_single() -> None:
    areas = tiling(20, degrees=0.05)
    index = CellIndex.build(list(areas))
    lon, lat = np.random.default_rng(2).uniform((118, 32), (118.05, 32.05), (50, 2)).T
    own = index.locate(lon, lat)
    many = index.edge_distances_m(own, lon, lat)
    geod = Geod(ellps="WGS84")
    for k in range(50):
        if own[k] < 0:
            assert np.isnan(many[k])
            continue
        assert many[k] == pytest.approx(index.edge_distance_m(own[k], lon[k], lat[k]), abs=1e-6)
        dense = shapely.get_coordinates(shapely.segmentize(areas[own[k]].exterior, 1e-6))
        _, _, away = geod.inv(np.full(len(dense), lon[k]), np.full(len(dense), lat[k]), *dense.T)
        assert many[k] == pytest.approx(away.min(), abs=0.05, rel=1e-3)
    with pytest.raises(ValueError, match="position"):
        index.edge_distances_m([20_000], [118.0], [32.0])


def test_nearest_takes_the_smaller_key_where_equal() -> None:
    index = CellIndex.build([LEFT, RIGHT], ["b", "a"])
    assert index.nearest(118.5, 32.6).position == 1
    nearest = index.nearest(117.9, 32.2)
    assert nearest == Nearest(0, pytest.approx(9428.7, abs=1))
    assert nearest.distance_m == index.edge_distance_m(0, 117.9, 32.2)
    assert index.nearest(-60.0, -30.0) is not None


def test_metres_per_degree_at_the_pole_may_be_divided_by() -> None:
    assert metres_per_degree(90.0)[0] == 1e-3


def test_loaded_index_answers_alike(saved: Path) -> None:
    areas = tiling(30)
    index = CellIndex.load(saved)
    assert index.build_report is None
    assert shapely.equals(index.geometries, areas).all()
    assert index.edge_distance_m(3, 118.3, 32.1) == CellIndex.build(list(areas)).edge_distance_m(
        3, 118.3, 32.1
    )
    lon, lat = np.random.default_rng(2).uniform((118, 32), (119, 33), (5000, 2)).T
    found = index.locate(lon, lat)
    assert found.tolist() == [index.locate_one(x, y) for x, y in zip(lon, lat, strict=True)]


@pytest.mark.parametrize("place", [3, 22, 60, 5000, -9])
def test_a_damaged_file_is_refused(saved: Path, tmp_path: Path, place: int) -> None:
    content = bytearray(saved.read_bytes())
    content[place] ^= 4
    (tmp_path / "damaged").write_bytes(content)
    with pytest.raises(IndexFileInvalid):
        CellIndex.load(tmp_path / "damaged")


@pytest.mark.parametrize("length", [0, 10, 25, 200, 5000, -1])
def test_a_cut_file_is_refused(saved: Path, tmp_path: Path, length: int) -> None:
    (tmp_path / "cut").write_bytes(saved.read_bytes()[:length])
    with pytest.raises(IndexFileInvalid):
        CellIndex.load(tmp_path / "cut", verify=False)


def test_another_version_is_refused(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gis.geometry.cell_file._VERSION", 2)
    with pytest.raises(IndexFileInvalid, match="version"):
        CellIndex.load(saved)


def test_a_failed_save_leaves_the_old_file(
    saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "layer.cells"
    path.write_bytes(saved.read_bytes())

    def fail(_: int) -> None:
        raise OSError(28, "no space left")

    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises(OSError, match="no space"):
        CellIndex.build([LEFT]).save(path)
    assert [entry.name for entry in tmp_path.iterdir()] == ["layer.cells"]
    assert len(CellIndex.load(path)) == len(tiling(30))


def test_keys_of_any_text_survive(tmp_path: Path) -> None:
    keys = ["", "网格 1", "a\nb"]
    CellIndex.build([LEFT, RIGHT, LEFT], keys).save(tmp_path / "keys")
    assert CellIndex.load(tmp_path / "keys").keys == tuple(keys)
    with pytest.raises(ValueError, match="zero"):
        CellIndex.build([LEFT], ["a\0b"]).save(tmp_path / "keys")


def test_threads_answer_alike() -> None:
    index = CellIndex.build(list(tiling(100)))
    lon, lat = np.random.default_rng(2).uniform((118, 32), (119, 33), (50_000, 2)).T
    truth = index.locate(lon, lat)
    answers: list[np.ndarray] = []
    threads = [
        threading.Thread(target=lambda: answers.append(index.locate(lon, lat))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(np.array_equal(answer, truth) for answer in answers)
    assert len(answers) == 4


def test_importing_does_not_import_numba() -> None:
    code = "import sys, gis.geometry.cell_index; sys.exit('numba' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_machine_code_holds_no_fused_multiply_add() -> None:
    """A product that is fused into the next sum is not rounded: expansions would be wrong."""

    def rounded(a: float, b: float, c: float) -> float:
        return a * b - c

    assert compiled.compiled(rounded)(1.1, 1.3, 1.1 * 1.3) == 0.0
    number, integer, expansion = numba.float64, numba.int64, numba.float64[::1]
    kernels = {
        predicates.orientation: (number,) * 6,
        predicates.exact_orientation: (number,) * 6,
        predicates._add_product: (expansion, integer, number, number),
        predicates._add: (expansion, integer, number),
        cell_records.owner_by_floats: (numba.int64[::1], expansion, integer, number, number),
    }
    for kernel, signature in kernels.items():
        fresh = numba.njit(nogil=True, fastmath=False, error_model="numpy")(kernel.py_func)
        fresh.compile(signature)
        for code in fresh.inspect_asm().values():
            assert "sub" in code
            assert not re.search(r"fn?m(add|sub|la|ls)", code)


def test_a_change_in_any_kernel_makes_the_cache_stale() -> None:
    from gis.geometry import cell_search

    assert cell_search.locate_many._cache._cache_file._source_stamp[1] == compiled._sources()


def test_without_a_folder_to_cache_in_it_still_compiles(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: object) -> None:
        raise RuntimeError("cannot cache function: no locator available")

    monkeypatch.setattr(numba.core.dispatcher.Dispatcher, "enable_caching", refuse)

    def double(x: float) -> float:
        return 2 * x

    assert compiled.compiled(double)(2.0) == 4.0


def test_nearest_of_absurd_points_ends() -> None:
    index = CellIndex.build([LEFT])
    assert index.nearest(np.inf, 32.2) is None
    assert index.nearest(118.2, 90.0) is not None
    assert index.nearest(1e300, 32.2) is not None
