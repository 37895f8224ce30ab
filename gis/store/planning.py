"""What planning reads besides stations and homes: stamps, roads, counts, tags."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely
import sqlalchemy as sa

from gis.store.city import HOMES
from gis.store.tables import area_versions, buildings, data_stamps, people_counts, roads
from gis.store.unit_of_work import UnitOfWork

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
GeometryArray = npt.NDArray[np.object_]


@dataclass(frozen=True, slots=True)
class Stamp:
    """The state of a table: two readings with one stamp saw the same rows."""

    stamp: str
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class Roads:
    """Road edges between junctions, by id; ``lines`` in lon/lat."""

    ids: IntArray
    lines: GeometryArray
    length_m: FloatArray
    oneway: npt.NDArray[np.int8]
    walk: npt.NDArray[np.bool_]
    ride: npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Homes:
    """Residential buildings, by id, with their floor space in square metres (0: unknown)."""

    ids: IntArray
    positions: FloatArray
    floor_m2: FloatArray


@dataclass(frozen=True, slots=True)
class Counts:
    """People counted by area or cell, by code; ``outlines`` is None where the code is an area's."""

    codes: list[str]
    outlines: GeometryArray
    residents: IntArray
    households: IntArray


def stamps(work: UnitOfWork) -> dict[str, Stamp]:
    """Return the state of every table that planning keeps in memory."""
    rows = work.rows(sa.select(data_stamps).order_by(data_stamps.c.subject))
    return {row["subject"]: Stamp(str(row["stamp"]), row["changed_at"]) for row in rows}


def roads_of(work: UnitOfWork) -> Roads:
    """Return the road network as it stands."""
    columns = (roads.c.id, roads.c.length_m, roads.c.oneway, roads.c.walk, roads.c.ride)
    found = work.connection.execute(
        sa.select(*columns, sa.func.ST_AsBinary(roads.c.geometry)).order_by(roads.c.id)
    ).all()
    ids, length, oneway, walk, ride, shapes = zip(*found, strict=True) if found else ((),) * 6
    return Roads(
        ids=np.array(ids, dtype=np.int64),
        lines=np.asarray(
            shapely.from_wkb(np.array([bytes(shape) for shape in shapes], dtype=object)),
            dtype=object,
        ),
        length_m=np.array(length, dtype=np.float64),
        oneway=np.array(oneway, dtype=np.int8),
        walk=np.array(walk, dtype=np.bool_),
        ride=np.array(ride, dtype=np.bool_),
    )


def homes_of(work: UnitOfWork) -> Homes:
    """Return the buildings that are for living in."""
    space = sa.func.coalesce(
        sa.func.ST_Area(sa.func.geography(buildings.c.footprint)), sa.literal(0.0)
    ) * sa.func.greatest(sa.func.coalesce(buildings.c.floors, 1), 1)
    found = work.connection.execute(
        sa.select(
            buildings.c.id,
            sa.func.ST_X(buildings.c.geometry),
            sa.func.ST_Y(buildings.c.geometry),
            space,
        )
        .where(buildings.c.kind.in_(HOMES))
        .order_by(buildings.c.id)
    ).all()
    table = np.array([tuple(row) for row in found], dtype=np.float64).reshape(-1, 4)
    return Homes(table[:, 0].astype(np.int64), table[:, 1:3].copy(), table[:, 3].copy())


def series(work: UnitOfWork) -> list[str]:
    """Return the names of the people counts that were imported, sorted."""
    names = sa.select(people_counts.c.series).distinct()
    return sorted(row["series"] for row in work.rows(names))


def counts_of(work: UnitOfWork, name: str) -> Counts:
    """Return one series of people counts."""
    rows = work.rows(
        sa.select(
            people_counts.c.code,
            people_counts.c.residents,
            people_counts.c.households,
            sa.func.ST_AsBinary(people_counts.c.geometry).label("wkb"),
        )
        .where(people_counts.c.series == name)
        .order_by(people_counts.c.code.collate("C"))
    )
    outlines = np.empty(len(rows), dtype=object)
    outlines[:] = [
        None if row["wkb"] is None else shapely.from_wkb(bytes(row["wkb"])) for row in rows
    ]
    return Counts(
        codes=[row["code"] for row in rows],
        outlines=outlines,
        residents=np.array([row["residents"] for row in rows], dtype=np.int64),
        households=np.array([row["households"] for row in rows], dtype=np.int64),
    )


def tag_names(work: UnitOfWork) -> list[str]:
    """Return the tags that buildings carry, sorted."""
    names = sa.select(sa.func.jsonb_object_keys(buildings.c.tags).label("name")).distinct()
    return sorted(row["name"] for row in work.rows(names))


def tagged(work: UnitOfWork, name: str) -> tuple[IntArray, IntArray]:
    """Return the ids of the buildings with a tag, ascending, and their people of that tag."""
    amount: Any = sa.cast(buildings.c.tags[name].astext, sa.Integer)
    rows = work.connection.execute(
        sa.select(buildings.c.id, amount)
        .where(buildings.c.tags.has_key(name), buildings.c.residents > 0)
        .order_by(buildings.c.id)
    ).all()
    table = np.array([tuple(row) for row in rows], dtype=np.int64).reshape(-1, 2)
    return table[:, 0].copy(), table[:, 1].copy()


def registered_in(work: UnitOfWork, version_ids: IntArray) -> tuple[IntArray, IntArray]:
    """Return residents and households as registered with areas, in the order asked."""
    wanted = [int(version) for version in version_ids]
    rows = work.rows(
        sa.select(area_versions.c.id, area_versions.c.residents, area_versions.c.households).where(
            area_versions.c.id.in_(wanted)
        )
    )
    known = {row["id"]: (row["residents"] or 0, row["households"] or 0) for row in rows}
    table = np.array([known[version] for version in wanted], dtype=np.int64).reshape(-1, 2)
    return table[:, 0].copy(), table[:, 1].copy()
