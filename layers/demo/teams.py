"""Stations, units, persons and duties: who stands ready where."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from typing import Final

import numpy as np

from layers.demo import names
from layers.demo import settlements as use
from layers.demo.areas import Areas
from layers.demo.buildings import Buildings
from layers.demo.frame import Floats, degrees
from layers.demo.register import CITY_CODE, CITY_NAME
from layers.demo.streets import HIGHWAY_UNIT, PARK_UNIT

SERVICE_STATIONS: Final = 243
JOB_STATION_SHARE: Final = 0.35
"""Share of urban communities with a job-service station of their own; neighbours share it."""
DEPUTY_SHARE: Final = 0.88

CITY_UNITS: Final = (
    ("U-COMMAND", f"{CITY_NAME}社会治理指挥中心", "command_center"),
    ("U-URBAN", f"{CITY_NAME}城市管理局", "bureau"),
    ("U-HOUSING", f"{CITY_NAME}住房和城乡建设局", "bureau"),
    ("U-POLICE", f"{CITY_NAME}公安局", "bureau"),
    ("U-TRANSPORT", f"{CITY_NAME}交通运输局", "bureau"),
    ("U-ECOLOGY", f"{CITY_NAME}生态环境局", "bureau"),
    ("U-MARKET", f"{CITY_NAME}市场监督管理局", "bureau"),
    ("U-CIVIL", f"{CITY_NAME}民政局", "bureau"),
    ("U-LABOUR", f"{CITY_NAME}人力资源和社会保障局", "bureau"),
    ("U-FIRE", f"{CITY_NAME}消防救援支队", "bureau"),
    (PARK_UNIT, f"{CITY_NAME}园林绿化管理处", "bureau"),
    (HIGHWAY_UNIT, f"{CITY_NAME}公路管理服务中心", "bureau"),
    ("U-WATER", "示范供水公司", "company"),
    ("U-GAS", "示范燃气公司", "company"),
    ("U-POWER", "示范供电公司", "company"),
    ("U-TELECOM", "示范通信公司", "company"),
)


@dataclass(frozen=True, slots=True)
class Station:
    """A station row; ``xy`` in metres of the plane."""

    code: str
    name: str
    kind: str
    xy: Floats
    lonlat: Floats
    area_code: str
    staffed: bool
    opening_hours: str
    capacity: int


@dataclass(slots=True)
class Teams:
    """Units, persons, duties and absences; person and duty rows refer to positions in persons."""

    units: list[tuple[str, str, str, str | None, str]] = field(default_factory=list)
    persons: list[tuple[str, str, str, str]] = field(default_factory=list)
    duties: list[tuple[int, str, str, bool]] = field(default_factory=list)
    absences: list[tuple[int, datetime, datetime, str]] = field(default_factory=list)
    worker_of: dict[str, int] = field(default_factory=dict)


def place_stations(
    areas: Areas, buildings: Buildings, scale: float, rng: np.random.Generator
) -> list[Station]:
    """Return service stations, job-service stations and governance centres."""
    site = _community_sites(areas, buildings)
    urban = [k for k in range(len(areas.community_codes)) if areas.community_urban[k] and k in site]
    rural = [k for k in site if not areas.community_urban[k]]
    wanted = max(round(SERVICE_STATIONS * min(scale, 1.0)), min(8, len(site)))
    extra = [rural[k] for k in rng.permutation(len(rural))[: max(wanted - len(urban), 0)]]
    stations: list[Station] = []

    def add(kind: str, name: str, xy: Floats, area: str, capacity: int) -> None:
        moved = xy + rng.uniform(-6, 6, size=2)
        stations.append(
            Station(
                code=f"ST{len(stations) + 1:05d}",
                name=name,
                kind=kind,
                xy=moved,
                lonlat=degrees(moved[None])[0],
                area_code=area,
                staffed=bool(rng.random() < 0.93),
                opening_hours="周一至周五 08:30-12:00 14:00-17:30",
                capacity=capacity,
            )
        )

    for k in (urban + extra)[:wanted]:
        code = areas.community_codes[k]
        name = f"{areas.names[code]}便民服务站"
        add("service_station", name, site[k][0], code, int(rng.integers(20, 90)))
    own = max(2, round(JOB_STATION_SHARE * len(urban)))
    for k in sorted(rng.permutation(urban)[:own].tolist()):
        code = areas.community_codes[k]
        name = f"{areas.names[code]}就业服务站"
        add("job_service", name, site[k][1], code, int(rng.integers(10, 60)))
    for row in areas.rows:
        if row.level in ("county", "subdistrict"):
            inside = [k for k in site if areas.community_codes[k].startswith(row.code)]
            if not inside:
                continue
            best = max(inside, key=lambda k: (areas.community_urban[k], -k))
            name = f"{row.name}综治中心"
            add("governance_center", name, site[best][2], row.code, int(rng.integers(30, 200)))
    return stations


def _community_sites(areas: Areas, buildings: Buildings) -> dict[int, list[Floats]]:
    """Return three buildings near the people of each community, public ones where there are."""
    position = {code: k for k, code in enumerate(areas.community_codes)}
    community = np.array([position[code[:12]] for code in areas.grid_codes])[buildings.grid]
    size = len(areas.community_codes)
    people = buildings.people.residents + 0.01
    total = np.bincount(community, weights=people, minlength=size)
    middle = np.column_stack(
        [
            np.bincount(community, weights=people * buildings.centre[:, axis], minlength=size)
            / np.maximum(total, 1e-9)
            for axis in (0, 1)
        ]
    )
    away = np.hypot(*(buildings.centre - middle[community]).T)
    public = np.isin(buildings.use, (use.COMMERCIAL, use.OFFICE, use.MARKET))
    order = np.lexsort((away * np.where(public, 0.4, 1.0), community))
    sites: dict[int, list[Floats]] = {}
    for k in order.tolist():
        found = sites.setdefault(int(community[k]), [])
        if len(found) < 3:
            found.append(buildings.centre[k])
    return {k: (v * 3)[:3] for k, v in sites.items()}


def build_teams(areas: Areas, reference: datetime, rng: np.random.Generator) -> Teams:
    """Return the 1+5+N teams: every grid has a worker, most a deputy, every community its team."""
    teams = Teams()
    phones = map(names.phone, count())
    _add_units(teams, areas, phones)
    pool = names.people(len(areas.grid_codes) + 16 * len(areas.community_codes) + 500, rng)
    hire = _Hiring(teams, iter(pool), phones)
    for row in areas.rows:
        if row.level == "subdistrict":
            teams.duties.append((hire(f"U{row.code}"), "township_lead", row.code, False))
    grids: dict[str, list[str]] = {}
    for code in sorted(areas.grid_codes):
        grids.setdefault(code[:12], []).append(code)
    leads: dict[str, int] = {}
    for k, code in enumerate(areas.community_codes):
        _community_team(teams, code, hire, rng, urban=bool(areas.community_urban[k]))
        leads[code] = hire(f"U{code}")
        teams.duties.append((leads[code], "grid_lead", code, False))
        _grid_teams(teams, grids[code], leads[code], hire, rng)
    for row in areas.rows:
        if row.kind == "dedicated":
            keeper = hire(f"U{row.code[:12]}")
            teams.worker_of[row.code] = keeper
            teams.duties.append((keeper, "grid_worker", row.code, False))
            teams.duties.append((leads[row.code[:12]], "grid_lead", row.code, False))
    _absences(teams, reference, rng)
    return teams


@dataclass(slots=True)
class _Hiring:
    """Adds a person to the teams and returns their position."""

    teams: Teams
    pool: Iterator[str]
    phones: Iterator[str]

    def __call__(self, unit: str) -> int:
        number = len(self.teams.persons)
        self.teams.persons.append((f"P{number + 1:06d}", next(self.pool), next(self.phones), unit))
        return number


def _add_units(teams: Teams, areas: Areas, phones: Iterator[str]) -> None:
    for code, name, kind in CITY_UNITS:
        teams.units.append((code, name, kind, CITY_CODE, next(phones)))
    for row in areas.rows:
        base = row.name.removesuffix("社区").removesuffix("村")
        ending = "居民委员会" if row.kind == "urban" else "村民委员会"
        name, kind = {
            "county": (f"{row.name}城市管理局", "bureau"),
            "subdistrict": (f"{row.name}综合执法大队", "subdistrict"),
            "community": (f"{base}{ending}", "committee"),
        }.get(row.level, ("", ""))
        if name:
            teams.units.append((f"U{row.code}", name, kind, row.code, next(phones)))


def _grid_teams(
    teams: Teams, grids: list[str], lead: int, hire: _Hiring, rng: np.random.Generator
) -> None:
    """Give each grid of a community a worker; the next grid's worker is the deputy."""
    workers = [hire(f"U{grid[:12]}") for grid in grids]
    for place, grid in enumerate(grids):
        teams.worker_of[grid] = workers[place]
        teams.duties.append((workers[place], "grid_worker", grid, False))
        teams.duties.append((lead, "grid_lead", grid, False))
        if len(grids) > 1 and rng.random() < DEPUTY_SHARE:
            deputy = workers[(place + 1) % len(grids)]
            teams.duties.append((deputy, "grid_worker", grid, True))


