"""``gridward match``: a file of pins and addresses in, the same rows with their grids out."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from math import isfinite
from pathlib import Path
from typing import Annotated, Any, Final

import geopandas as gpd
import pandas as pd
import typer

from api.cli.session import language, open_database, progress, put, say
from gis import clock
from gis.errors import ColumnMissing, GovernanceError, InstantInvalid
from gis.geometry import crs as frames
from gis.services.lookup import InForce, Snapshots
from gis.services.match_request import Location, MatchRequest
from gis.services.matching import match
from gis.store.unit_of_work import UnitOfWork
from layers.files import declared_crs, written
from layers.files.streams import Source, sink

ADDED: Final = (
    "grid_code",
    "grid_name",
    "level",
    "area_code",
    "decision",
    "confidence",
    "edge_distance_m",
    "matched_lon",
    "matched_lat",
    "boundary_revision",
    "reason",
)
"""Columns that the command adds to every row; ``reason`` also says why a row has no match."""


GEOMETRY_LON: Final = "geometry.x"
GEOMETRY_LAT: Final = "geometry.y"
"""Columns of a point's coordinates where the file holds points and no columns were named."""


class Matcher:
    """Matches the rows of one table: knows which columns hold what."""

    def __init__(
        self,
        work: UnitOfWork,
        snapshots: Snapshots,
        columns: Mapping[str, str | None],
        crs: str,
        accuracy_m: float | None,
        threshold: float,
    ) -> None:
        self._work = work
        self._snapshots = snapshots
        self._now = clock.now()
        self._current: InForce | None = None
        self._columns = columns
        self._crs = crs
        self._accuracy_m = accuracy_m
        self._threshold = threshold
        self.takes_geometry = columns["lon"] == GEOMETRY_LON

    def row(self, cells: Mapping[str, Any]) -> dict[str, Any]:
        """Return the added columns of one row; a bad row says why in ``reason``."""
        spoken = language()
        try:
            request = self._request(cells)
            in_force = self._in_force(request.at)
            matched = match(
                in_force.snapshot,
                request,
                threshold=self._threshold,
                exceptions=in_force.exceptions,
                at=request.at or self._now,
                knowledge=self._snapshots.knowledge(self._work, in_force.snapshot),
            )
        except GovernanceError as error:
            return {"decision": "invalid", "reason": error.detail(spoken)}
        chosen = matched.decision
        return {
            "grid_code": matched.grid_code,
            "grid_name": None if chosen.grid is None else chosen.grid.name,
            "level": chosen.level,
            "area_code": matched.code,
            "decision": chosen.decision,
            "confidence": chosen.confidence,
            "edge_distance_m": None
            if matched.edge_distance_m is None
            else round(matched.edge_distance_m, 3),
            "matched_lon": None if matched.point is None else round(matched.point[0], 9),
            "matched_lat": None if matched.point is None else round(matched.point[1], 9),
            "boundary_revision": matched.revision,
            "reason": " ".join(reason.text(spoken) for reason in chosen.reasons),
        }

    def _in_force(self, at: datetime | None) -> InForce:
        """Return what decides at an instant; what decides now is asked once for the whole file."""
        if at is not None:
            return self._snapshots.in_force(self._work, at)
        if self._current is None:
            self._current = self._snapshots.in_force(self._work)
        return self._current

    def _request(self, cells: Mapping[str, Any]) -> MatchRequest:
        lon, lat = self._number(cells, "lon"), self._number(cells, "lat")
        accuracy = self._accuracy_m
        if self._columns["accuracy"] is not None:
            accuracy = self._number(cells, "accuracy")
        location = None
        if lon is not None and lat is not None:
            location = Location(lon, lat, self._crs, accuracy)
        return MatchRequest(
            location=location, address=self._text(cells, "address"), at=self._instant(cells)
        )

    def _text(self, cells: Mapping[str, Any], role: str) -> str | None:
        column = self._columns[role]
        cell = None if column is None else cells[column]
        return None if cell is None or pd.isna(cell) else str(cell).strip() or None

    def _number(self, cells: Mapping[str, Any], role: str) -> float | None:
        text = self._text(cells, role)
        if text is None:
            return None
        try:
            value = float(text)
        except ValueError:
            value = float("nan")
        # A word where a number belongs goes on as NaN: matching refuses it in words.
        return value if isfinite(value) else float("nan")

    def _instant(self, cells: Mapping[str, Any]) -> datetime | None:
        text = self._text(cells, "at")
        if text is None:
            return None
        try:
            instant = datetime.fromisoformat(text)
        except ValueError as error:
            raise InstantInvalid(value=text) from error
        if instant.tzinfo is None:
            raise InstantInvalid(value=text)
        return instant.astimezone(UTC)


