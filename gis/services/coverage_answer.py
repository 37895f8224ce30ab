"""A coverage question answered, in the shape of the contract: plain JSON values."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from gis.services.coverage_gaps import DRAWN_TO_M, Gaps, drawn_gaps

if TYPE_CHECKING:
    from gis.coverage.roads import RoadGraph
    from gis.services.city_memory import Basis
    from gis.services.city_reading import Parts, ReachRule
    from gis.services.coverage_count import ByArea, Counted
    from gis.services.coverage_question import CoverageQuestion, StationSet
    from gis.services.demand import Demand
    from gis.store.city import Areas, Source

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]

FEW: Final = 5
"""People of an age group or tag in an area are shown from this number on: never a household."""

_PLACED: Final = {
    "buildings": ("常住人口，按所在建筑统计", "residents, at the building they live in"),
    "dasymetric": (
        "常住人口，由区域或格网分摊到住宅统计",
        "residents, spread from areas or cells over the homes in them",
    ),
}


@dataclass(frozen=True, slots=True)
class Assessment:
    """One coverage question answered, with everything that a map or a table draws from it.

    ``graph`` is the road network where reach follows it; ``before`` is how things stand without
    the changes that were asked about, None without any.
    """

    basis: Basis
    question: CoverageQuestion
    rule: ReachRule
    kinds: list[str]
    city_areas: Areas
    parts: Parts
    demand: Demand
    stations: StationSet
    counted: Counted
    gaps: Gaps
    nearest_m: FloatArray
    methods: dict[str, float | None]
    source: Source
    graph: RoadGraph | None = None
    before: Assessment | None = None

    @property
    def codes(self) -> list[str]:
        """Return the code of each area."""
        return [self.city_areas.codes[position] for position in self.parts.areas]

    @property
    def names(self) -> list[str]:
        """Return the name of each area."""
        return [self.city_areas.names[position] for position in self.parts.areas]

    @property
    def listed(self) -> npt.NDArray[np.intp]:
        """Return the areas that the answer lists: all, or with changes those that differ."""
        every = np.arange(len(self.parts.areas))
        if self.before is None:
            return every
        now, then = self.counted.by_area, self.before.counted.by_area
        differs = np.abs(self.gaps.area_m2 - self.before.gaps.area_m2) > 1e-6
        for name in ("covered", "full", "closed", "none", "once", "twice"):
            differs |= getattr(now, name) != getattr(then, name)
        return np.flatnonzero(differs)


def as_contract(
    answer: Assessment, *, drawn_to_m: float = DRAWN_TO_M, digits: int = 6
) -> dict[str, Any]:
    """Return an assessment in the shape of the contract."""
    listed = answer.listed
    codes, names = answer.codes, answer.names
    result = {
        "summary": summary_of(answer),
        "areas": [
            {"code": codes[number], "name": names[number], **_row(answer, int(number))}
            for number in listed
        ],
        "gaps": gaps_geojson(answer, listed, drawn_to_m, digits),
        "kinds": [
            {
                "kind": kind,
                "stations": int(answer.stations.of_kind(kind).sum()),
                "people_covered": people,
                "ratio": ratio(people, int(answer.counted.by_area.people.sum())),
            }
            for kind, people in answer.counted.by_kind.items()
        ],
        "question": question_of(answer),
        "denominator": denominator_of(answer),
        "demand": answer.demand.facts() | {"ratio_by_method": answer.methods},
        "basis": answer.basis.facts(),
        "boundary_revision": answer.basis.revision,
    }
    if answer.counted.load is not None:
        result["stations"] = _loads(answer, answer.counted.load)
    if answer.stations.unread:
        result["hours_unread"] = answer.stations.unread
    if answer.before is not None:
        result["change"] = _change(answer, answer.before)
    return result


def summary_of(answer: Assessment) -> dict[str, Any]:
    """Return the figures of the whole scope; people = covered + uncovered + off the network."""
    rows, gaps = answer.counted.by_area, answer.gaps
    people, covered = int(rows.people.sum()), int(rows.covered.sum())
    off = int(rows.not_assessable.sum())
    area_km2, covered_m2 = answer.parts.scope_m2 / 1e6, gaps.covered_m2
    covered_km2 = None if covered_m2 is None else round(max(covered_m2, 0.0) / 1e6, 6)
    return {
        "people": people,
        "people_covered": covered,
        "people_uncovered": int(rows.uncovered.sum()),
        "people_off_network": off,
        "ratio": ratio(covered, people),
        "households": int(rows.households.sum()),
        "households_covered": int(rows.households_covered.sum()),
        "multiplicity": _multiplicity(rows, slice(None)),
        "uncovered_by_cause": _causes(rows, slice(None)),
        "groups": _groups(rows, slice(None)),
        "area_km2": round(area_km2, 6),
        "area_covered_km2": covered_km2,
        "area_ratio": None if covered_km2 is None else ratio(covered_km2, area_km2),
        "stations": int(answer.stations.open.sum()),
        "stations_closed": int((~answer.stations.open).sum()),
        "not_assessable": answer.counted.in_no_area + off,
        "people_in_no_area": answer.counted.in_no_area,
        "people_all": people + answer.counted.in_no_area,
    }


def _row(answer: Assessment, number: int) -> dict[str, Any]:
    rows = answer.counted.by_area
    people, covered = int(rows.people[number]), int(rows.covered[number])
    row = {
        "people": people,
        "people_covered": covered,
        "people_uncovered": int(rows.uncovered[number]),
        "people_off_network": int(rows.not_assessable[number]),
        "ratio": ratio(covered, people),
        "households": int(rows.households[number]),
        "households_covered": int(rows.households_covered[number]),
        "multiplicity": _multiplicity(rows, number),
        "uncovered_by_cause": _causes(rows, number),
        "nearest_m": metres(answer.nearest_m[number]),
    }
    if rows.groups:
        row["groups"] = _groups(rows, number)
    if answer.before is not None:
        before = int(answer.before.counted.by_area.covered[number])
        row |= {"people_covered_before": before, "people_gained": covered - before}
    return row


def _multiplicity(rows: ByArea, at: int | slice) -> dict[str, int]:
    """Return people by how many open stations are within reach; they sum to the assessable."""
    once, twice = int(rows.once[at].sum()), int(rows.twice[at].sum())
    assessable = int((rows.people - rows.not_assessable)[at].sum())
    return {"0": assessable - once - twice, "1": once, "2+": twice}


def _causes(rows: ByArea, at: int | slice) -> dict[str, int]:
    return {
        "none_in_reach": int(rows.none[at].sum()),
        "full": int(rows.full[at].sum()),
        "closed": int(rows.closed[at].sum()),
    }


def _groups(rows: ByArea, at: int | slice) -> dict[str, Any]:
    """Return age groups and tags; numbers that could be a household are withheld (null)."""
    found: dict[str, Any] = {}
    for name, (people, covered) in rows.groups.items():
        whole, part = int(people[at].sum()), int(covered[at].sum())
        shown = not (0 < part < FEW or 0 < whole - part < FEW or 0 < whole < FEW)
        found[name] = {
            "people": whole if shown else None,
            "people_covered": part if shown else None,
            "ratio": ratio(part, whole) if shown else None,
        }
    return found


def gaps_geojson(
    answer: Assessment, listed: npt.NDArray[np.intp], drawn_to_m: float, digits: int
) -> dict[str, Any]:
    """Return the uncovered part of each area as GeoJSON, most people first, then by code."""
    rows = answer.counted.by_area
    people = rows.uncovered
    shown, geometries = drawn_gaps(
        answer.gaps, answer.parts.frame, people, listed, drawn_to_m=drawn_to_m, digits=digits
    )
    codes, names = answer.codes, answer.names
    ranked = sorted(range(len(shown)), key=lambda i: (-people[shown[i]], codes[shown[i]]))
    features = []
    for rank, i in enumerate(ranked, start=1):
        number = int(shown[i])
        causes = _causes(rows, number)
        most = max(causes, key=lambda cause: causes[cause])
        features.append(
            {
                "type": "Feature",
                "id": codes[number],
                "geometry": geometries[i],
                "properties": {
                    "rank": rank,
                    "code": codes[number],
                    "name": names[number],
                    "people": int(people[number]),
                    "area_km2": round(float(answer.gaps.area_m2[number]) / 1e6, 6),
                    "nearest_m": metres(answer.nearest_m[number]),
                    "cause": most if causes[most] else "nobody_lives_there",
                    "causes": causes,
                },
            }
        )
    return {
        "type": "FeatureCollection",
        "drawn_as": "cells" if answer.rule.by_network else "ground",
        "features": features,
    }


def question_of(answer: Assessment) -> dict[str, Any]:
    """Return the question as it was understood, so that it can be asked again."""
    asked = answer.question
    return {
        "kinds": answer.kinds,
        **answer.rule.facts(),
        "area": answer.parts.scope,
        "by": answer.parts.by,
        "at": None if asked.at is None else asked.at.isoformat(),
        "boundaries_at": None if (then := asked.boundaries_at) is None else then.isoformat(),
        "capacity": asked.capacity,
        "demand": answer.demand.name,
        "groups": list(asked.groups),
        "changes": [change.facts() for change in asked.changes],
    }


def denominator_of(answer: Assessment) -> dict[str, str]:
    """Return in words what is counted, and when it counts as covered."""
    people_zh, people_en = _PLACED[answer.demand.method]
    rule = answer.rule
    if rule.by_network:
        way_zh, way_en = ("步行", "on foot") if rule.mode == "walk" else ("骑行", "riding")
        zh = f"沿路网{way_zh}到站点的距离（含到路的直线段）不超过半径，容差 1 毫米"
        en = f"the way {way_en} along roads, access to the road included, is <= radius_m + 1 mm"
    else:
        zh = "建筑到正在使用的站点的大地线距离不超过半径（容差 1 毫米）"
        en = "the building is within radius_m of an open station, geodesic, <= + 1 mm"
    if answer.question.capacity:
        zh, en = zh + "，且站点未满员", en + ", and the station has room"
    return {
        "people": people_en,
        "people_zh": people_zh,
        "covered_when": en,
        "covered_when_zh": zh,
        "ratio": "people_covered / people",
        "identity": "people_all = people_covered + people_uncovered + not_assessable",
    }


def _loads(answer: Assessment, load: IntArray) -> list[dict[str, Any]]:
    """Return what each station takes on; a capacity of null never fills up."""
    found = answer.stations
    return [
        {
            "code": code,
            "name": found.names[i],
            "kind": found.kinds[i],
            "open": bool(found.open[i]),
            "capacity": int(found.capacity[i]) if found.capacity[i] >= 0 else None,
            "load": int(load[i]),
            "full": bool(found.open[i] and found.capacity[i] >= 0 and load[i] >= found.capacity[i]),
        }
        for i, code in enumerate(found.codes)
    ]


def _change(now: Assessment, before: Assessment) -> dict[str, Any]:
    new, old = now.counted, before.counted
    gained = np.where(new.members >= 0, new.covered - old.covered, 0)
    return {
        "before": summary_of(before),
        "people_gained": int(gained[gained > 0].sum()),
        "people_lost": int(-gained[gained < 0].sum()),
        "areas_changed": len(now.listed),
        "note": "areas and gaps list what differs; all others stand as before",
    }


def ratio(part: float, whole: float) -> float | None:
    """Return a share; of nobody, null."""
    return part / whole if whole else None


def metres(distance: float) -> float | None:
    """Return a distance in millimetres' precision; no distance is null."""
    return round(float(distance), 3) if math.isfinite(distance) else None
