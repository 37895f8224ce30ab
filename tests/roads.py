"""A few roads for the small city, whose ways can be added up by hand."""

from __future__ import annotations

import sqlalchemy as sa

from gis.store import tables
from gis.store.unit_of_work import UnitOfWork

ROADS = [  # code, from, to, length_m, oneway, walk, ride
    ("R1", (118.25, 32.2501), (118.29, 32.2501), 4000.0, False, True, True),
    ("R2", (118.29, 32.2501), (118.29, 32.2899), 4500.0, False, True, True),
    ("R3", (118.35, 32.3499), (118.31, 32.3101), 6000.0, True, True, True),
    ("R4", (118.60, 32.2501), (118.61, 32.2501), 1000.0, False, True, True),
]


def lay(work: UnitOfWork) -> None:
    for code, here, there, length, oneway, walk, ride in ROADS:
        work.execute(
            sa.insert(tables.roads).values(
                {
                    "code": code,
                    "class": "street",
                    "geometry": f"SRID=4326;LINESTRING({here[0]} {here[1]},{there[0]} {there[1]})",
                    "length_m": length,
                    "oneway": oneway,
                    "walk": walk,
                    "ride": ride,
                }
            )
        )
