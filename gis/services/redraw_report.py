"""The report of a redraw 网格重划: every grid, before beside after, and how it was found."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from gis.coverage.atoms import shared_borders
from gis.coverage.redraw import score
from gis.errors import RedrawImpossible
from gis.geometry.cell_index import CellIndex
from gis.geometry.frames import EqualAreaFrame
from gis.services.import_findings import Finding
from gis.services.import_report import ImportReport

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shapely.geometry.base import BaseGeometry

    from gis.coverage.atoms import Atoms
    from gis.coverage.redraw import AtomGraph, IntArray, RedrawRule
    from gis.coverage.redraw_search import Proposal
    from gis.errors import Language
    from gis.geometry.frames import Geometries
    from gis.services.redraw_ground import Community, RedrawRequest
    from gis.store.redraw import Buildings


@dataclass(frozen=True, slots=True)
class Drawn:
    """New grids: codes, names, shapes, and what becomes of today's."""

    codes: list[str]
    names: list[str]
    shapes: Geometries
    changes: list[str]
    retired: list[str]


@dataclass(slots=True)
class RedrawReport(ImportReport):
    """What a redraw proposes; the same forms as the report of an import.

    ``proposal`` holds ``before`` and ``after`` (see :func:`measured`), ``moved`` households and
    residents, the terms of the ``score``, ``search`` (seed, starts, why it ended) and the
    ``basis``; ``impact`` that of the draft, once there is one.
    """

    proposal: dict[str, Any] = field(default_factory=dict)
    impact: dict[str, Any] | None = None

    def to_json(self, *, limit: int | None = None) -> dict[str, Any]:
        """Return everything but geometries; ``limit`` keeps so many findings of each kind."""
        told = ImportReport.to_json(self, limit=limit)
        return told | {"proposal": self.proposal, "impact": self.impact}

    def headline(self, language: Language) -> str:
        """Return the sentence that says what became of the proposal."""
        english, grids = language == "en", len(self.proposal["after"]["grids"])
        if self.outcome == "unchanged":
            return (
                "Nothing better was found than the grids of today"
                if english
                else "没有找到比现有网格更好的方案"
            )
        if self.draft_id is None:
            return (
                f"{grids} grids would be drawn; nothing was written"
                if english
                else f"将划为 {grids} 个网格；未写入任何内容"
            )
        return (
            f"Draft {self.draft_id} proposes {grids} grids, not yet published"
            if english
            else f"草稿 {self.draft_id} 建议划为 {grids} 个网格，尚未发布"
        )

    def _about(self, language: Language) -> list[str]:
        before, after, moves = (self.proposal[key] for key in ("before", "after", "moved"))
        border, along = (
            f"{before['border_m'] / 1000:.1f} -> {after['border_m'] / 1000:.1f} km",
            f"{_percent(before['along_roads'])} -> {_percent(after['along_roads'])}",
        )
        grids = f"{len(before['grids'])} -> {len(after['grids'])}"
        households = f"{_range(before)} -> {_range(after)}"
        compact = f"{before['compactness']:.2f} -> {after['compactness']:.2f}"
        code, who = self.source["community"], (moves["households"], moves["households_in_all"])
        if language == "en":
            return [
                f"{code}: grids {grids}, households of each {households}",
                f"compactness {compact}, border {border}, along roads {along}",
                (
                    f"another grid for {who[0]:,} of {who[1]:,} households "
                    f"({moves['residents']:,} residents)"
                ),
            ]
        return [
            f"{code}：网格 {grids} 个，每格 {households} 户",
            f"紧凑度 {compact}，内部边界 {border}，沿路 {along}",
            f"{who[1]:,} 户中有 {who[0]:,} 户（{moves['residents']:,} 人）改属其他网格",
        ]


def _range(figures: dict[str, Any]) -> str:
    return f"{figures['fewest_households']}-{figures['most_households']}"


def _percent(share: float | None) -> str:
    return "—" if share is None else f"{share:.0%}"


