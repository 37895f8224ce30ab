"""Who is to be reached 需求, and by which method they were placed.

Best first: residents registered with buildings; people counted by area or cell, spread over homes
(dasymetric); areal weighting, where a unit has no home. The method is part of every answer.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from gis.coverage.spread_people import spread
from gis.errors import DemandUnknown
from gis.geometry.cell_index import CellIndex
from gis.store import city
from gis.store import planning as store

if TYPE_CHECKING:
    from gis.services.city_reading import CityReading

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

AUTO: Final = "auto"
BUILDINGS: Final = "buildings"
COMMUNITIES: Final = "communities"
METHODS: Final = {
    BUILDINGS: ("按建筑登记的常住人口", "residents as registered with each building"),
    "dasymetric": (
        "按区域或格网的人口分摊到住宅(按建筑面积),无住宅者按面积均摊",
        "people counted by area or cell, spread over homes by floor space; by area without homes",
    ),
}


@dataclass(frozen=True, slots=True)
class Demand:
    """People at places.

    Attributes
    ----------
    key
        Names this demand and the state of the data that it was made from.
    name, method
        What was asked for, and the method (a key of :data:`METHODS`).
    positions, people, households
        (n, 2) lon, lat and whole numbers.
    ages
        (n, 3) residents of 0-14, 15-59, 60 and more; None where the method has none.
    building_ids
        -1 for a place that is no building.
    areal
        People for whom only areal weighting was left.
    """

    key: Hashable
    name: str
    method: str
    positions: FloatArray
    people: IntArray
    households: IntArray
    ages: IntArray | None
    building_ids: IntArray
    areal: int = 0

    def facts(self) -> dict[str, Any]:
        """Return how the people were placed, as an answer says it."""
        title_zh, title_en = METHODS[self.method]
        return {
            "name": self.name,
            "method": self.method,
            "method_zh": title_zh,
            "method_en": title_en,
            "places": len(self.positions),
            "people": int(self.people.sum()),
            "people_by_area_only": self.areal,
        }


def demand_of(reading: CityReading, asked: str = AUTO) -> Demand:
    """Return the people of the city by a method.

    Parameters
    ----------
    asked
        ``auto`` (buildings if anybody is registered there, else the first imported series, else
        communities), ``buildings``, ``communities`` (residents registered with communities, spread
        over homes) or the name of an imported series.

    Raises
    ------
    gis.errors.DemandUnknown
    """
    basis = reading.basis
    names = imported_series(reading)
    if asked == AUTO:
        asked = BUILDINGS if len(reading.buildings.ids) else [*names, COMMUNITIES][0]
    if asked == BUILDINGS:
        return _registered(reading)
    if asked != COMMUNITIES and asked not in names:
        raise DemandUnknown(name=asked, known=", ".join((AUTO, BUILDINGS, COMMUNITIES, *names)))
    key = (basis.revision, basis.key("buildings", "people_counts"), asked)
    return reading.memory.keep("demand", key, lambda: _spread(reading, asked, key))


def imported_series(reading: CityReading) -> list[str]:
    """Return the names of the imported counts of people."""
    key = reading.basis.key("people_counts")
    return reading.memory.keep("series", key, lambda: store.series(reading.work))


def _registered(reading: CityReading) -> Demand:
    found = reading.buildings
    key = (reading.basis.key("buildings"), BUILDINGS)
    return Demand(
        key=key,
        name=BUILDINGS,
        method=BUILDINGS,
        positions=found.positions,
        people=found.residents,
        households=found.households,
        ages=found.ages,
        building_ids=found.ids,
    )


def _spread(reading: CityReading, name: str, key: Hashable) -> Demand:
    people, households, outlines = _units(reading, name)
    homes = store.homes_of(reading.work)
    unit = np.full(len(homes.ids), -1, dtype=np.int64)
    if len(outlines) and len(homes.ids):
        index = CellIndex.build(list(outlines), [f"{i:08d}" for i in range(len(outlines))])
        unit = index.locate(*homes.positions.T).astype(np.int64)
    made = spread(
        people, households, outlines, homes=homes.positions, unit=unit, weight=homes.floor_m2
    )
    lived = np.flatnonzero(made.people + made.households)
    building = (
        np.where(made.building >= 0, homes.ids[made.building], -1)
        if len(homes.ids)
        else (np.full(len(made.people), -1))
    )
    return Demand(
        key=key,
        name=name,
        method="dasymetric",
        positions=made.positions[lived],
        people=made.people[lived],
        households=made.households[lived],
        ages=None,
        building_ids=building[lived].astype(np.int64),
        areal=made.areal,
    )


def _units(reading: CityReading, name: str) -> tuple[IntArray, IntArray, Any]:
    areas = reading.areas
    if name == COMMUNITIES:
        chosen = np.array(
            [i for i, level in enumerate(areas.levels) if level == "community"], dtype=np.intp
        )
        people, households = store.registered_in(reading.work, areas.ids[chosen])
        return people, households, city.geometries_of(reading.work, areas.ids[chosen])
    counts = store.counts_of(reading.work, name)
    outlines = counts.outlines.copy()
    place = {code: number for number, code in enumerate(areas.codes)}
    bare = [
        (number, place[code])
        for number, code in enumerate(counts.codes)
        if outlines[number] is None and code in place
    ]
    if bare:
        rows, positions = zip(*bare, strict=True)
        shapes = city.geometries_of(reading.work, areas.ids[list(positions)])
        outlines[list(rows)] = shapes
    there = np.array([shape is not None for shape in outlines], dtype=np.bool_)
    return counts.residents[there], counts.households[there], outlines[there]
