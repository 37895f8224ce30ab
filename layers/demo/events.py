"""A year of events 事件: what came in (with its errors), the truth, and what became of it."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import numpy as np

from gis.errors import CalendarMissing
from gis.geometry.crs import from_wgs84, to_wgs84
from gis.governance.calendar import due_at
from gis.governance.categories import Category
from layers.demo import names, settlements as use
from layers.demo.addresses import UNCERTAINTY_M, Gazetteer, Locator
from layers.demo.areas import Areas
from layers.demo.buildings import Buildings
from layers.demo.frame import Floats, Ints, degrees, plane
from layers.demo.texts import CATEGORY_WEIGHTS, PHRASES, SOURCE_WEIGHTS, as_typed, describe

EVENTS: Final = 20_000
ADDRESS_ONLY: Final[dict[str, float]] = {
    "snap": 0.30, "hotline-12345": 0.86, "patrol": 0.08, "courier": 0.20, "video": 0.0,
}  # fmt: skip
"""Share of a source's events that come without a pin; 0.40 over all."""
BOTH: Final = 0.45
"""Share of events with a pin that also carry an address text."""
ERROR_M: Final[dict[str, tuple[float, float]]] = {
    "snap": (16.0, 0.95), "hotline-12345": (45.0, 0.8), "patrol": (7.0, 0.6),
    "courier": (24.0, 0.85), "video": (6.0, 0.4),
}  # fmt: skip
"""Median of the GPS error and its log spread: most within 5 to 150 m, with a long tail."""
FRAMES: Final[dict[str, tuple[tuple[str, float], ...]]] = {
    "snap": (("GCJ-02", 1.0),),
    "hotline-12345": (("GCJ-02", 0.7), ("BD-09", 0.3)),
    "patrol": (("WGS84", 0.6), ("CGCS2000", 0.4)),
    "courier": (("BD-09", 0.75), ("GCJ-02", 0.25)),
    "video": (("CGCS2000", 1.0),),
}
WRONG_FRAME: Final = 0.13
SWAPPED: Final = 0.02
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
class _Pin:
    lonlat: tuple[float, float] | None
    raw: dict[str, Any]
    frame: str
    declared: str
    swapped: bool
    error_m: float


def build_events(
    areas: Areas,
    buildings: Buildings,
    gazetteer: Gazetteer,
    locator: Locator,
    categories: Mapping[str, Category],
    reference: datetime,
    scale: float,
    rng: np.random.Generator,
) -> list[Event]:
    """Return ``EVENTS * scale`` events of the year before ``reference``, by time."""
    count = max(round(EVENTS * scale), 200)
    xy, entry = _places(buildings, gazetteer, count, rng)
    true_lonlat = degrees(xy)
    grid = locator.locate(true_lonlat)
    keep = grid >= 0
    true_lonlat[~keep] = gazetteer.lonlat[entry[~keep]]
    grid[~keep] = gazetteer.grid[entry[~keep]]
    sources = rng.choice(
        list(SOURCE_WEIGHTS), size=count, p=np.array(list(SOURCE_WEIGHTS.values()))
    )
    received = _times(reference, count, rng)
    known = [key for key in PHRASES if key in categories]
    pins = _pins(true_lonlat, sources, rng)
    located = np.array(
        [(0.0, 0.0) if pin is None or pin.lonlat is None else pin.lonlat for pin in pins]
    )
    matched = locator.locate(located)
    chosen = [_category(known, str(source), rng) for source in sources]
    truth = _owners(areas, true_lonlat, grid, chosen)
    read = _owners(areas, located, matched, chosen)
    people = names.people(count, rng)
    return [
        _event(
            k, str(sources[k]), received[k], truth[k] or "", read[k], pins[k],
            (float(true_lonlat[k, 0]), float(true_lonlat[k, 1])), int(entry[k]), people[k],
            areas, gazetteer, categories, chosen[k], reference, rng,
        )
        for k in range(count)
    ]  # fmt: skip