def measured(
    codes: Sequence[str], shapes: Geometries, buildings: Buildings, roads: Geometries
) -> dict[str, Any]:
    """Return the figures of grids, counted from their geometry.

    Returns
    -------
    dict
        ``grids``: each with code, households, residents, ``area_m2``, ``perimeter_m`` and
        ``compactness`` (Polsby-Popper: 4 pi area / perimeter squared, 1 for a circle), by code.
        ``fewest_households most_households``; ``compactness`` on average; ``border_m`` between
        the grids and the share of it ``along_roads`` (None without any).
    """
    frame = EqualAreaFrame.around(shapes)
    metric = frame.project(shapes)
    area, perimeter = shapely.area(metric), shapely.length(metric)
    compactness = 4.0 * np.pi * area / perimeter**2
    of = located(codes, shapes, buildings)
    known = of >= 0
    households, residents = (
        np.bincount(of[known], count[known], len(codes)).astype(np.int64)
        for count in (buildings.households, buildings.residents)
    )
    border, along = shared_borders(shapes, roads)
    rows = [
        {
            "code": code,
            "households": int(households[i]),
            "residents": int(residents[i]),
            "area_m2": round(float(area[i]), 1),
            "perimeter_m": round(float(perimeter[i]), 1),
            "compactness": round(float(compactness[i]), 4),
        }
        for i, code in enumerate(codes)
    ]
    return {
        "grids": sorted(rows, key=lambda row: str(row["code"])),
        "fewest_households": int(households.min()),
        "most_households": int(households.max()),
        "compactness": round(float(compactness.mean()), 4),
        "border_m": round(border, 1),
        "along_roads": round(along / border, 4) if border else None,
    }


def located(codes: Sequence[str], shapes: Geometries, buildings: Buildings) -> IntArray:
    """Return the grid (position) of each building by the rule of every look-up; -1 outside."""
    lon, lat = buildings.places.T
    return CellIndex.build(list(shapes), list(codes)).locate(lon, lat)


def moved(
    before: tuple[Sequence[str], IntArray],
    after: tuple[Sequence[str], IntArray],
    buildings: Buildings,
) -> dict[str, int]:
    """Return households and residents whose grid has another code than before, and all of them.

    ``before`` and ``after`` are codes and, of each building, the position among them.
    """
    number = {code: i for i, code in enumerate({*before[0], *after[0]})}
    old, new = (
        np.array([*(number[code] for code in codes), -1])[of] for codes, of in (before, after)
    )
    inside = before[1] >= 0
    moves = inside & (old != new)
    return {
        "households": int(buildings.households[moves].sum()),
        "households_in_all": int(buildings.households[inside].sum()),
        "residents": int(buildings.residents[moves].sum()),
        "residents_in_all": int(buildings.residents[inside].sum()),
    }


def _grid_finding(row: dict[str, Any], change: str, shape: BaseGeometry) -> Finding:
    """Return the line of one grid in the report; ``change`` is new, changed or kept."""
    words = {"new": ("新增", "new"), "changed": ("调整", "changed"), "kept": ("不变", "as it is")}
    zh, en = words[change]
    point = shapely.point_on_surface(shape)
    return Finding(
        "redrawn-grid",
        "warning",
        f"{zh}：{row['households']:,} 户，{row['residents']:,} 人，"
        f"{row['area_m2'] / 1e6:.2f} 平方公里，紧凑度 {row['compactness']:.2f}",
        f"{en}: {row['households']:,} households, {row['residents']:,} residents, "
        f"{row['area_m2'] / 1e6:.2f} km2, compactness {row['compactness']:.2f}",
        code=row["code"],
        lon=float(point.x),
        lat=float(point.y),
        facts={**row, "change": change},
        geometry=shape,
    )


def _link_finding(distance_m: float, line: shapely.LineString) -> Finding:
    """Return the line that says which ground counts as joined though it does not touch."""
    point = shapely.line_interpolate_point(line, 0.5, normalized=True)
    return Finding(
        "island-linked",
        "warning",
        f"相距 {distance_m:,.0f} 米的两处按相邻计算",
        f"two places {distance_m:,.0f} m apart count as neighbours",
        lon=float(point.x),
        lat=float(point.y),
        facts={"distance_m": round(distance_m, 1)},
        geometry=line,
    )


