"""The cell index equals exact arithmetic and GEOS on layers made to be hard, and on real ones."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gis.geometry.cell_index import CellIndex
from gis.geometry.predicates import exact_orientation, orientation
from gis.geometry.validity import mended
from tests.probing import LAYERS, REAL_LAYERS, owner_by_integers, owners_by_geos, probes

PROBES = dict.fromkeys(REAL_LAYERS, 30_000) | {"messy-polygons": 60_000}


def keys_of(areas: np.ndarray, generator: np.random.Generator) -> list[str]:
    return [f"{key:05d}" for key in generator.permutation(len(areas))]


@pytest.mark.parametrize("kind", LAYERS)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(0, 2**32))
def test_owner_is_exact(kind: str, seed: int) -> None:
    generator = np.random.default_rng(seed)
    areas = LAYERS[kind](generator)
    keys = keys_of(areas, generator)
    index = CellIndex.build(list(areas), keys)
    points = probes(areas, generator, 3000)
    found = index.locate(points[:, 0], points[:, 1])
    assert np.array_equal(found, owners_by_geos(areas, keys, points))
    coarse = (np.abs(points) > 2.0**-7).all(axis=1)  # fine enough for the integers' scale
    for lon, lat in points[coarse][:15]:
        owner = index.locate_one(lon, lat)
        assert owner == owner_by_integers(areas, keys, lon, lat)
        covering = index.covering(lon, lat)
        assert covering == sorted(covering, key=keys.__getitem__)
        assert set(covering) == set(np.flatnonzero(shapely.intersects_xy(areas, lon, lat)).tolist())
        assert owner == (covering[0] if covering else -1)


@pytest.mark.parametrize("kind", LAYERS)
@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_order_and_storage_do_not_matter(
    kind: str, seed: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    generator = np.random.default_rng(seed)
    areas = LAYERS[kind](generator)
    keys = keys_of(areas, generator)
    points = probes(areas, generator, 2000)
    index = CellIndex.build(list(areas), keys)
    found = index.locate(points[:, 0], points[:, 1])
    order = generator.permutation(len(areas))
    turned = CellIndex.build(list(areas[order]), [keys[i] for i in order])
    assert np.array_equal(np.append(order, -1)[turned.locate(points[:, 0], points[:, 1])], found)
    path = tmp_path_factory.mktemp("index") / "layer.cells"
    index.save(path)
    loaded = CellIndex.load(path)
    assert np.array_equal(loaded.locate(points[:, 0], points[:, 1]), found)
    assert loaded.keys == index.keys
    assert shapely.equals(loaded.geometries, areas).all()


@pytest.mark.parametrize("name", PROBES)
def test_real_layers(name: str, shared_data: Path) -> None:
    layer = gpd.read_file(shared_data / REAL_LAYERS[name])
    areas = mended(layer.geometry.to_numpy())
    generator = np.random.default_rng(20261123)
    keys = keys_of(areas, generator)
    index = CellIndex.build(list(areas), keys)
    points = probes(areas, generator, PROBES[name])
    found = index.locate(points[:, 0], points[:, 1])
    assert np.array_equal(found, owners_by_geos(areas, keys, points))
    assert (found >= 0).mean() > 0.3


_number = st.floats(-180, 180, allow_subnormal=False).filter(lambda v: v == 0 or abs(v) > 1e-100)


@settings(max_examples=300, deadline=None)
@given(
    a=st.tuples(_number, _number),
    b=st.tuples(_number, _number),
    along=st.floats(-1, 2),
    ulps=st.tuples(st.integers(-2, 2), st.integers(-2, 2)),
)
def test_orientation_is_the_true_sign(
    a: tuple[float, float], b: tuple[float, float], along: float, ulps: tuple[int, int]
) -> None:
    p = [
        float(start + along * (end - start) + steps * np.spacing(start))
        for start, end, steps in zip(a, b, ulps, strict=True)
    ]
    if any(0 < abs(value) < 1e-100 for value in p):
        return
    (ax, ay), (bx, by), (px, py) = ([Fraction(v) for v in point] for point in (a, b, p))
    sign = (ax - px) * (by - py) - (ay - py) * (bx - px)
    truth = (sign > 0) - (sign < 0)
    assert orientation(*a, *b, *p) == truth
    assert exact_orientation(*a, *b, *p) == truth
