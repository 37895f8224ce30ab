"""A coverage question: who is asked about, which stations count, and what if some were others."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
import numpy.typing as npt

from gis.coverage.network import Towards
from gis.coverage.roads import Mode
from gis.errors import OutsideScope, PlanningInvalid, RadiusInvalid, StationUnknown
from gis.governance.actors import NOWHERE
from gis.governance.opening_hours import read_hours
from gis.services.city_reading import Level, ReachRule
from gis.services.demand import AUTO

if TYPE_CHECKING:
    from gis.governance.actors import Actor
    from gis.store.city import Stations

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

LARGEST_RADIUS_M: Final = 50_000.0
LARGEST_SNAP_M: Final = 2_000.0
MOST_CHANGES: Final = 500
REACHES: Final = ("straight", "network")
MODES: Final = ("walk", "ride")
TOWARDS: Final = ("stations", "points")
Action = Literal["add", "move", "close"]


@dataclass(frozen=True, slots=True)
class StationChange:
    """One station added, moved or closed in thought; ``code`` names the one moved or closed."""

    action: Action
    code: str | None = None
    lon: float | None = None
    lat: float | None = None
    kind: str | None = None
    name: str | None = None
    capacity: int | None = None
    opening_hours: str | None = None

    def facts(self) -> dict[str, Any]:
        """Return the change as an answer repeats it."""
        names = ("action", "code", "lon", "lat", "kind", "name", "capacity", "opening_hours")
        return {name: getattr(self, name) for name in names if getattr(self, name) is not None}


@dataclass(frozen=True, slots=True)
class CoverageQuestion:
    """Asks who is within reach; see :func:`gis.services.planning.coverage`."""

    kinds: Sequence[str] | None = None
    radius_m: float = 3000.0
    reach: str = "straight"
    mode: Mode = "walk"
    towards: Towards = "stations"
    snap_m: float = 200.0
    area: str | None = None
    by: Level | None = "community"
    at: datetime | None = None
    boundaries_at: datetime | None = None
    capacity: bool = False
    demand: str = AUTO
    groups: Sequence[str] = ()
    methods: bool = False
    changes: Sequence[StationChange] = ()

    def rule(self) -> ReachRule:
        """Return how reach is measured, after proving that it can be.

        Raises
        ------
        gis.errors.RadiusInvalid, gis.errors.PlanningInvalid
        """
        return checked_rule(self.reach, self.radius_m, self.mode, self.towards, self.snap_m)


def checked_rule(reach: str, radius_m: float, mode: str, towards: str, snap_m: float) -> ReachRule:
    """Return a rule of reach.

    Raises
    ------
    gis.errors.RadiusInvalid, gis.errors.PlanningInvalid
    """
    for what, value, fit in (
        ("reach", reach, REACHES),
        ("mode", mode, MODES),
        ("towards", towards, TOWARDS),
    ):
        if value not in fit:
            raise PlanningInvalid(what=what, value=value, fit=", ".join(fit))
    if not (math.isfinite(radius_m) and 0.0 < radius_m <= LARGEST_RADIUS_M):
        raise RadiusInvalid(radius_m=str(radius_m), largest_m=int(LARGEST_RADIUS_M))
    if not (math.isfinite(snap_m) and 0.0 <= snap_m <= LARGEST_SNAP_M):
        raise PlanningInvalid(what="snap_m", value=str(snap_m), fit=f"0..{LARGEST_SNAP_M:g}")
    plain: Any = {"reach": reach, "mode": mode, "towards": towards}
    if reach == "straight":
        return ReachRule(radius_m=radius_m)
    if mode == "walk":
        plain["towards"] = "stations"  # people walk both ways
    return ReachRule(radius_m=radius_m, snap_m=snap_m, **plain)


def checked_area(actor: Actor, area: str | None) -> str | None:
    """Return the area that a question is about, None for the whole city.

    Counts by area are public: a worker whose duties lie nowhere is told what every visitor is.

    Raises
    ------
    gis.errors.OutsideScope
    """
    if actor.area_code == NOWHERE:
        return area
    scope = area or actor.area_code
    if scope is not None and not actor.covers(scope):
        raise OutsideScope(scope=actor.area_code, code=scope)
    return scope


@dataclass(frozen=True, slots=True)
class StationSet:
    """The stations of a question, by code, and which of them are open.

    Attributes
    ----------
    capacity
        -1: it never fills up.
    open
        Whether it is open at the instant asked about (all are, without one) and not closed in
        thought.
    unread
        Codes of stations whose opening hours cannot be read; they count as open.
    """

    codes: list[str]
    names: list[str]
    kinds: list[str]
    staffed: list[bool]
    positions: FloatArray
    capacity: IntArray
    open: npt.NDArray[np.bool_]
    unread: list[str]

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.codes)

    def of_kind(self, kind: str) -> npt.NDArray[np.bool_]:
        """Return which are of a kind and open."""
        return self.open & np.array([found == kind for found in self.kinds], dtype=np.bool_)


def stations_of(
    stations: Stations,
    kinds: Sequence[str],
    at: datetime | None,
    changes: Sequence[StationChange] = (),
) -> StationSet:
    """Return the stations of some kinds as they are, or as changes would make them.

    Raises
    ------
    gis.errors.StationUnknown, gis.errors.PlanningInvalid
    """
    rows = [
        _Row(
            stations.codes[i],
            stations.names[i],
            stations.kinds[i],
            stations.staffed[i],
            float(stations.positions[i, 0]),
            float(stations.positions[i, 1]),
            int(stations.capacity[i]),
            stations.hours[i],
        )
        for i in range(len(stations))
        if stations.kinds[i] in set(kinds)
    ]
    place = {row.code: number for number, row in enumerate(rows)}
    for number, change in enumerate(changes, start=1):
        _apply(rows, place, change, number, kinds)
    hours = [None if row.hours is None else read_hours(row.hours) for row in rows]
    unread = [row.code for row, week in zip(rows, hours, strict=True) if row.hours and week is None]
    is_open = [
        not row.closed and (at is None or week is None or week.open_at(at))
        for row, week in zip(rows, hours, strict=True)
    ]
    return StationSet(
        codes=[row.code for row in rows],
        names=[row.name for row in rows],
        kinds=[row.kind for row in rows],
        staffed=[row.staffed for row in rows],
        positions=np.array([(row.lon, row.lat) for row in rows]).reshape(-1, 2),
        capacity=np.array([row.capacity for row in rows], dtype=np.int64),
        open=np.array(is_open, dtype=np.bool_),
        unread=unread if at is not None else [],
    )


@dataclass(frozen=True, slots=True)
class _Row:
    code: str
    name: str
    kind: str
    staffed: bool
    lon: float
    lat: float
    capacity: int
    hours: str | None
    closed: bool = False


def _apply(
    rows: list[_Row],
    place: dict[str, int],
    change: StationChange,
    number: int,
    kinds: Sequence[str],
) -> None:
    if change.action != "close" and (
        change.lon is None
        or change.lat is None
        or not (abs(change.lon) <= 180.0 and abs(change.lat) <= 90.0)
    ):
        what = f"changes[{number - 1}].lon, lat"
        raise PlanningInvalid(what=what, value=f"{change.lon}, {change.lat}", fit="WGS84, degrees")
    capacity = -1 if change.capacity is None else change.capacity
    if change.action == "add":
        code = change.code or f"new:{number}"
        if code in place:
            raise PlanningInvalid(what="code", value=code, fit="a code that no station has")
        place[code] = len(rows)
        rows.append(
            _Row(
                code,
                change.name or code,
                change.kind or next(iter(kinds), "service_station"),
                staffed=True,
                lon=float(change.lon or 0.0),
                lat=float(change.lat or 0.0),
                capacity=capacity,
                hours=change.opening_hours,
            )
        )
        return
    if change.code not in place:
        raise StationUnknown(code=str(change.code))
    at = place[change.code]
    if change.action == "close":
        rows[at] = replace(rows[at], closed=True)
        return
    rows[at] = replace(
        rows[at],
        lon=float(change.lon or 0.0),
        lat=float(change.lat or 0.0),
        capacity=rows[at].capacity if change.capacity is None else capacity,
        hours=change.opening_hours or rows[at].hours,
    )
