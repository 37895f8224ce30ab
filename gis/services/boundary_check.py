"""Checking boundaries as they are published, or as a draft would leave them, level by level."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import geopandas as gpd
import numpy as np
import shapely

from gis.errors import AreaUnknown, DraftUnknown, NoPublishedBoundary
from gis.geometry.findings import MAX_WIDTH_M, codes_words, is_repairable, repair_words, size_words
from gis.geometry.frames import EqualAreaFrame
from gis.geometry.nesting import check_nesting
from gis.geometry.partition import check
from gis.governance.area_lists import ListedArea, list_faults
from gis.governance.areas import LEVELS
from gis.services.editions import check_scope
from gis.services.import_findings import Finding
from gis.services.import_report import ImportReport
from gis.store import areas as store
from gis.store import boundaries, editions, exceptions

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from gis.errors import Language
    from gis.governance.actors import Actor
    from gis.store.unit_of_work import Database

_ABOVE: Final[dict[str, str]] = dict(zip(list(LEVELS)[1:], list(LEVELS), strict=False))
_SERIOUS: Final = (
    "invalid", "gap", "overlap", "outside-parent", "parent-differs", "dedicated-cross",
)  # fmt: skip
_COLUMNS: Final = ("code", "level", "parent_code", "name", "kind", "code_system")


class BoundaryReport(ImportReport):
    """The report of a check; the same forms as that of an import."""

    def headline(self, language: Language) -> str:
        """Return the sentence that says what was checked and how it stands."""
        which = (
            (f"边界版本 {self.revision}", f"boundary revision {self.revision}")
            if self.draft_id is None
            else (f"草稿 {self.draft_id}", f"draft {self.draft_id}")
        )
        count = len(self.findings)
        if language == "en":
            return f"Checked {which[1]}: {count} findings, {len(self.errors)} of them errors"
        return f"已核对{which[0]}：{count} 项发现，其中错误 {len(self.errors)} 项"

    def _about(self, language: Language) -> list[str]:
        english = language == "en"
        count = sum(one.facts.get("repairable", False) for one in self.findings)
        told = (
            f"gridward repair grids can mend {count} of them; a person decides the others"
            if english
            else f"其中 {count} 项可由 gridward repair grids 起草修复，其余由人决定"
        )
        return [told] * bool(self.findings) + [
            f"{title} {self.counts[key]}"
            for key, level in LEVELS.items()
            if self.counts.get(key) and (title := level.title_en if english else level.title_zh)
        ]


@dataclass(frozen=True, slots=True)
class _Scope:
    """The areas to check: all, or those below one."""

    layer: gpd.GeoDataFrame
    area: str | None

    def of(self, level: str) -> gpd.GeoDataFrame:
        found = self.layer[self.layer["level"] == level]
        if self.area is not None:
            found = found[found["code"].isin(scoped(self.layer, self.area))]
        return found.reset_index(drop=True)


def scoped(layer: gpd.GeoDataFrame, area: str) -> set[str]:
    """Return the codes of a layer below an area."""
    inside, found = {area}, set[str]()
    while inside:
        below = layer["parent_code"].isin(inside) & ~layer["code"].isin(found)
        inside = set(layer[below]["code"])
        found |= inside
    return found - {area}


def check_boundaries(
    database: Database,
    actor: Actor,
    *,
    area: str | None = None,
    level: str | None = None,
    draft_id: int | None = None,
    at: datetime | None = None,
    max_width_m: float = MAX_WIDTH_M,
) -> BoundaryReport:
    """Check that the areas of each level tile the level above, and keep the rules of their lists.

    General grids tile their communities, communities their subdistricts, and so on. Dedicated grids
    must not cross each other; micro grids must lie in their parent.

    Parameters
    ----------
    area
        Only what lies below the area of this code.
    level
        Only the areas of this level; all levels below the city without it.
    draft_id
        Check the standing boundaries with this open draft laid over them.
    at
        Check what was in force then; now without it.
    max_width_m
        Up to which width a repair would close gaps and overlaps.

    Raises
    ------
    gis.errors.NoPublishedBoundary
        Nothing is published (and no draft was named).
    gis.errors.DraftUnknown, gis.errors.AreaUnknown
        There is no such open draft, or no such area in it.
    gis.errors.OutsideScope
        The draft touches areas outside the actor's.
    ValueError
        The level does not exist.
    """
    if level is not None and level not in LEVELS:
        message = f"{level!r} is not a level"
        raise ValueError(message)
    with database.reading(actor) as work:
        revision = boundaries.latest(work)[0] if draft_id else store.published_revision(work, at)
        if draft_id is not None and not boundaries.is_open_draft(work, draft_id):
            raise DraftUnknown(draft_id=draft_id)
        if draft_id is not None:
            check_scope(actor, editions.codes_of(work, draft_id))
        if revision is None:
            raise NoPublishedBoundary
        rows = store.to_check(work, revision, draft_id)
        retired = store.retired_codes(work)
        if draft_id is not None:
            retired |= editions.retiring_codes(work, draft_id)
        ruling = exceptions.listing(work, live_only=True)
    layer = layer_of(rows)
    if area is not None and area not in set(layer["code"]):
        raise AreaUnknown(code=area)
    scope = _Scope(layer, area)
    report = BoundaryReport(
        "areas", {"crs": "WGS84"}, "written", level, revision=revision, draft_id=draft_id
    )
    for one in [level] if level else list(LEVELS)[1:]:
        below = scope.of(one)
        report.counts[one] = len(below)
        if len(below):
            report.findings += _of_level(scope, below, one, max_width_m)
            report.findings += _of_list(below, one, retired)
    report.findings.sort(key=lambda one: -one.facts.get("area_m2", 0.0))  # largest first
    if level is None:
        report.findings += _of_exceptions(scope, ruling)
    return report


def layer_of(rows: list[Any]) -> gpd.GeoDataFrame:
    """Return the rows of :func:`gis.store.areas.to_check` as a frame in lon/lat."""
    shapes = shapely.from_wkb([bytes(row["wkb"]) for row in rows])
    columns = {key: [row[key] for row in rows] for key in _COLUMNS}
    geometry = gpd.GeoSeries(list(shapes), dtype="geometry")
    return gpd.GeoDataFrame(columns, geometry=geometry, crs=4326)


def _of_level(
    scope: _Scope, below: gpd.GeoDataFrame, level: str, max_width_m: float
) -> list[Finding]:
    kinds = below["kind"]
    tiling = below[~kinds.isin(["dedicated", "micro"])].reset_index(drop=True)
    dedicated = below[kinds == "dedicated"].reset_index(drop=True)
    above = scope.layer[scope.layer["level"] == _ABOVE.get(level, "")]
    parents = above[above["code"].isin(set(tiling["parent_code"]))].reset_index(drop=True)
    within = parents if len(parents) else None
    found = check(tiling, within, max_width_m=max_width_m).findings().to_dict("records")
    crossing = check(dedicated).overlaps.assign(kind="dedicated-cross", count=1)
    found += crossing.to_dict("records")
    # A micro grid's parent is a grid; the parents of a level need not be of one level.
    levels = scope.layer[scope.layer["code"].isin(set(below["parent_code"]))]["level"].unique()
    for one in levels:
        beyond = scope.layer[scope.layer["level"] == one].reset_index(drop=True)
        if one in ("grid", level):
            beyond = beyond[beyond["kind"] != "micro"].reset_index(drop=True)
        found += check_nesting(below, beyond, parent="parent_code").to_dict("records")
    return [_finding(level, row, max_width_m) for row in found]


def _finding(level: str, one: dict[Any, Any], max_width_m: float) -> Finding:
    kind, area_m2, width_m = str(one["kind"]), float(one["area_m2"]), float(one["width_m"])
    zh, en = repair_words(kind, width_m, max_width_m)
    title = LEVELS[level]
    listed_zh, listed_en = codes_words(one["areas"])
    size_zh, size_en = size_words(area_m2, width_m, int(one["count"]))
    size_zh, size_en = f"{size_zh}；{zh}", f"{size_en}; {en}"
    if isinstance(one.get("reason_zh"), str):
        size_zh, size_en = f"{one['reason_zh']}；{size_zh}", f"{one['reason_en']}; {size_en}"
    located = bool(np.isfinite(one["lon"]))
    return Finding(
        kind,
        "error" if kind in _SERIOUS else "warning",
        f"{title.title_zh} {listed_zh}：{size_zh}",
        f"{title.title_en} {listed_en}: {size_en}",
        lon=float(one["lon"]) if located else None,
        lat=float(one["lat"]) if located else None,
        facts={
            "level": level,
            "area_m2": area_m2,
            "width_m": width_m,
            "count": int(one["count"]),
            "areas": list(one["areas"]),
            "repairable": is_repairable(kind, width_m, max_width_m),
            "repair_zh": zh,
            "repair_en": en,
        },
        geometry=one["geometry"],
    )


def _of_list(below: gpd.GeoDataFrame, level: str, retired: set[str]) -> list[Finding]:
    listed = [
        ListedArea(row["code"], row["name"], row["parent_code"], row["code_system"])
        for row in below.to_dict("records")
    ]
    return [
        Finding(
            fault.key,
            "warning" if fault.key in ("code-sequence", "name-duplicate") else "error",
            fault.reason_zh,
            fault.reason_en,
            code=fault.codes[0],
            facts={"level": level, "areas": list(fault.codes)},
        )
        for fault in list_faults(listed, level, retired=retired)
    ]


def _of_exceptions(scope: _Scope, ruling: Sequence[Any]) -> list[Finding]:
    """List the exceptions in force: the lines that do not say who decides."""
    known = set(scope.layer["code"])
    within = known if scope.area is None else scoped(scope.layer, scope.area) | {scope.area}
    found = []
    for row in ruling:
        code, void = row["area_code"], row["area_code"] not in known
        if code not in within and not (void and scope.area is None):
            continue
        shape = shapely.from_wkb(bytes(row["wkb"]))
        area_m2 = float(EqualAreaFrame.around(np.array([shape])).area_m2(np.array([shape]))[0])
        point, until = shapely.point_on_surface(shape), row["expires_at"].isoformat()
        who = code if row["unit_code"] is None else f"{code} / {row['unit_code']}"
        found.append(
            Finding(
                "boundary-exception-void" if void else "boundary-exception",
                "warning",
                f"例外 {row['id']}：{row['category'] or '所有类别'} 由 {who} 负责，至 {until}"
                f"（{row['created_by']}：{row['reason']}）",
                f"exception {row['id']}: {who} decides for {row['category'] or 'all categories'} "
                f"until {until} ({row['created_by']}: {row['reason']})",
                code=code,
                lon=float(point.x),
                lat=float(point.y),
                facts={
                    "exception": str(row["id"]),
                    "areas": [code],
                    "area_m2": area_m2,
                    "category": row["category"],
                    "unit": row["unit_code"],
                    "expires_at": until,
                },
                geometry=shape,
            )
        )
    return found