def _owners(
    areas: Areas, lonlat: Floats, grid: Ints, categories: list[str]
) -> list[str | None]:
    """Return the code that owns each point: a dedicated grid for its categories, else the general."""
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


def _places(
    buildings: Buildings, gazetteer: Gazetteer, count: int, rng: np.random.Generator
) -> tuple[Floats, Ints]:
    """Return true places: near an addressed door, more often in town; and that address."""
    kind = np.array(gazetteer.kind)
    weight = np.select(
        [kind == "building", kind == "road_number", kind == "landmark", kind == "door"],
        [1.0, 0.9, 2.5, 0.22],
        0.0,
    )
    entry = rng.choice(len(weight), size=count, p=weight / weight.sum())
    xy = plane(gazetteer.lonlat[entry, 0], gazetteer.lonlat[entry, 1])
    return xy + rng.normal(scale=7.0, size=xy.shape), entry


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


def _pins(
    true_lonlat: Floats, sources: np.ndarray, rng: np.random.Generator
) -> list[_Pin | None]:
    count = len(sources)
    xy = plane(true_lonlat[:, 0], true_lonlat[:, 1])
    median = np.array([ERROR_M[s][0] for s in sources])
    spread = np.array([ERROR_M[s][1] for s in sources])
    error = np.minimum(median * np.exp(rng.normal(size=count) * spread), 2_000.0)
    turn = rng.uniform(0, 2 * np.pi, size=count)
    seen = degrees(xy + error[:, None] * np.column_stack([np.cos(turn), np.sin(turn)]))
    has_pin = rng.random(count) >= np.array([ADDRESS_ONLY[s] for s in sources])
    # Phones report their 68 % radius imperfectly, in steps.
    accuracy = np.maximum(np.round(error * np.exp(rng.normal(scale=0.6, size=count)) / 5) * 5, 5.0)
    wrong, swapped = rng.random(count) < WRONG_FRAME, rng.random(count) < SWAPPED
    pins: list[_Pin | None] = []
    frames = [_frame(str(s), rng) for s in sources]
    others = rng.random(count)
    numbers = {name: _in_frame(seen, name) for name in ("WGS84", "CGCS2000", "GCJ-02", "BD-09")}
    read: dict[tuple[str, str], Floats] = {}
    for k in range(count):
        if not has_pin[k]:
            pins.append(None)
            continue
        frame = frames[k]
        declared = _wrong_frame(frame, others[k]) if wrong[k] else frame
        lon, lat = (float(value) for value in numbers[frame][k])
        if (frame, declared) not in read:
            read[frame, declared] = _from_frame(numbers[frame], declared)
        place = None if swapped[k] else tuple(read[frame, declared][k].tolist())
        if swapped[k]:
            lon, lat = lat, lon
        raw = {"lon": lon, "lat": lat, "crs": declared, "accuracy_m": float(accuracy[k])}
        pins.append(
            _Pin(place, raw, frame, declared, bool(swapped[k]), round(float(error[k]), 1))
        )
    return pins


def _frame(source: str, rng: np.random.Generator) -> str:
    draw, total = rng.random(), 0.0
    for name, share in FRAMES[source]:
        total += share
        if draw < total:
            return name
    return FRAMES[source][-1][0]


def _wrong_frame(frame: str, draw: float) -> str:
    if frame in ("WGS84", "CGCS2000"):
        return "GCJ-02"
    other = "BD-09" if frame == "GCJ-02" else "GCJ-02"
    return "WGS84" if draw < 0.8 else other


def _in_frame(lonlat: Floats, frame: str) -> Floats:
    lon, lat = from_wgs84(lonlat[:, 0], lonlat[:, 1], frame)
    return np.round(np.column_stack([lon, lat]), 7)


