"""Build the zoom bands of boundary layers when a revision takes force; compute derived layers."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

import numpy as np

from gis.geometry.bands import band, label_points, mercator
from gis.governance.actors import SYSTEM
from gis.services import jobs
from gis.store import layer_shapes as store
from gis.store.areas import published_revision
from gis.store.unit_of_work import Database, UnitOfWork
from layers.catalogue import LAYERS, Layer
from layers.derived import compute_all

STEPS: Final = (5, 7, 9, 11, 13, 14)
"""Largest zoom of each band: what lies between uses the next one."""
_MOST_BOXES: Final = 2_000
BUILD_TILES: Final = "build-tiles"
"""The job that cuts the tiles; :mod:`layers.ahead` does it."""


def band_of(layer: Layer, zoom: int) -> int:
    """Return the band that draws a layer at a zoom.

    >>> band_of(LAYERS["grids"], 10), band_of(LAYERS["grids"], 14)
    (11, 14)
    """
    return next(step for step in bands(layer) if step >= zoom)


def bands(layer: Layer) -> list[int]:
    """Return the bands of a layer."""
    return [step for step in STEPS if step >= layer.zooms[0]]


def banded_layers() -> list[Layer]:
    """Return the layers that are cut from bands."""
    return [layer for layer in LAYERS.values() if layer.fresh == "revision"]


def build_all(database: Database) -> int:
    """Build what is not of the revision in force; return how many layers were built."""
    built = 0
    for layer in banded_layers():
        with database.transaction(SYSTEM) as work:
            built += build(work, layer)
    return built


def build(work: UnitOfWork, layer: Layer) -> bool:
    """Build the bands of a layer when they are not of the revision in force.

    One builds at a time (an advisory lock); only rows that differ are written, and where they
    differ is kept: tiles elsewhere stay what they are.
    """
    store.lock(work)
    revision = published_revision(work)
    if revision is None or store.built_for(work, layer.key) == revision:
        return False
    ids, shapes = store.shapes_to_build(work, layer.key, revision)
    flat = mercator(np.array(shapes, dtype=object))
    labels = label_points(flat)
    changed: list[np.ndarray] = []
    for step in bands(layer):
        drawn = band(flat, step, coverage=layer.coverage)
        changed.append(store.replace(work, layer.key, step, ids=ids, drawn=drawn, labels=labels))
    store.add_edition(work, layer.key, revision, _boxes(np.concatenate(changed)))
    return True


def _boxes(boxes: np.ndarray) -> list[float]:
    """Return boxes without repetition, as one when there are very many."""
    if not len(boxes):
        return []
    unique = np.unique(boxes, axis=0)
    if len(unique) > _MOST_BOXES:
        unique = np.array([[*unique[:, :2].min(axis=0), *unique[:, 2:].max(axis=0)]])
    return [float(side) for side in unique.ravel()]


@jobs.task("build-layers", every=timedelta(minutes=1), queue="long", lock="build-layers")
def build_layers(context: jobs.Context) -> None:
    """Build the bands of a revision that has taken force, and the layers computed from it."""
    built = build_all(context.database)
    if compute_all(context.database) or built:
        with context.database.transaction(SYSTEM) as work:
            jobs.defer(work, BUILD_TILES, key=BUILD_TILES)