def reported(
    community: Community,
    request: RedrawRequest,
    made: tuple[Atoms, AtomGraph, RedrawRule, Proposal],
    drawn: Drawn,
) -> RedrawReport:
    """Count the proposal afresh; refuse one that is not balanced, keep today's if no better."""
    atoms, graph, rule, found = made
    old = community.codes
    of_old = located(old, community.shapes, community.buildings)
    before = measured(old, community.shapes, community.buildings, community.roads)
    after = measured(drawn.codes, drawn.shapes, community.buildings, community.roads)
    if max(rule.outside(row["households"]) for row in after["grids"]):
        raise _unbalanced(community, graph, rule, after)
    of_new = located(drawn.codes, drawn.shapes, community.buildings)
    source = {
        "redraw": True,
        "crs": "WGS84",
        "community": community.code,
        "grids": rule.k,
        "households": [rule.low, rule.high],
        "keep": rule.keep,
        "seed": request.seed,
    }
    report = RedrawReport("areas", source, "written", "grid", revision=None)
    if not drawn.retired and set(drawn.changes) == {"kept"}:
        report.outcome = "unchanged"
    report.counts = {
        "new": drawn.changes.count("new"),
        "changed": drawn.changes.count("changed"),
        "unchanged": drawn.changes.count("kept"),
        "retired": len(drawn.retired),
    }
    report.proposal = {
        "before": before,
        "after": after,
        "retired": drawn.retired,
        "moved": moved((old, of_old), (drawn.codes, of_new), community.buildings),
        "score": asdict(found.score),
        "score_today": _score_today(graph, rule, len(old)),
        "search": {
            "seed": request.seed,
            "atoms": len(graph),
            "starts": [round(total, 6) for total in found.starts],
            "stopped": found.stopped,
            "seconds": round(found.seconds, 2),
        },
        "rule": asdict(rule),
        "basis": {
            "boundary_revision": community.revision,
            "data": community.data,
            "buildings": int((of_old >= 0).sum()),
            "roads": len(community.roads),
        },
    }
    rows = {row["code"]: row for row in after["grids"]}
    report.findings = [
        _grid_finding(rows[code], change, shape)
        for code, change, shape in zip(drawn.codes, drawn.changes, drawn.shapes, strict=True)
    ]
    report.findings.sort(key=lambda one: str(one.code))
    report.findings += _linked(atoms)
    return report


def _score_today(graph: AtomGraph, rule: RedrawRule, today: int) -> float | None:
    """Return the score of today's grids; None when they are not as many, or hang not together."""
    if today != rule.k:
        return None
    try:
        return score(graph, rule, graph.old).total
    except ValueError:
        return None


def _linked(atoms: Atoms) -> list[Any]:
    found = []
    for one, other in atoms.links.tolist():
        ground = [shapely.union_all(atoms.faces[atoms.atom == atom]) for atom in (one, other)]
        line = shapely.shortest_line(*ground)
        frame = EqualAreaFrame.around(np.array(ground, dtype=object))
        length = shapely.length(frame.project(np.array([line], dtype=object)))[0]
        found.append(_link_finding(float(length), line))
    return found


def _unbalanced(
    community: Community, graph: AtomGraph, rule: RedrawRule, after: dict[str, Any]
) -> RedrawImpossible:
    fewest, most = after["fewest_households"], after["most_households"]
    largest = int(graph.households.max())
    zh = f"没有找到每格 {rule.low}-{rule.high} 户的方案，最接近的是 {fewest}-{most} 户"
    en = (
        f"no proposal with {rule.low}-{rule.high} households in each grid was found; the nearest "
        f"has {fewest}-{most}"
    )
    if largest > rule.high:
        zh += f"；有一块不能再分的地块就有 {largest} 户"
        en += f"; one block that cannot be divided has {largest} alone"
    zh += "。请放宽户数范围、换个网格数，或延长时限"
    en += ". Allow a wider range, another number of grids, or more seconds"
    return RedrawImpossible(area=community.code, reason_zh=zh, reason_en=en)
