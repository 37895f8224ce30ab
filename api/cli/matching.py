"""``gridward match``: a CSV file of pins in, the same rows with their grids out."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from math import isfinite
from pathlib import Path
from typing import Annotated, Any, Final

import pandas as pd
import typer

from api.cli.session import language, open_database, progress, put, say
from gis import clock, settings
from gis.errors import ColumnMissing, FileUnreadable, GovernanceError, InstantInvalid
from gis.geometry import crs as frames
from gis.governance.actors import SYSTEM
from gis.services.lookup import Snapshots
from gis.services.matching import Location, MatchRequest, match
from gis.store.unit_of_work import UnitOfWork
from layers.files import read_table, written

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


class Matcher:
    """Matches the rows of one table: knows which columns hold what."""

    def __init__(
        self,
        work: UnitOfWork,
        columns: Mapping[str, str | None],
        crs: str,
        accuracy_m: float | None,
        threshold: float,
    ) -> None:
        self._work = work
        self._snapshots = Snapshots()
        self._now = clock.now()
        self._columns = columns
        self._crs = crs
        self._accuracy_m = accuracy_m
        self._threshold = threshold

    def row(self, cells: Mapping[str, Any]) -> dict[str, Any]:
        """Return the added columns of one row; a bad row says why in ``reason``."""
        spoken = language()
        try:
            request = self._request(cells)
            in_force = self._snapshots.in_force(self._work, request.at)
            matched = match(
                in_force.snapshot,
                request,
                threshold=self._threshold,
                exceptions=in_force.exceptions,
                at=request.at or self._now,
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
    source: Annotated[Path, typer.Argument(metavar="IN", help="CSV 文件 / CSV file")],
    target: Annotated[Path, typer.Argument(metavar="OUT", help="结果 CSV / CSV to write")],
    lon: Annotated[str, typer.Option(help="经度(东坐标)列 / column of longitude")] = "lon",
    lat: Annotated[str, typer.Option(help="纬度(北坐标)列 / column of latitude")] = "lat",
    crs: Annotated[str, typer.Option(help="坐标系 / WGS84, GCJ-02, BD-09, EPSG:n")] = "WGS84",
    accuracy: Annotated[
        str | None, typer.Option(help="精度列名或米数 / column, or metres (68 % radius)")
    ] = None,
    address: Annotated[str | None, typer.Option(help="地址列 / column of the address")] = None,
    at: Annotated[str | None, typer.Option(help="时点列(RFC 3339)/ column of the instant")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="输出 JSON / print JSON")] = False,
) -> None:
    """批量匹配:为每一行找出所属网格 / Match every row of a CSV file to its grid."""
    for path in (source, target):
        if path.suffix.lower() != ".csv":
            raise FileUnreadable(path=str(path), reason="only .csv files are matched so far")
    name = frames.normalise(crs)
    table = read_table(source)
    metres = _metres(accuracy)
    columns = {
        "lon": lon,
        "lat": lat,
        "accuracy": accuracy if metres is None else None,
        "address": address,
        "at": at,
    }
    known = [column for column in table.columns if column != "row"]
    for column in columns.values():
        if column is not None and column not in known:
            raise ColumnMissing(path=str(source), column=column, columns=", ".join(known))
    threshold = settings.load().auto_threshold
    with open_database() as database, database.reading(SYSTEM) as work:
        counts = _write(table[known], target, Matcher(work, columns, name, metres, threshold))
    if as_json:
        put({"rows": len(table), "decisions": dict(counts), "output": str(target)})
    else:
        shares = ", ".join(f"{decision} {count}" for decision, count in counts.most_common())
        say(
            f"已匹配 {len(table)} 行:{shares}。结果:{target}",
            f"Matched {len(table)} rows: {shares}. Written to {target}",
        )


def _metres(accuracy: str | None) -> float | None:
    try:
        return None if accuracy is None else float(accuracy)
    except ValueError:
        return None


def _write(table: pd.DataFrame, target: Path, matcher: Matcher) -> Counter[str]:
    counts: Counter[str] = Counter()
    kept = [str(column) for column in table.columns if column not in ADDED]  # a file matched again
    with progress() as bar, written(target) as unfinished:
        task = bar.add_task("match", total=len(table))
        with unfinished.open("w", encoding="utf-8-sig", newline="") as out:
            writer = csv.DictWriter(out, [*kept, *ADDED])
            writer.writeheader()
            for number, cells in enumerate(table.to_dict("records")):
                found = matcher.row({str(key): cell for key, cell in cells.items()})
                counts[found["decision"]] += 1
                given = {column: "" if pd.isna(cells[column]) else cells[column] for column in kept}
                writer.writerow({**given, **found})
                if number % 1000 == 0:
                    bar.update(task, completed=number)
        bar.update(task, completed=len(table))
    return counts


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("match")(match_file)
