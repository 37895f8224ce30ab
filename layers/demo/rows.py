"""The city's values as rows of tables, in the order in which references allow writing them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import Final

import numpy as np
import shapely

from gis.store.bulk import as_json
from layers.demo import settlements as use
from layers.demo.addresses import NAMED_KINDS, UNCERTAINTY_M
from layers.demo.batches import Batch, Ids, hexadecimal, points
from layers.demo.case_rows import case_batches
from layers.demo.city import City
from layers.demo.frame import degrees, geometries_in_degrees
from layers.demo.matters import matter_batches
from layers.demo.population import TAGS
from layers.demo.register import CODE_SYSTEM
from layers.demo.spoken_names import spoken_names

LOCAL_TIME: Final = timezone(timedelta(hours=8))
DISPATCHER: Final = "demo-dispatcher"
_BUILDING_KINDS: Final = {
    use.HAMLET: "farmhouse",
    use.RESIDENTIAL: "residential",
    use.HIGHRISE: "residential",
    use.COMMERCIAL: "commercial",
    use.OFFICE: "office",
    use.SCHOOL: "school",
    use.HOSPITAL: "hospital",
    use.MARKET: "market",
    use.INDUSTRIAL: "industrial",
}


def all_batches(city: City, ids: Ids, effective_from: datetime) -> Iterator[Batch]:
    """Yield the batches of the whole city, in writing order."""
    since = f"[{effective_from.isoformat()},)"
    yield from _areas(city, ids, since)
    yield from _places(city, ids)
    yield from _people(city, ids, since)
    yield from _jobs(city, ids)
    yield from case_batches(city, ids)
    yield from matter_batches(city.matters, ids.matters)


def _areas(city: City, ids: Ids, since: str) -> Iterator[Batch]:
    rows = city.areas.rows
    shapes = hexadecimal(np.array([shapely.multipolygons([row.geometry]) for row in rows], object))
    yield Batch(
        "areas",
        ("code", "level", "code_system"),
        [(row.code, row.level, row.code_system) for row in rows],
        len(rows),
    )
    yield Batch(
        "area_versions",
        ("area_code", "draft_id", "level", "parent_code", "name", "kind", "categories", "geometry",
         "households", "residents", "attributes", "valid", "added_revision"),
        (
            (row.code, ids.draft, row.level, row.parent, row.name, row.kind, list(row.categories),
             shape, row.households, row.residents, as_json(row.attributes), since, 1)
            for row, shape in zip(rows, shapes, strict=True)
        ),
        len(rows),
    )  # fmt: skip
    listed = [row for row in rows if row.other_code]
    yield Batch(
        "area_codes",
        ("area_code", "code_system", "other_code", "name"),
        [(row.code, CODE_SYSTEM, row.other_code, row.name) for row in listed],
        len(listed),
    )
    other_names = [pair for row in rows if row.level != "grid" for pair in spoken_names(row)]
    yield Batch(
        "area_aliases",
        ("area_code", "alias", "kind", "source", "created_by"),
        [(code, alias, kind, "made", "demo") for code, alias, kind in other_names],
        len(other_names),
    )


def _places(city: City, ids: Ids) -> Iterator[Batch]:
    b, grid_codes = city.buildings, city.areas.grid_codes
    count = len(b.grid)
    shapes = hexadecimal(geometries_in_degrees(b.footprints))
    centres = points(degrees(b.centre))
    tag_names = [name for name, _ in TAGS]
    tags = [
        as_json({name: n for name, n in zip(tag_names, row, strict=True) if n})
        for row in b.people.tags.tolist()
    ]
    people = b.people
    columns = zip(
        ids.buildings, b.use.tolist(), centres, shapes, b.floors.tolist(),
        people.residents.tolist(), people.households.tolist(), people.ages.tolist(), tags,
        b.grid.tolist(), strict=True,
    )  # fmt: skip
    yield Batch(
        "buildings",
        ("id", "code", "kind", "geometry", "footprint", "floors", "residents", "households",
         "age_0_14", "age_15_59", "age_60_plus", "tags", "grid_code"),
        (
            (number, f"B{place + 1:07d}", _BUILDING_KINDS[kind], centre, shape, floors, residents,
             households, *ages, tag, grid_codes[grid])
            for place, (number, kind, centre, shape, floors, residents, households, ages, tag,
                        grid) in enumerate(columns)
        ),
        count,
    )  # fmt: skip
    s = city.streets
    lines = hexadecimal(s.geometry)
    yield Batch(
        "roads",
        ("code", "name", "class", "geometry", "oneway", "walk", "ride", "owner_unit", "length_m"),
        (
            (f"R{k + 1:06d}", s.name[k], s.road_class[k], lines[k], bool(s.oneway[k]), True,
             bool(s.ride[k]), s.owner[k], float(s.length_m[k]))
            for k in range(len(lines))
        ),
        len(lines),
    )  # fmt: skip
    g = city.gazetteer
    places = points(g.lonlat)
    yield Batch(
        "gazetteer_entries",
        ("kind", "full_text", "road", "house_number", "compound", "building", "aliases", "geometry",
         "community_code", "uncertainty_m", "source", "name"),
        (
            (g.kind[k], g.full_text[k], g.road[k], g.house_number[k], g.compound[k], g.building[k],
             [g.alias[k]], places[k], grid_codes[g.grid[k]][:12], UNCERTAINTY_M[g.kind[k]], "made",
             g.alias[k] if g.kind[k] in NAMED_KINDS else None)
            for k in range(len(g))
        ),
        len(g),
    )  # fmt: skip
    at = points(np.array([station.lonlat for station in city.stations]))
    yield Batch(
        "stations",
        ("code", "name", "kind", "geometry", "area_code", "staffed", "opening_hours", "capacity",
         "attributes"),
        [
            (x.code, x.name, x.kind, at[k], x.area_code, x.staffed, x.opening_hours, x.capacity,
             '{"made":true}')
            for k, x in enumerate(city.stations)
        ],
        len(at),
    )  # fmt: skip


def _people(city: City, ids: Ids, since: str) -> Iterator[Batch]:
    t = city.teams
    yield Batch("units", ("code", "name", "kind", "area_code", "phone"), t.units, len(t.units))
    yield Batch(
        "persons",
        ("id", "code", "name", "phone", "unit_code"),
        [(number, *person) for number, person in zip(ids.persons, t.persons, strict=True)],
        len(t.persons),
    )
    yield Batch(
        "duties",
        ("person_id", "role", "area_code", "deputy", "valid"),
        [
            (ids.persons[person], role, code, deputy, since)
            for person, role, code, deputy in t.duties
        ],
        len(t.duties),
    )
    yield Batch(
        "absences",
        ("person_id", "during", "reason"),
        [
            (ids.persons[person], f"[{first.isoformat()},{last.isoformat()})", reason)
            for person, first, last, reason in t.absences
        ],
        len(t.absences),
    )


def _jobs(city: City, ids: Ids) -> Iterator[Batch]:
    at = points(np.array([opening.lonlat for opening in city.openings]))
    yield Batch(
        "job_openings",
        ("code", "employer", "title", "trade", "wage_min", "wage_max", "openings", "geometry",
         "valid"),
        [
            (o.code, o.employer, o.title, o.trade, o.wage_min, o.wage_max, o.openings, at[k],
             f"[{o.valid_from.isoformat()},{o.valid_to.isoformat()})")
            for k, o in enumerate(city.openings)
        ],
        len(at),
    )  # fmt: skip
    homes = np.array([seeker.building for seeker in city.seekers])
    at = points(degrees(city.buildings.centre[homes]))
    yield Batch(
        "job_seekers",
        ("code", "trade", "wage_wish", "household_code", "zero_employment_household", "building_id",
         "geometry"),
        [
            (s.code, s.trade, s.wage_wish, s.household_code, s.zero_employment,
             ids.buildings[s.building], at[k])
            for k, s in enumerate(city.seekers)
        ],
        len(at),
    )  # fmt: skip
