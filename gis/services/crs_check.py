"""Is a file in the coordinate system that it is said to be in? Asked before anything is written."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import geopandas as gpd
import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from gis.geometry import crs as frames
from gis.geometry import crs_evidence
from gis.geometry.crs_evidence import Evidence, KnownPlaces, Score
from gis.geometry.frames import Geometries
from gis.governance.areas import LEVELS, NATIONAL
from gis.services.area_rows import AreaRows
from gis.services.columns import optional_text
from gis.services.import_findings import Finding
from gis.services.import_report import ImportReport
from gis.store import areas as area_store
from gis.store import known_places as store
from gis.store.unit_of_work import UnitOfWork


def known_places_of(
    frame: gpd.GeoDataFrame, file: str, *, area: str | None, crs: str
) -> KnownPlaces:
    """Return the points of a table as known places; rows without a usable position are left out.

    Parameters
    ----------
    area
        Column of the codes of the areas that they belong to; None: they should lie in any.
    crs
        What the points are in: they are the measure, so it must be right.

    Raises
    ------
    gis.errors.ColumnMissing, gis.errors.CrsUnknown
    """
    areas = optional_text(frame, area, file)
    points = np.array(frame.geometry.array, dtype=object)
    x, y = shapely.get_x(points), shapely.get_y(points)
    usable = frames.usable(x, y, crs)
    lon, lat = frames.to_wgs84(x[usable], y[usable], crs)
    told = [code for code, fine in zip(areas, usable, strict=True) if fine]
    if area is not None:
        named = np.array([code is not None for code in told], dtype=bool)
        lon, lat, told = lon[named], lat[named], [code for code in told if code is not None]
    return KnownPlaces(lon, lat, told)


def of_areas(
    work: UnitOfWork,
    rows: AreaRows,
    raw: Geometries,
    crs: str,
    given: KnownPlaces | None,
) -> Evidence:
    """Return what known places say about a layer of areas.

    Known are the places handed in and, from the database, stations and addresses by the area that
    they belong to, a point in each published area of the same code, and the outline of the parents
    at the published revision. ``raw`` are the shapes with the numbers as delivered.
    """
    stored = store.labelled(work, rows.codes)
    lon, lat = [row["lon"] for row in stored], [row["lat"] for row in stored]
    areas: list[str | None] = [row["area_code"] for row in stored]
    if given is not None:
        lon, lat = [*lon, *given.lon], [*lat, *given.lat]
        areas += given.areas
    if rows.code_system == NATIONAL:
        # a national code begins with those of the areas above it
        areas = [area if area is None else _above(area, rows.level) for area in areas]
    places = KnownPlaces(np.array(lon, dtype=float), np.array(lat, dtype=float), areas)
    return crs_evidence.of_layer(raw, rows.codes, crs, places, _outline(work, rows))


def _above(code: str, level: str) -> str:
    return f"{code[:4]}00" if level == "city" else code[: LEVELS[level].digits]


def _outline(work: UnitOfWork, rows: AreaRows) -> BaseGeometry | None:
    parents = sorted({parent for parent in rows.parents if parent})
    found = store.shapes(work, parents)
    if not parents or len(found) < len(parents):
        return None
    return shapely.union_all(shapely.from_wkb([bytes(row["wkb"]) for row in found]))


class LocatedRows(Protocol):
    """Rows with coordinates as delivered and the area that each names, where it does."""

    @property
    def raw_x(self) -> Any:  # noqa: ANN401 - array
        """Easting or longitude as delivered."""

    @property
    def raw_y(self) -> Any:  # noqa: ANN401 - array
        """Northing or latitude as delivered."""

    @property
    def areas(self) -> list[str | None]:
        """Code of the area that each row names."""


def of_stations(work: UnitOfWork, found: LocatedRows, crs: str) -> Evidence | None:
    """Return what the published areas say about a list of stations, None without any.

    Where most rows name an area that is published, they are counted by it; otherwise by whether
    they lie in any area of the finest level.
    """
    revision = area_store.published_revision(work)
    rows = [] if revision is None else area_store.of_revision(work, revision)
    if not rows:
        return None
    level, labelled = _level(rows, found.areas)
    chosen = [row for row in rows if row["level"] == level]
    shapes = shapely.from_wkb([bytes(row["wkb"]) for row in chosen])
    labels = found.areas if labelled else [None] * len(found.areas)
    codes = [row["code"] for row in chosen]
    return crs_evidence.of_points(found.raw_x, found.raw_y, labels, crs, shapes=shapes, codes=codes)


def _level(rows: Sequence[Any], labels: Sequence[str | None]) -> tuple[str, bool]:
    levels = {row["code"]: row["level"] for row in rows}
    told = [levels[label] for label in labels if label in levels]
    if len(told) * 2 > len(labels):
        return max(set(told), key=lambda level: (told.count(level), level)), True
    there = set(levels.values())
    return next(level for level in reversed(LEVELS) if level in there), False


def note(report: ImportReport, evidence: Evidence | None, *, force: bool) -> None:
    """Put the evidence into the report; an error where the declared system clearly loses."""
    if evidence is None:
        return
    report.crs_evidence = as_json(evidence)
    if evidence.verdict not in ("loses", "doubtful"):
        return
    refused = evidence.verdict == "loses" and not force
    zh, en = _words(evidence)
    if refused:
        zh += "。未写入任何内容；确认无误时可加 --force-crs"
        en += ". Nothing was written; --force-crs overrides"
    finding = Finding(
        "crs-suspect", "error" if refused else "warning", zh, en, facts=evidence.rates()
    )
    report.findings.insert(0, finding)


def _words(evidence: Evidence) -> tuple[str, str]:
    own, best = evidence.own, evidence.best
    name_zh, name_en = best.candidate.title_zh, best.candidate.title_en
    if best.outline_m is not None and own.outline_m is not None:
        zh = (
            f"按 {evidence.declared} 与上级轮廓相距 {own.outline_m:,.0f} 米（中位数），"
            f"按 {name_zh} 则为 {best.outline_m:,.0f} 米"
        )
        en = (
            f"as {evidence.declared} the outline runs {own.outline_m:,.0f} m (median) from that "
            f"of the parent, as {name_en} {best.outline_m:,.0f} m"
        )
        return zh, en
    where_zh = "所属区域" if evidence.labelled else "区域"
    where_en = "the area they belong to" if evidence.labelled else "an area"
    zh = (
        f"{evidence.places} 个已知点按 {evidence.declared} 有 {_share(own)} 落入{where_zh},"
        f"按 {name_zh} 则有 {_share(best)}（对数似然差 {own.margin:.1f}）"
    )
    en = (
        f"of {evidence.places} known places as {evidence.declared} {_share(own)} lie in {where_en}"
        f", as {name_en} {_share(best)} would (log-likelihood margin {own.margin:.1f})"
    )
    return zh, en


def _share(score: Score) -> str:
    return "—" if score.rate is None else f"{score.rate:.1%}"


def as_json(evidence: Evidence) -> dict[str, Any]:
    """Return the evidence for reports, the declared system's figures first, then the best ones."""
    return {
        "declared": evidence.declared,
        "verdict": evidence.verdict,
        "best": evidence.best.candidate.name,
        "places": evidence.places,
        "labelled": evidence.labelled,
        "scores": [
            {
                "crs": score.candidate.name,
                "title_zh": score.candidate.title_zh,
                "title_en": score.candidate.title_en,
                "rate": score.rate,
                "outline_m": score.outline_m,
                "margin": score.margin,
            }
            for score in evidence.scores
        ],
    }
