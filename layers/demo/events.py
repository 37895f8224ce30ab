"""A year of events 事件: what came in (with its errors), the truth, and what became of it."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import numpy as np
import shapely

from gis.errors import CalendarMissing
from gis.governance.calendar import due_at
from gis.governance.categories import Category
from gis.governance.reasons import Reason
from layers.demo import names
from layers.demo.addresses import UNCERTAINTY_M, Gazetteer
from layers.demo.areas import Areas
from layers.demo.frame import Floats, Ints, degrees, plane
from layers.demo.house_numbers import Locator
from layers.demo.pins import Pin, make_pins
from layers.demo.register import CITY_CODE
from layers.demo.texts import (
    BESIDE,
    CATEGORY_WEIGHTS,
    PHRASES,
    SOURCE_WEIGHTS,
    as_typed,
    describe,
)

EVENTS: Final = 20_000
BOTH: Final = 0.45
"""Share of events with a pin that also carry an address text."""
SAID_BESIDE: Final = 0.10
"""Share of places that people describe as beside an address: opposite, at the gate, 50 m on."""
OPEN_DAYS: Final = 4
"""Cases younger than this may still be open."""
ON_TIME: Final = 0.91
SHANGHAI: Final = timedelta(hours=8)


@dataclass(frozen=True, slots=True)
class Event:
    """One event with its truth, its work order and its history."""

    id: uuid.UUID
    source: str
    source_ref: str
    category: str
    title: str
    description: str
    address: str | None
    received_at: datetime
    lonlat: tuple[float, float] | None
    accuracy_m: float | None
    raw_location: dict[str, Any] | None
    reporter: dict[str, str] | None
    routing: str
    status: str
    grid_code: str | None
    match: dict[str, Any]
    true_grid: str
    true_lonlat: tuple[float, float]
    true_frame: str | None
    facts: dict[str, Any]
    due_at: datetime | None
    dispatched_at: datetime | None
    resolved_at: datetime | None
    closed_at: datetime | None


@dataclass(frozen=True, slots=True)
class _World:
    """What every event refers to."""

    areas: Areas
    gazetteer: Gazetteer
    categories: Mapping[str, Category]
    reference: datetime


@dataclass(frozen=True, slots=True)
class _Incident:
    """What happened, and how it came in; ``entry`` is the place's row in the gazetteer."""

    number: int
    source: str
    category: str
    received: datetime
    pin: Pin | None
    entry: int
    lonlat: tuple[float, float]
    truth: str
    matched: str | None
    person: str
    beside: str | None

    @property
    def is_doubtful(self) -> bool:
        """Tell whether a dispatcher had to confirm the grid."""
        return self.pin is None or self.pin.lonlat is None or self.matched != self.truth


def build_events(
    areas: Areas,
    gazetteer: Gazetteer,
    locator: Locator,
    *,
    categories: Mapping[str, Category],
    reference: datetime,
    scale: float,
    rng: np.random.Generator,
) -> list[Event]:
    """Return ``EVENTS * scale`` events of the year before ``reference``, by time."""
    count = max(round(EVENTS * scale), 200)
    xy, entry, beside = _places(gazetteer, count, rng)
    lonlat = degrees(xy)
    grid = locator.locate(lonlat)
    astray = grid < 0
    lonlat[astray], grid[astray] = gazetteer.lonlat[entry[astray]], gazetteer.grid[entry[astray]]
    weights = np.array(list(SOURCE_WEIGHTS.values()))
    sources = rng.choice(list(SOURCE_WEIGHTS), size=count, p=weights / weights.sum())
    received = _times(reference, count, rng)
    known = [key for key in PHRASES if key in categories]
    pins = make_pins(lonlat, sources, _centres(areas), rng)
    located = np.array(
        [(0.0, 0.0) if pin is None or pin.lonlat is None else pin.lonlat for pin in pins]
    )
    chosen = [_category(known, str(source), rng) for source in sources]
    truth = _owners(areas, lonlat, grid, chosen)
    matched = _owners(areas, located, locator.locate(located), chosen)
    people = names.people(count, rng)
    world = _World(areas, gazetteer, categories, reference)
    return [
        _event(
            world,
            _Incident(
                number=k,
                source=str(sources[k]),
                category=chosen[k],
                received=received[k],
                pin=pins[k],
                entry=int(entry[k]),
                lonlat=(float(lonlat[k, 0]), float(lonlat[k, 1])),
                truth=truth[k] or "",
                matched=matched[k],
                person=people[k],
                beside=beside[k],
            ),
            rng,
        )
        for k in range(count)
    ]


def _owners(areas: Areas, lonlat: Floats, grid: Ints, categories: list[str]) -> list[str | None]:
    """Return the code that owns each point: a dedicated grid for its categories, or the general."""
    dedicated = [row for row in areas.rows if row.kind == "dedicated"]
    inside = Locator(np.array([row.geometry for row in dedicated], object)).locate(lonlat)
    owners: list[str | None] = []
    for k, category in enumerate(categories):
        special = dedicated[inside[k]] if inside[k] >= 0 else None
        if special is not None and category in special.categories:
            owners.append(special.code)
        else:
            owners.append(areas.grid_codes[grid[k]] if grid[k] >= 0 else None)
    return owners