def match_file(
    source: Annotated[
        Path, typer.Argument(metavar="IN", help="CSV、Parquet 或 GeoPackage / file of rows")
    ],
    target: Annotated[Path, typer.Argument(metavar="OUT", help="结果文件 / file to write")],
    lon: Annotated[
        str | None, typer.Option(help="经度（东坐标）列 / column of longitude  [default: lon]")
    ] = None,
    lat: Annotated[
        str | None, typer.Option(help="纬度（北坐标）列 / column of latitude  [default: lat]")
    ] = None,
    crs: Annotated[
        str | None,
        typer.Option(help="坐标系 / WGS84, GCJ-02, BD-09, EPSG:n  [default: WGS84]"),
    ] = None,
    accuracy: Annotated[
        str | None, typer.Option(help="精度列名或米数 / column, or metres (68 % radius)")
    ] = None,
    address: Annotated[str | None, typer.Option(help="地址列 / column of the address")] = None,
    at: Annotated[
        str | None, typer.Option(help="时点列（RFC 3339）/ column of the instant")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="输出 JSON / print JSON")] = False,
) -> None:
    """批量匹配：为每一行找出所属网格 / Match every row of a file to its grid, on every core.

    IN 和 OUT 可为 .csv、.parquet、.gpkg，可互相转换。GeoPackage 的点不必指定坐标列。
    """
    from api.cli import match_stream  # noqa: PLC0415 - it imports this module

    rows = Source(source)
    of_points = lon is None and lat is None and source.suffix.lower() == ".gpkg"
    name = frames.normalise(crs or (_declared(rows, source) if of_points else "WGS84"))
    metres = _metres(accuracy)
    by_address = address is not None and not (lon or lat) and "lon" not in rows.columns
    columns = {
        "lon": GEOMETRY_LON if of_points else None if by_address else lon or "lon",
        "lat": GEOMETRY_LAT if of_points else None if by_address else lat or "lat",
        "accuracy": accuracy if metres is None else None,
        "address": address,
        "at": at,
    }
    for column in columns.values():
        if column not in (None, GEOMETRY_LON, GEOMETRY_LAT, *rows.columns):
            raise ColumnMissing(path=str(source), column=column, columns=", ".join(rows.columns))
    with open_database() as database, written(target) as unfinished, progress() as bar:
        job = match_stream.job_of(database, columns, name, metres)
        with sink(unfinished) as out:
            counts = match_stream.run(rows, out, job, bar)
    if as_json:
        put({"rows": counts.total(), "decisions": dict(counts), "output": str(target)})
    else:
        shares = ", ".join(f"{decision} {count}" for decision, count in counts.most_common())
        say(
            f"已匹配 {counts.total()} 行：{shares}。结果：{target}",
            f"Matched {counts.total()} rows: {shares}. Written to {target}",
        )


def _declared(rows: Source, path: Path) -> str:
    """Return the frame that a file of points declares."""
    if rows.crs is None:
        return "WGS84"
    return declared_crs(gpd.GeoDataFrame(geometry=[], crs=rows.crs), path) or "WGS84"


def _metres(accuracy: str | None) -> float | None:
    try:
        return None if accuracy is None else float(accuracy)
    except ValueError:
        return None


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("match")(match_file)