def _from_frame(numbers: Floats, frame: str) -> Floats:
    lon, lat = to_wgs84(numbers[:, 0], numbers[:, 1], frame)
    return np.round(np.column_stack([lon, lat]), 7)


def _event(
    number: int,
    source: str,
    received: datetime,
    truth: str,
    matched: str | None,
    pin: _Pin | None,
    true_lonlat: tuple[float, float],
    entry: int,
    person: str,
    areas: Areas,
    gazetteer: Gazetteer,
    categories: Mapping[str, Category],
    category: str,
    reference: datetime,
    rng: np.random.Generator,
) -> Event:
    title, description = describe(category, rng)
    address, faults = None, list[str]()
    if pin is None or rng.random() < BOTH:
        address, faults = as_typed(gazetteer.full_text[entry], rng)
    by_address = pin is None or pin.lonlat is None
    doubtful = by_address or matched is None
    status, times = _course(received, reference, categories[category], rng)
    # Closed and dispatched cases stand in the true grid: a dispatcher mended what was wrong.
    routing = "review" if doubtful or matched != truth else "auto"
    if status == "dispatched" and routing == "review":
        status = "review"
        times = (None, None, None)
    final = truth if status != "review" else matched
    due = _due(times[0], categories[category])
    if pin is None:
        place: tuple[float, float] | None = None
        if status != "review":
            lon, lat = gazetteer.lonlat[entry]
            place = (float(lon), float(lat))
        accuracy = UNCERTAINTY_M[gazetteer.kind[entry]] if place else None
    else:
        place, accuracy = pin.lonlat, float(pin.raw["accuracy_m"])
    facts: dict[str, Any] = {"made": True, "address": gazetteer.full_text[entry]}
    if faults:
        facts["address_faults"] = faults
    if pin is not None:
        facts |= {"gps_error_m": pin.error_m, "declared_crs": pin.declared}
        if pin.swapped:
            facts["swapped"] = True
    reporter = None
    if source in ("snap", "hotline-12345", "courier"):
        reporter = {"name": person, "phone": names.phone(int(rng.integers(10_000)))}
    return Event(
        id=uuid.UUID(bytes=rng.bytes(16), version=4),
        source=source,
        source_ref=f"demo-{source}-{number + 1:07d}",
        category=category,
        title=title,
        description=description,
        address=address,
        received_at=received,
        lonlat=place,
        accuracy_m=accuracy,
        raw_location=None if pin is None else pin.raw,
        reporter=reporter,
        routing=routing,
        status=status,
        grid_code=final,
        match=_match(areas, routing, final, place, pin),
        true_grid=truth,
        true_lonlat=true_lonlat,
        true_frame=None if pin is None else pin.frame,
        facts=facts,
        due_at=due,
        dispatched_at=times[0],
        resolved_at=times[1],
        closed_at=times[2],
    )


def _course(
    received: datetime, reference: datetime, category: Category, rng: np.random.Generator
) -> tuple[str, tuple[datetime | None, datetime | None, datetime | None]]:
    """Return the status at the reference instant and when it was dispatched, resolved, closed."""
    dispatched = received + timedelta(minutes=float(rng.gamma(2.0, 4.0)))
    limit = category.deadlines["handle"]
    hours = limit.amount * {"work_hours": 3.0, "urgent_hours": 1.0, "work_days": 24.0}[limit.unit]
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
    pin: _Pin | None,
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
        reason = ("address-only", "来件只有地址,由调度员确认网格。")
    elif pin.lonlat is None:
        reason = ("position-invalid", "经度和纬度可能写反了,由调度员确认网格。")
    elif routing == "review":
        reason = ("confirmed-by-dispatcher", "位置与现场不符,由调度员确认网格。")
    else:
        reason = ("inside", "位置在网格内。")
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
        "reasons": [{"code": reason[0], "text": reason[1], "facts": {"made": True}}],
        "responsible": None,
        "boundary_revision": 1,
    }
