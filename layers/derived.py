"""Layers that nobody stores: employment circles and coverage gaps, computed when they are stale."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import shapely

from gis.geometry.circles import circles as geodesic_circles
from gis.governance.actors import SYSTEM
from gis.services import employment, planning
from gis.store import layer_shapes as store
from gis.store.layer_state import state
from gis.store.unit_of_work import Database

RADIUS_M: Final = 3000.0


@dataclass(frozen=True, slots=True)
class Feature:
    """A computed feature: its code, the area it belongs to, its geometry in lon/lat."""

    code: str
    area_code: str
    geometry: shapely.Geometry
    attributes: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Derived:
    """A computed layer: how, and from which tables beside the boundaries."""

    compute: Callable[[Database], Iterable[Feature]]
    tables: tuple[str, ...]


def _circles(database: Database) -> Iterable[Feature]:
    question = employment.CircleQuestion(radius_m=RADIUS_M)
    rows = employment.circles(database, SYSTEM, question)["items"]
    centres = np.array([(row["centre"]["lon"], row["centre"]["lat"]) for row in rows])
    shapes = geodesic_circles(centres.reshape(-1, 2), RADIUS_M, segments_per_quadrant=18)
    for row, shape in zip(rows, shapes, strict=True):
        yield Feature(
            row["code"],
            row["code"],
            shape,
            {
                "name": row["name"],
                "radius_m": RADIUS_M,
                "centre_lon": row["centre"]["lon"],
                "centre_lat": row["centre"]["lat"],
                "stations": row["stations"],
                "openings": row["openings"],
                "residents": row["residents"],
                "covered": row["covered"],
            },
        )


def _gaps(database: Database) -> Iterable[Feature]:
    answer = planning.coverage(database, SYSTEM, radius_m=RADIUS_M, by="community")
    for feature in answer["gaps"]["features"]:
        told = feature["properties"]
        if told["people"]:
            names = ("name", "people", "rank", "area_km2", "nearest_m")
            yield Feature(
                feature["id"],
                told["code"],
                shapely.geometry.shape(feature["geometry"]),
                {name: told[name] for name in names},
            )


DERIVED: Final[dict[str, Derived]] = {
    "employment-circles": Derived(_circles, ("stations", "buildings", "job_openings")),
    "coverage-gaps": Derived(_gaps, ("stations", "buildings")),
}
"""Key of the catalogue -> how it is computed."""


def compute_all(database: Database) -> list[str]:
    """Compute what no longer fits its inputs; return the keys of what was computed.

    The inputs are read before and after: a layer computed while they changed is computed again the
    next time.
    """
    made = []
    for key, layer in DERIVED.items():
        with database.reading(SYSTEM) as work:
            now, _ = state(work)
            inputs = _inputs(now.published, now.stamps, layer.tables)
            known = store.inputs_of(work, key)
        if now.revision == 0 or known == inputs:
            continue
        features = list(layer.compute(database))
        with database.transaction(SYSTEM) as work:
            store.lock(work)
            store.replace_features(
                work,
                key,
                now.revision,
                [(one.code, one.area_code, one.attributes, one.geometry) for one in features],
            )
            store.add_edition(work, key, now.revision, (), inputs=inputs)
        made.append(key)
    return made


def _inputs(published: str, stamps: Any, tables: tuple[str, ...]) -> str:  # noqa: ANN401 - a mapping
    return "|".join([published, *(f"{table}={stamps.get(table)}" for table in tables)])
