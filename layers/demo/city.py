"""The demo city as values: everything made from a seed, nothing written anywhere."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import numpy as np

from gis.governance.categories import Category, load_default
from layers.demo import (
    addresses,
    areas,
    buildings,
    events,
    house_numbers,
    jobs,
    matters,
    streets,
    teams,
)
from layers.demo.borders import read_borders
from layers.demo.mesh import build_mesh
from layers.demo.outlines import draw, polygons
from layers.demo.regions import divide
from layers.demo.register import read_counties, thin
from layers.demo.roads import build_roads
from layers.demo.settlements import settle
from layers.demo.towns import place_towns

DEFAULT_SEED: Final = 20260101
LEAST_SCALE: Final = 0.02
LARGEST_SCALE: Final = 10.0

STAGES: Final[dict[str, tuple[str, str, float]]] = {
    "borders": ("县界", "county outlines", 1.0),
    "mesh": ("城镇与底图网", "towns and mesh", 6.0),
    "areas": ("街道、社区、网格", "areas", 9.0),
    "roads": ("道路", "roads", 4.0),
    "buildings": ("楼栋与人口", "buildings", 6.0),
    "addresses": ("地名地址", "addresses", 7.0),
    "teams": ("队伍与站点", "teams and stations", 3.0),
    "events": ("事件", "events", 6.0),
    "matters": ("议事", "deliberations", 0.1),
}
"""Stage -> (title_zh, title_en, usual share of the work)."""


@dataclass(frozen=True, slots=True)
class City:
    """All rows of the demo city; geometry in lon/lat unless a field says metres."""

    seed: int
    scale: float
    reference: datetime
    areas: areas.Areas
    buildings: buildings.Buildings
    streets: streets.Streets
    gazetteer: addresses.Gazetteer
    stations: list[teams.Station]
    teams: teams.Teams
    openings: list[jobs.Opening]
    seekers: list[jobs.Seeker]
    categories: list[Category]
    events: list[events.Event]
    matters: list[matters.Matter]


def build(
    seed: int = DEFAULT_SEED,
    scale: float = 1.0,
    *,
    reference: datetime,
    stage: Callable[[str], None] = lambda _: None,
) -> City:
    """Make the demo city; the same arguments give the same values.

    Parameters
    ----------
    seed
        Any non-negative number. Every stage draws from a stream of its own.
    scale
        1 is the whole city. Below, all counties stay and the rest becomes fewer; above, grids
        split finer and everything in them grows in number. From 0.02 to 10.
    reference
        Aware instant at which the year of events ends.
    stage
        Called with the key of each stage (:data:`STAGES`) when it begins.

    Raises
    ------
    ValueError
        A scale outside its range, or a naive instant.
    """
    if not LEAST_SCALE <= scale <= LARGEST_SCALE:
        raise ValueError(f"scale {scale} is not within {LEAST_SCALE} and {LARGEST_SCALE}")
    if reference.tzinfo is None:
        raise ValueError("the reference instant needs a time zone")

    def stream(name: str) -> np.random.Generator:
        stage(name)
        return np.random.default_rng([seed, list(STAGES).index(name)])

    stage("borders")
    borders = read_borders()
    counties = thin(read_counties(), scale)
    rng = stream("mesh")
    towns = place_towns(counties, borders, scale, rng)
    mesh = build_mesh(borders, towns, scale, rng)
    rng = stream("areas")
    regions = divide(mesh, counties, towns, scale, rng)
    shapes = polygons(mesh, regions.grid, draw(mesh, regions.grid, rng))
    rng = stream("roads")
    places = settle(mesh, regions, towns, scale, rng)
    network = build_roads(mesh, towns, places.villages, places.hamlets, rng)
    rng = stream("buildings")
    houses = buildings.build(
        mesh,
        regions,
        places,
        towns=towns,
        roads=network,
        grid_polygons=shapes,
        scale=scale,
        rng=rng,
    )
    hierarchy = areas.assemble(
        counties,
        mesh,
        regions,
        places=places,
        polygons=shapes,
        buildings=houses,
        scale=scale,
        rng=rng,
    )
    rng = stream("addresses")
    named = streets.name_roads(network, towns, regions, hierarchy, rng)
    locator = house_numbers.Locator(hierarchy.grid_polygons)
    stations = teams.place_stations(hierarchy, houses, scale, rng)
    gazetteer = addresses.build_gazetteer(
        mesh,
        regions,
        hierarchy,
        buildings=houses,
        numbers=house_numbers.number_streets(network, named, locator, rng),
        stations=[(station.name, station.xy) for station in stations],
        locator=locator,
        scale=scale,
        rng=rng,
    )
    rng = stream("teams")
    people = teams.build_teams(hierarchy, reference, rng)
    openings = jobs.build_openings(hierarchy, houses, reference, scale, rng)
    seekers = jobs.build_seekers(houses, scale, rng)
    rng = stream("events")
    categories = load_default()
    cases = events.build_events(
        hierarchy,
        gazetteer,
        locator,
        categories={c.key: c for c in categories},
        reference=reference,
        scale=scale,
        rng=rng,
    )
    deliberated = matters.build_matters(hierarchy, reference, stream("matters"))
    return City(
        seed, scale, reference, hierarchy, houses, named, gazetteer, stations, people, openings,
        seekers, categories, cases, deliberated,
    )  # fmt: skip