def _centres(areas: Areas) -> Floats:
    """Return a point in the city and in each county: what a failed geocoding answers with."""
    whole = [row.geometry for row in areas.rows if row.level in ("city", "county")]
    points: Floats = shapely.get_coordinates(shapely.point_on_surface(np.array(whole, object)))
    return np.round(points, 6)


def _places(
    gazetteer: Gazetteer, count: int, rng: np.random.Generator
) -> tuple[Floats, Ints, list[str | None]]:
    """Return true places near an addressed door, that address, and what is said of beside it.

    Places are more often in town.
    """
    kind = np.array(gazetteer.kind)
    weight = np.select(
        [kind == "building", kind == "road_number", kind == "landmark", kind == "door"],
        [1.0, 0.9, 2.5, 0.22],
        0.0,
    )
    entry = rng.choice(len(weight), size=count, p=weight / weight.sum())
    xy = plane(gazetteer.lonlat[entry, 0], gazetteer.lonlat[entry, 1])
    said = rng.choice(list(BESIDE), size=count)
    beside = [str(word) if rng.random() < SAID_BESIDE else None for word in said]
    bearing = {"东北方向50米": 0.25 * np.pi, "往北30米": 0.5 * np.pi}  # from east, anticlockwise
    turn = np.array([bearing.get(word or "", 2.0 * np.pi * rng.random()) for word in beside])
    away, spread = np.array([BESIDE[word] if word else (0.0, 7.0) for word in beside]).T
    xy += away[:, None] * np.column_stack([np.cos(turn), np.sin(turn)])
    return xy + rng.normal(size=xy.shape) * spread[:, None], entry, beside


def _times(reference: datetime, count: int, rng: np.random.Generator) -> list[datetime]:
    """Return instants of the last year, more by day than by night, ascending."""
    day = rng.integers(1, 366, size=count)
    hour = np.clip(rng.normal(13.5, 4.2, size=count), 0.05, 23.95)
    night = rng.random(count) < 0.08
    hour = np.where(night, rng.uniform(0, 24, size=count), hour)
    seconds = np.round(hour * 3600 + rng.uniform(0, 60, size=count))
    midnight = (reference + SHANGHAI).replace(hour=0, minute=0, second=0, microsecond=0) - SHANGHAI
    moments = sorted((int(d), -int(s)) for d, s in zip(day, seconds, strict=True))
    return [midnight - timedelta(days=d) + timedelta(seconds=-s) for d, s in reversed(moments)]


def _category(known: list[str], source: str, rng: np.random.Generator) -> str:
    pool = [k for k in known if source == "hotline-12345" or not k.startswith("hotline-")]
    weight = np.array([CATEGORY_WEIGHTS.get(key, 1.0) for key in pool])
    return pool[int(np.searchsorted(np.cumsum(weight / weight.sum()), rng.random()))]


def _event(world: _World, case: _Incident, rng: np.random.Generator) -> Event:
    title, description = describe(case.category, rng)
    address, faults = None, list[str]()
    if case.pin is None or case.pin.failed or rng.random() < BOTH:
        code = world.areas.grid_codes[int(world.gazetteer.grid[case.entry])]
        address, faults = as_typed(
            world.gazetteer.full_text[case.entry],
            tuple(world.areas.names[c] for c in (CITY_CODE, code[:6], code[:9], code[:12])),
            rng,
            by_ear=case.source == "hotline-12345",
            beside=case.beside,
        )
    category = world.categories[case.category]
    status, times = _course(case.received, world.reference, category, rng)
    routing = "review" if case.is_doubtful else "auto"
    if status == "dispatched" and case.is_doubtful:
        status, times = "review", (None, None, None)
    # Cases past the queue stand in the true grid: a dispatcher mended what was wrong.
    grid = case.matched if status == "review" else case.truth
    place, accuracy = _position(world, case, status)
    reporter = None
    if case.source in ("snap", "hotline-12345", "courier"):
        reporter = {"name": case.person, "phone": names.phone(int(rng.integers(10_000)))}
    return Event(
        id=uuid.UUID(bytes=rng.bytes(16), version=4),
        source=case.source,
        source_ref=f"demo-{case.source}-{case.number + 1:07d}",
        category=case.category,
        title=title,
        description=description,
        address=address,
        received_at=case.received,
        lonlat=place,
        accuracy_m=accuracy,
        raw_location=_raw(case),
        reporter=reporter,
        routing=routing,
        status=status,
        grid_code=grid,
        match=_match(world.areas, routing, grid, place, case.pin),
        true_grid=case.truth,
        true_lonlat=case.lonlat,
        true_frame=None if case.pin is None else case.pin.frame,
        facts=_facts(world, case, faults),
        due_at=_due(times[0], category),
        dispatched_at=times[0],
        resolved_at=times[1],
        closed_at=times[2],
    )


