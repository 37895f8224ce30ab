"""Openings 岗位, seekers 求职者 and service centres, read whole for planning."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt
import sqlalchemy as sa

from gis.store.tables import job_openings, job_seekers, stations
from gis.store.unit_of_work import UnitOfWork

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Openings:
    """Openings that are valid at an instant, by code; wages in yuan a month, -1 for unknown."""

    codes: list[str]
    employers: list[str]
    titles: list[str]
    trades: list[str]
    wage_max: IntArray
    places: IntArray
    positions: FloatArray


@dataclass(frozen=True, slots=True)
class Seekers:
    """Seekers, by code (no names are kept); ``wage_wish`` -1 for none."""

    codes: list[str]
    trades: list[str]
    wage_wish: IntArray
    households: list[str | None]
    zero_employment: npt.NDArray[np.bool_]
    positions: FloatArray


def openings_at(work: UnitOfWork, at: datetime) -> Openings:
    """Return the openings that are valid at an instant and take somebody."""
    columns = job_openings.c
    rows = work.rows(
        sa.select(
            columns.code,
            columns.employer,
            columns.title,
            columns.trade,
            sa.func.coalesce(columns.wage_max, columns.wage_min, -1).label("wage"),
            columns.openings,
            sa.func.ST_X(columns.geometry).label("lon"),
            sa.func.ST_Y(columns.geometry).label("lat"),
        )
        .where(columns.valid.op("@>")(sa.literal(at, sa.DateTime(timezone=True))))
        .where(columns.openings > 0)
        .order_by(columns.code.collate("C"))
    )
    return Openings(
        codes=[row["code"] for row in rows],
        employers=[row["employer"] for row in rows],
        titles=[row["title"] for row in rows],
        trades=[row["trade"] for row in rows],
        wage_max=np.array([row["wage"] for row in rows], dtype=np.int64),
        places=np.array([row["openings"] for row in rows], dtype=np.int64),
        positions=np.array([(row["lon"], row["lat"]) for row in rows]).reshape(-1, 2),
    )


def seekers_of(work: UnitOfWork) -> Seekers:
    """Return all seekers."""
    columns = job_seekers.c
    rows = work.rows(
        sa.select(
            columns.code,
            columns.trade,
            sa.func.coalesce(columns.wage_wish, -1).label("wage"),
            columns.household_code,
            columns.zero_employment_household,
            sa.func.ST_X(columns.geometry).label("lon"),
            sa.func.ST_Y(columns.geometry).label("lat"),
        ).order_by(columns.code.collate("C"))
    )
    return Seekers(
        codes=[row["code"] for row in rows],
        trades=[row["trade"] for row in rows],
        wage_wish=np.array([row["wage"] for row in rows], dtype=np.int64),
        households=[row["household_code"] for row in rows],
        zero_employment=np.array(
            [row["zero_employment_household"] for row in rows], dtype=np.bool_
        ),
        positions=np.array([(row["lon"], row["lat"]) for row in rows]).reshape(-1, 2),
    )


def service_centres(work: UnitOfWork) -> dict[str, tuple[str, float, float]]:
    """Return the service station of each community that runs one: code, lon, lat.

    Of several the first by code.
    """
    rows = work.rows(
        sa.select(
            stations.c.area_code,
            stations.c.code,
            sa.func.ST_X(stations.c.geometry).label("lon"),
            sa.func.ST_Y(stations.c.geometry).label("lat"),
        )
        .where(
            stations.c.closed_at.is_(None),
            stations.c.area_code.is_not(None),
            stations.c.kind == "service_station",
        )
        .order_by(stations.c.code.collate("C").desc())
    )
    return {row["area_code"]: (row["code"], row["lon"], row["lat"]) for row in rows}
