"""Importing roads: noded, cut where they meet, and looked over before they are a network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt
import shapely
from pyproj import Geod

from gis.coverage.network import attach
from gis.coverage.roads import MODE_NAMES, RoadGraph, node_lines_of
from gis.errors import RoadsThere
from gis.geometry import crs as frames
from gis.services.city_rows import CityRows
from gis.services.import_findings import Finding
from gis.services.import_report import ImportReport
from gis.store import city
from gis.store import city_writing as store
from gis.store.areas import published_revision

if TYPE_CHECKING:
    import geopandas as gpd

    from gis.governance.actors import Actor
    from gis.store.unit_of_work import Database, UnitOfWork

_GEOD: Final = Geod(ellps="WGS84")
SNAP_M: Final = 200.0
_TOLD: Final = 200
_SHORTEST_M: Final = 0.01


def import_roads(
    database: Database,
    actor: Actor,
    frame: gpd.GeoDataFrame,
    *,
    columns: Mapping[str, str] | None = None,
    crs: str = "WGS84",
    skip_bad: bool = False,
    replace: bool = False,
    noded: bool = False,
    join_m: float = 0.0,
    source: Mapping[str, Any] | None = None,
) -> ImportReport:
    """Check a layer of roads and make it the city's network.

    Parameters
    ----------
    frame
        Lines; see :mod:`gis.services.city_fields` for the columns.
    replace
        Put it in place of the network that is there.
    noded
        The lines meet only at their ends already: they are not cut where they cross.
    join_m
        Ends nearer than this become one junction.

    Returns
    -------
    ImportReport
        Parts that hang on nothing, and stations and people far from every road, are warnings.

    Raises
    ------
    gis.errors.RoadsThere
        There is a network, and ``replace`` was not asked for.
    """
    said = dict(source or {}) | {"crs": frames.normalise(crs)}
    rows = CityRows.gather("roads", frame, columns or {}, str(said.get("file", "-")))
    rows.place(said["crs"], needed=True)
    report = ImportReport("roads", said, findings=rows.findings)
    if not rows.rows:
        rows.findings.append(Finding("file-empty", "error", "文件没有数据行", "there are no rows"))
    report.rejected_rows = [rows.rows[i] for i, bad in enumerate(rows.bad) if bad]
    report.counts = {"rows": len(rows.rows), "rejected": len(report.rejected_rows)}
    whole = any(finding.row is None for finding in report.errors)
    refused = bool(report.errors) and (whole or not (skip_bad and rows.good))
    if refused:
        return report
    graph, origin = _network(rows, noded=noded, join_m=join_m)
    _look_over(graph, report)
    with database.transaction(actor) as work:
        store.lock(work)
        if store.has_roads(work) and not replace:
            raise RoadsThere
        _look_around(work, graph, report)
        written = _edges(rows, graph, origin)
        store.replace_roads(work, written)
    report.counts |= {"edges": len(written), "junctions": len(graph.nodes)}
    report.outcome = "written"
    return report


def _network(
    rows: CityRows, *, noded: bool, join_m: float
) -> tuple[RoadGraph, npt.NDArray[np.intp]]:
    good = rows.good
    values = {
        name: np.array([rows.values[name][i] for i in good], dtype=object) for name in rows.values
    }
    level = values["level"].astype(np.int64)
    if noded:
        level = np.arange(len(good))  # every line on a storey of its own meets others at ends only
    graph, origin = node_lines_of(
        rows.shapes[good],
        oneway=values["oneway"].astype(np.int8),
        walk=values["walk"].astype(np.bool_),
        ride=values["ride"].astype(np.bool_),
        level=level,
        snap_m=join_m,
    )
    return graph, np.array(good, dtype=np.intp)[origin]


def _edges(rows: CityRows, graph: RoadGraph, origin: npt.NDArray[np.intp]) -> list[dict[str, Any]]:
    """Return the edges as they are stored: codes numbered within their line."""
    lines = graph.frame.to_lon_lat(graph.lines)
    ends = shapely.get_coordinates(shapely.linestrings(np.stack(
        [graph.nodes[graph.start], graph.nodes[graph.end]], axis=1
    ))).reshape(-1, 2, 2) if len(lines) else np.empty((0, 2, 2))  # fmt: skip
    counts: dict[str, int] = {}
    found: list[dict[str, Any]] = []
    for number, line in enumerate(lines):
        corners = shapely.get_coordinates(line)
        corners[0], corners[-1] = ends[number]  # to the last digit, as junctions are found
        length = float(_GEOD.line_length(corners[:, 0], corners[:, 1]))
        if length < _SHORTEST_M:
            continue
        row = int(origin[number])
        base = str(rows.values["code"][row] or f"row{rows.rows[row]}")
        counts[base] = counts.get(base, 0) + 1
        oneway = int(graph.oneway[number])
        if oneway < 0:
            corners = corners[::-1]
        text = ",".join(f"{lon!r} {lat!r}" for lon, lat in corners.tolist())
        found.append(
            {
                "code": f"{base}#{counts[base]}",
                "name": rows.values["name"][row],
                "class": rows.values["class"][row],
                "oneway": oneway != 0,
                "walk": bool(graph.walk[number]),
                "ride": bool(graph.ride[number]),
                "length_m": length,
                "geometry": f"SRID=4326;LINESTRING({text})",
            }
        )
    return found


def _look_over(graph: RoadGraph, report: ImportReport) -> None:
    """Note parts that do not hang together with the main network."""
    for mode, (zh, en) in MODE_NAMES.items():
        parts = graph.components(mode)
        used = np.flatnonzero(parts.length_m > 0.0)
        report.counts[f"parts_{mode}"] = len(used)
        first_edge = np.full(len(parts.nodes), -1, dtype=np.intp)
        edges = np.flatnonzero(parts.of_edge >= 0)[::-1]
        first_edge[parts.of_edge[edges]] = edges
        for part in used[1 : _TOLD + 1]:
            metres = float(parts.length_m[part])
            lon, lat = graph.nodes[graph.start[first_edge[part]]]
            report.findings.append(
                Finding(
                    "part-apart",
                    "warning",
                    f"{zh}：{metres:,.0f} 米道路与主网不连通",
                    f"{en}: {metres:,.0f} m of road hang on nothing else",
                    lon=float(lon),
                    lat=float(lat),
                    facts={"mode": mode, "length_m": round(metres, 1)},
                )
            )


def _look_around(work: UnitOfWork, graph: RoadGraph, report: ImportReport) -> None:
    """Note stations, and count people, that are farther than SNAP_M from every road."""
    stations = city.open_stations(work)
    far = np.flatnonzero(~attach(graph, stations.positions, snap_m=SNAP_M).assessable)
    for i in far[:_TOLD]:
        lon, lat = stations.positions[i]
        report.findings.append(
            Finding(
                "far-off",
                "warning",
                f"站点 {stations.names[i]} 离路网超过 {SNAP_M:g} 米",
                f"station {stations.names[i]} is farther than {SNAP_M:g} m from every road",
                code=stations.codes[i],
                lon=float(lon),
                lat=float(lat),
            )
        )
    revision = published_revision(work)
    if revision is None:
        return
    homes = city.inhabited_buildings(work)
    off = ~attach(graph, homes.positions, snap_m=SNAP_M).assessable
    people = int(homes.residents[off].sum())
    if people:
        report.findings.append(
            Finding(
                "far-off",
                "warning",
                f"{int(off.sum()):,} 栋楼 {people:,} 人离路网超过 {SNAP_M:g} 米",
                f"{int(off.sum()):,} buildings with {people:,} people are farther than "
                f"{SNAP_M:g} m from every road",
                facts={"buildings": int(off.sum()), "people": people},
            )
        )
