"""Repairing the published boundaries 修复边界: a proposal as a draft, looked at, then published.

Nothing is changed by itself. The draft holds the areas that the repair redraws, at every level: the
finest are repaired, those above are rebuilt as the union of their children. Every piece of ground
that changes hands and every area that changes is in the report, which stays with the draft.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import geopandas as gpd
import numpy as np
import shapely

from gis.errors import AreaUnknown, NoPublishedBoundary
from gis.geometry.findings import MAX_WIDTH_M, codes_words, size_words
from gis.geometry.hierarchy import HierarchyRepair, repair_hierarchy
from gis.geometry.repair import SQUARE_METRES
from gis.governance.areas import LEVELS
from gis.services.boundaries import KEPT_FINDINGS
from gis.services.boundary_check import layer_of, scoped
from gis.services.editions import answered_before, check_later, check_scope, keep_answer
from gis.services.import_findings import Finding
from gis.services.import_report import ImportReport
from gis.store import areas as store
from gis.store import boundaries

if TYPE_CHECKING:
    from gis.errors import Language
    from gis.governance.actors import Actor
    from gis.store.access import Answer, KeyedRequest
    from gis.store.unit_of_work import Database, UnitOfWork

_REASONS: Final[dict[str, tuple[str, str, str | None]]] = {
    "invalid": ("几何无效，已修补", "mended", None),
    "gap": ("填补缝隙", "gaps", "filled_m2"),
    "overlap": ("消除重叠", "overlaps", "settled_m2"),
    "near-vertex": ("合并过近或重复的顶点", "near or repeated vertices", "merged_m2"),
    "edge": ("补齐公共顶点", "vertices of neighbours", None),
    "rebuilt": ("按下级重建", "union of its children", None),
}
"""Why an area changes: in words (zh, en), and which of the square metres of its row that is."""


class RepairReport(ImportReport):
    """What a repair proposes; the same forms as the report of an import."""

    def headline(self, language: Language) -> str:
        """Return the sentence that says what became of the proposal."""
        english = language == "en"
        if self.outcome == "unchanged":
            width = f"{self.source.get('max_width_m', MAX_WIDTH_M):g}"
            return (
                f"Nothing to repair up to {width} m; what is wider a person decides: "
                "gridward check grids."
                if english
                else f"没有不超过 {width} 米、可修复的内容；更宽的由人决定，"
                "见 gridward check grids。"
            )
        areas = self.counts["changed"]
        if self.draft_id is None:
            return (
                f"A repair would change {areas} areas; nothing was written"
                if english
                else f"修复将变动 {areas} 个区域；未写入任何内容"
            )
        return (
            f"Draft {self.draft_id} proposes {areas} repaired areas, not yet published"
            if english
            else f"草稿 {self.draft_id} 建议修复 {areas} 个区域，尚未发布"
        )

    def to_text(self, language: Language, *, places: int = 10) -> str:
        """Return the report for reading; of nothing to repair the one sentence."""
        if self.outcome == "unchanged":
            return self.headline(language) + "\n"
        return ImportReport.to_text(self, language, places=places)

    def _about(self, language: Language) -> list[str]:
        filled, settled, merged, change = (
            self.source[key] for key in ("filled_m2", "settled_m2", "merged_m2", "change_m2")
        )
        told = (
            f"gaps filled {_m2(filled)} m2, overlaps settled {_m2(-settled)} m2, vertices "
            f"merged {_m2(merged)} m2: the areas change by {_m2(change)} m2 in sum"
            if language == "en"
            else f"填补缝隙 {_m2(filled)} 平方米，消除重叠 {_m2(-settled)} 平方米，"
            f"合并顶点 {_m2(merged)} 平方米：各区域面积之和变化 {_m2(change)} 平方米"
        )
        return [told]


@dataclass(frozen=True, slots=True)
class RepairRequest:
    """What to repair: all, or what lies below ``area``; up to which width; whether to draft it."""

    area: str | None = None
    max_width_m: float = MAX_WIDTH_M
    title: str | None = None
    dry_run: bool = False


def propose_repair(
    database: Database,
    actor: Actor,
    request: RepairRequest | None = None,
    *,
    keyed: KeyedRequest | None = None,
) -> tuple[RepairReport, Answer]:
    """Propose a repair of the boundaries that stand, as a draft.

    Gaps and overlaps up to ``max_width_m`` go to the neighbour with the longest shared edge (ties:
    the smaller code), rings are mended, edges matched, near vertices merged, areas above rebuilt;
    see :mod:`gis.geometry.hierarchy`. Dedicated and micro grids lie over the others and stay as
    they are. Below an ``area`` its own outline stays.

    Returns
    -------
    RepairReport, Answer
        ``outcome`` ``drafted``, ``unchanged`` (nothing to repair) or ``written`` (a dry run).

    Raises
    ------
    gis.errors.NoPublishedBoundary, gis.errors.AreaUnknown
    gis.errors.OutsideScope
        The repair would change areas outside the actor's.
    """
    asked = request or RepairRequest()
    answered = answered_before(database, actor, keyed)
    if answered is not None:
        return _empty(), answered
    while True:
        # What takes long holds no lock; when somebody published meanwhile it is done again.
        with database.reading(actor) as work:
            revision, _ = boundaries.latest(work)
            if not revision:
                raise NoPublishedBoundary
            layer = layer_of(store.to_check(work, revision))
        proposal = _proposal(layer, asked)
        report = _reported(proposal, layer, asked)
        with database.transaction(actor) as work:
            boundaries.lock(work)
            if boundaries.latest(work)[0] != revision:
                continue
            check_scope(actor, list(proposal.changed["code"]))
            if len(proposal.changed) and not asked.dry_run:
                _write(work, report, proposal, asked.title)
        status = 201 if report.draft_id is not None else 200
        body = report.to_json(limit=KEPT_FINDINGS)
        return report, keep_answer(database, actor, keyed, status=status, body=body)


def _empty() -> RepairReport:
    return RepairReport("areas", {}, "unchanged")


def _proposal(layer: gpd.GeoDataFrame, asked: RepairRequest) -> HierarchyRepair:
    general = layer[~layer["kind"].isin(["dedicated", "micro"])].reset_index(drop=True)
    if asked.area is None:
        return repair_hierarchy(general, parent="parent_code", max_width_m=asked.max_width_m)
    own = general[general["code"] == asked.area]
    if own.empty:
        raise AreaUnknown(code=asked.area)
    below = general[general["code"].isin(scoped(general, asked.area))]
    return repair_hierarchy(
        below.reset_index(drop=True),
        parent="parent_code",
        max_width_m=asked.max_width_m,
        within=own.geometry.iloc[0],
    )


def _write(
    work: UnitOfWork, report: RepairReport, proposal: HierarchyRepair, title: str | None
) -> None:
    width = report.source["max_width_m"]
    heading = title or f"修复不超过 {width:g} 米的缝隙和重叠 / repair up to {width:g} m"
    report.draft_id = boundaries.add_draft(work, title=heading, source=report.source, report={})
    report.outcome = "drafted"
    shapes = {}
    for code, shape in zip(proposal.changed["code"], proposal.changed.geometry, strict=True):
        parts = [part for part in shapely.get_parts(shape) if isinstance(part, shapely.Polygon)]
        placed = shapely.set_srid(shapely.orient_polygons(shapely.MultiPolygon(parts)), 4326)
        shapes[code] = str(shapely.to_wkb(placed, hex=True, include_srid=True))
    boundaries.redraw(work, report.draft_id, shapes)
    check_later(work, report.draft_id)
    boundaries.keep_report(work, report.draft_id, report.to_json(limit=KEPT_FINDINGS))


def _reported(
    proposal: HierarchyRepair, layer: gpd.GeoDataFrame, asked: RepairRequest
) -> RepairReport:
    levels = dict(zip(layer["code"], layer["level"], strict=True))
    moved, changes = proposal.moved, proposal.changes
    is_finest = np.array([reasons != ("rebuilt",) for reasons in changes["reasons"]], dtype=bool)
    finest = changes[is_finest]
    source: dict[str, Any] = {
        "repair": True,
        "crs": "WGS84",
        "area": asked.area,
        "max_width_m": asked.max_width_m,
        **{key: float(finest[key].sum()) for key in SQUARE_METRES},
    }
    changed = len(proposal.changed)
    report = RepairReport("areas", source, "written" if changed else "unchanged")
    report.counts = {"changed": changed, "unchanged": len(layer) - changed}
    report.findings = [_handover(row) for row in moved.to_dict("records")]
    largest = np.lexsort((changes["code"], -np.abs(changes["change_m2"])))
    report.findings += [_change(row, levels) for row in changes.iloc[largest].to_dict("records")]
    return report


def _handover(row: dict[Any, Any]) -> Finding:
    (listed_zh, listed_en), to = codes_words(row["areas"]), str(row["given_to"])
    area_m2, width_m = float(row["area_m2"]), float(row["width_m"])
    size_zh, size_en = size_words(area_m2, width_m)
    return Finding(
        f"repaired-{row['kind']}",
        "warning",
        f"{listed_zh} → {to}：{size_zh}",
        f"{listed_en} → {to}: {size_en}",
        code=to,
        lon=float(row["lon"]),
        lat=float(row["lat"]),
        facts={
            "area_m2": area_m2,
            "width_m": width_m,
            "areas": list(row["areas"]),
            "given_to": to,
        },
        geometry=row["geometry"],
    )


def _change(row: dict[Any, Any], levels: dict[str, str]) -> Finding:
    code, reasons = str(row["code"]), list(row["reasons"])
    before, after, change = (float(row[key]) for key in ("before_m2", "after_m2", "change_m2"))
    level = levels[code]
    size_zh = f"{before:,.2f} → {after:,.2f} 平方米（{_m2(change)}）"
    size_en = f"{before:,.2f} -> {after:,.2f} m2 ({_m2(change)})"
    if not round(change, 2):
        size_zh, size_en = f"{after:,.2f} 平方米，面积不变", f"{after:,.2f} m2, as large as before"
    why_zh = "、".join(_REASONS[reason][0] + _signed(reason, row) for reason in reasons)
    why_en = ", ".join(_REASONS[reason][1] + _signed(reason, row) for reason in reasons)
    point = shapely.point_on_surface(row["geometry"])
    return Finding(
        "repaired-area",
        "warning",
        f"{LEVELS[level].title_zh}（{why_zh}）：{size_zh}",
        f"{LEVELS[level].title_en} ({why_en}): {size_en}",
        code=code,
        lon=None if point.is_empty else float(point.x),
        lat=None if point.is_empty else float(point.y),
        facts={
            "level": level,
            "reasons": reasons,
            "before_m2": before,
            "after_m2": after,
            "change_m2": change,
            **{key: float(row[key]) for key in SQUARE_METRES},
        },
        geometry=row["geometry"],
    )


def _signed(reason: str, row: dict[Any, Any]) -> str:
    """Return how much an area changes by a reason, where that is a matter of square metres."""
    column = _REASONS[reason][2]
    if column is None or row[column] == 0.0:
        return ""
    return f" {_m2(-row[column] if reason == 'overlap' else row[column])}"


def _m2(change: float) -> str:
    """Return a change with its sign; never a minus before zero.

    >>> _m2(-0.001), _m2(-1234.5)
    ('+0.00', '-1,234.50')
    """
    return f"{round(change, 2) + 0.0:+,.2f}"