def _community_team(
    teams: Teams, code: str, hire: _Hiring, rng: np.random.Generator, *, urban: bool
) -> None:
    unit = f"U{code}"
    for role, at in (
        ("party_secretary", unit),
        ("cadre", unit),
        ("peace_officer", unit),
        ("police_officer", "U-POLICE"),
        ("legal_worker", f"U{code[:9]}"),
        ("elder", unit),
        ("volunteer", unit),
    ):
        teams.duties.append((hire(at), role, code, False))
    teams.duties.append((hire(unit), "cadre", code, True))
    for role, likely in (
        ("social_worker", 0.9 if urban else 0.3),
        ("organisation", 0.6 if urban else 0.2),
        ("new_employment", 0.8 if urban else 0.15),
    ):
        if rng.random() < likely:
            teams.duties.append((hire(unit), role, code, False))


def _absences(teams: Teams, reference: datetime, rng: np.random.Generator) -> None:
    """Return leave of grid workers: some over, some running at the reference instant."""
    reasons = ("年休假", "病假", "培训", "事假")
    for worker in teams.worker_of.values():
        if rng.random() < 0.06:
            first = reference + timedelta(days=int(rng.integers(-40, 10)))
            days = int(rng.integers(1, 8))
            reason = reasons[int(rng.integers(len(reasons)))]
            teams.absences.append((worker, first, first + timedelta(days=days), reason))