def _position(
    world: _World, case: _Incident, status: str
) -> tuple[tuple[float, float] | None, float | None]:
    """Return the position kept with the event: the pin, or the address that was confirmed."""
    if case.pin is not None:
        return case.pin.lonlat, float(case.pin.raw["accuracy_m"])
    if status == "review":
        return None, None
    lon, lat = world.gazetteer.lonlat[case.entry]
    return (float(lon), float(lat)), UNCERTAINTY_M[world.gazetteer.kind[case.entry]]


def _raw(case: _Incident) -> dict[str, Any] | None:
    """Return the pin as it was sent; one that says when it was fixed, says it in UTC."""
    if case.pin is None or not case.pin.stale_s:
        return None if case.pin is None else case.pin.raw
    fixed = case.received - timedelta(seconds=case.pin.stale_s)
    return {**case.pin.raw, "fixed_at": fixed.isoformat()}


def _facts(world: _World, case: _Incident, faults: list[str]) -> dict[str, Any]:
    facts: dict[str, Any] = {"made": True, "address": world.gazetteer.full_text[case.entry]}
    if faults:
        facts["address_faults"] = faults
    if case.pin is not None:
        facts |= {"gps_error_m": case.pin.error_m, "declared_crs": case.pin.declared}
        if case.pin.swapped:
            facts["swapped"] = True
        if case.pin.failed:
            facts["failed_geocoding"] = True
        if case.pin.stale_s:
            facts["stale_s"] = case.pin.stale_s
    return facts


def _course(
    received: datetime, reference: datetime, category: Category, rng: np.random.Generator
) -> tuple[str, tuple[datetime | None, datetime | None, datetime | None]]:
    """Return the status at the reference instant and when it was dispatched, resolved, closed."""
    dispatched = received + timedelta(minutes=float(rng.gamma(2.0, 4.0)))
    limit = category.deadlines["handle"]
    hours = limit.amount * {"work_hours": 3.0, "urgent_hours": 1.0}.get(limit.unit, 24.0)
    late = rng.random() > ON_TIME
    share = rng.uniform(1.1, 2.2) if late else rng.beta(2.0, 3.0)
    resolved = dispatched + timedelta(hours=max(hours * share, 0.2))
    closed = resolved + timedelta(hours=float(rng.gamma(2.0, 5.0)))
    young = reference - received < timedelta(days=OPEN_DAYS)
    if closed >= reference or (young and rng.random() < 0.5):
        return "dispatched", (dispatched, None, None)
    return "closed", (dispatched, resolved, closed)


def _due(dispatched: datetime | None, category: Category) -> datetime | None:
    if dispatched is None:
        return None
    limit = category.deadlines["handle"]
    try:
        return due_at(dispatched, limit.amount, limit.unit)
    except CalendarMissing:  # the next year's holidays are not published yet
        return None


def _match(
    areas: Areas,
    routing: str,
    code: str | None,
    place: tuple[float, float] | None,
    pin: Pin | None,
) -> dict[str, Any]:
    """Return the match in the shape of the API's answer, short: path and reasons by code."""
    chosen = None
    path: list[dict[str, str]] = []
    if code is not None:
        chosen = {"code": code, "name": areas.names[code]}
        levels = ("city", "county", "subdistrict", "community", "grid")
        path = [
            {"level": level, "code": c, "name": areas.names[c]}
            for level, c in zip(levels, areas.path(code), strict=True)
        ]
    if pin is None:
        reason = Reason(
            "no-position",
            "来件只有地址，由调度员确认网格。",
            "There was only an address: a dispatcher confirmed the grid.",
        )
    elif pin.lonlat is None:
        reason = Reason(
            "position-invalid",
            "经度和纬度可能写反了，由调度员确认网格。",
            "Longitude and latitude look swapped: a dispatcher confirmed the grid.",
        )
    elif routing == "review":
        reason = Reason(
            "confirmed-by-dispatcher",
            "位置与现场不符，由调度员确认网格。",
            "The pin did not agree with the place: a dispatcher confirmed the grid.",
        )
    else:
        reason = Reason("inside", "位置在网格内。", "The pin lies in the grid.")
    confidence = 0.98 if routing == "auto" else 0.5
    evidence = ["address" if pin is None or pin.lonlat is None else "position"]
    return {
        "decision": routing,
        "level": "grid",
        "grid": chosen,
        "path": path,
        "confidence": confidence,
        "ambiguous": False,
        "edge_distance_m": None,
        "point": None if place is None else {"lon": place[0], "lat": place[1]},
        "candidates": []
        if chosen is None
        else [{**chosen, "probability": confidence, "distance_m": 0.0, "evidence": evidence}],
        "outside_probability": round(1.0 - confidence, 6) if chosen else 1.0,
        "reasons": [
            {
                "code": reason.code,
                "text_zh": reason.text_zh,
                "text_en": reason.text_en,
                "facts": {"made": True},
            }
        ],
        "responsible": None,
        "boundary_revision": 1,
    }
