"""``gridward evaluate``: match events or a file with known answers, and say how good it was."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from api.cli.cells import instant_of, number_of, text_of
from api.cli.session import language, open_database, progress, put, say
from gis import settings
from gis.errors import ColumnMissing, NothingToEvaluate
from gis.geometry import crs as frames
from gis.governance.actors import SYSTEM
from gis.matching.evaluation import Judged, reliability, report
from gis.services.evaluation import Case, Judge, judged, recalibrate, stored_cases
from gis.services.experience import KnowledgeBase
from gis.services.gazetteer import Gazetteer
from gis.services.lookup import Snapshots
from gis.services.match_request import Location, MatchRequest
from gis.store.unit_of_work import Database, UnitOfWork
from layers.files import read_table, written


def evaluate(
    source: Annotated[
        Path | None, typer.Argument(metavar="[IN]", help="带答案的文件 / a file with answers")
    ] = None,
    expect: Annotated[
        str | None,
        typer.Option(help="正确区域的编码（或名称）列 / column of the right code or name"),
    ] = None,
    events: Annotated[
        bool, typer.Option("--events", help="用库内已知真值的事件 / stored events of known answer")
    ] = False,
    closed: Annotated[
        bool, typer.Option("--closed", help="用已结案事件的网格 / closed cases, by their grid")
    ] = False,
    lon: Annotated[str, typer.Option(help="经度列 / column of longitude")] = "lon",
    lat: Annotated[str, typer.Option(help="纬度列 / column of latitude")] = "lat",
    crs: Annotated[str, typer.Option(help="坐标系 / WGS84, GCJ-02, BD-09, EPSG:n")] = "WGS84",
    accuracy: Annotated[str | None, typer.Option(help="精度列 / column of the accuracy")] = None,
    address: Annotated[str | None, typer.Option(help="地址列 / column of the address")] = None,
    category: Annotated[str | None, typer.Option(help="类别列 / column of the category")] = None,
    origin: Annotated[
        str | None, typer.Option("--source", help="来源列 / column of the source")
    ] = None,
    at: Annotated[str | None, typer.Option(help="时点列 / column of the instant")] = None,
    since: Annotated[
        datetime | None, typer.Option(help="只评此日（含）起的事件 / events from that day on")
    ] = None,
    until: Annotated[
        datetime | None, typer.Option(help="只评此日之前的事件 / events before that day")
    ] = None,
    limit: Annotated[int | None, typer.Option(help="最多多少件 / at most so many")] = None,
    plot: Annotated[
        Path | None, typer.Option(help="可靠性图 PNG / reliability plot to write")
    ] = None,
    calibrate: Annotated[
        bool, typer.Option("--calibrate", help="据此重估校准表 / write the calibration table anew")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="输出 JSON / print JSON")] = False,
) -> None:
    """评估匹配：准确率、自动派单、校准 / Accuracy, auto share, precision of auto, calibration."""
    if (source is None) == (not (events or closed)) or (source is not None and expect is None):
        raise typer.BadParameter(
            "给出文件与 --expect，或 --events，或 --closed / give a file with --expect, or "
            "--events, or --closed"
        )
    columns = {
        "lon": lon, "lat": lat, "accuracy": accuracy, "address": address, "category": category,
        "source": origin, "at": at, "expect": expect,
    }  # fmt: skip
    with open_database() as database:
        found = _found(
            database,
            None if source is None else _file_cases(source, columns, frames.normalise(crs)),
            truths=events,
            window=(_utc(since), _utc(until)),
            limit=limit,
            calibrate=calibrate,
        )
    answer = report(found)
    if plot is not None:
        from maps.reliability import reliability_picture  # noqa: PLC0415 - takes a second

        picture = reliability_picture(
            reliability(found), answer["calibration_error"], language=language()
        )
        with written(plot) as unfinished:
            unfinished.write_bytes(picture)
    if as_json:
        put(answer)
    else:
        _tell(answer, plot)


def _found(
    database: Database,
    cases: list[Case] | None,
    *,
    truths: bool,
    window: tuple[datetime | None, datetime | None],
    limit: int | None,
    calibrate: bool,
) -> list[Judged]:
    """Judge every case; with ``calibrate``, count first and write, then judge with what it gave."""
    chosen = settings.load()
    with database.transaction(SYSTEM) if calibrate else database.reading(SYSTEM) as work:
        snapshots = Snapshots()
        base = KnowledgeBase(Gazetteer(database, snapshots), precision=chosen.auto_precision)
        if cases is None:
            since, until = window
            cases = stored_cases(work, truths=truths, most=limit, since=since, until=until)
        else:
            cases = cases[:limit]
        return _judged(work, snapshots, base, cases, chosen.auto_threshold, calibrate=calibrate)


def _judged(
    work: UnitOfWork,
    snapshots: Snapshots,
    base: KnowledgeBase,
    cases: Sequence[Case],
    threshold: float,
    *,
    calibrate: bool,
) -> list[Judged]:
    snapshot = snapshots.snapshot(work)
    with progress() as bar:
        task = bar.add_task("evaluate", total=len(cases) * (2 if calibrate else 1))
        done = 0
        if calibrate:
            knowledge = base.at(work, snapshot)
            recalibrate(work, snapshot, knowledge, cases, lambda n: bar.update(task, completed=n))
            base.forget()
            done = len(cases)
        judge = Judge(snapshot, base.at(work, snapshot), threshold=threshold)
        found = list(judged(cases, judge, lambda n: bar.update(task, completed=done + n)))
        bar.update(task, completed=done + len(cases))
    return found


def _file_cases(path: Path, columns: dict[str, str | None], crs: str) -> list[Case]:
    table = read_table(path)
    known = [column for column in table.columns if column != "row"]
    optional = {"lon", "lat"} if columns["address"] is not None else set()
    for role, column in columns.items():
        if column is not None and column not in known and role not in optional:
            raise ColumnMissing(path=str(path), column=column, columns=", ".join(known))
    columns = {role: c if c in known else None for role, c in columns.items()}
    cases = []
    for cells in table.to_dict("records"):
        answer = text_of(cells, columns["expect"])
        if answer is not None:
            row = {str(key): cell for key, cell in cells.items()}
            cases.append(Case(_row_request(row, columns, crs), answer))
    if not cases:
        raise NothingToEvaluate(what_zh="行", what_en="row")
    return cases


def _row_request(cells: dict[str, Any], columns: dict[str, str | None], crs: str) -> MatchRequest:
    x, y = number_of(cells, columns["lon"]), number_of(cells, columns["lat"])
    location = None
    if x is not None and y is not None:
        location = Location(x, y, crs, number_of(cells, columns["accuracy"]))
    return MatchRequest(
        location=location,
        address=text_of(cells, columns["address"]),
        category=text_of(cells, columns["category"]),
        source=text_of(cells, columns["source"]),
        at=instant_of(cells, columns["at"]),
    )


def _utc(day: datetime | None) -> datetime | None:
    return None if day is None else day.replace(tzinfo=day.tzinfo or UTC)


def _percent(share: float | None) -> str:
    return "—" if share is None else f"{share:.2%}"


def _tell(answer: dict[str, Any], plot: Path | None) -> None:
    say(
        f"事件 {answer['events']:,}，首选正确 {_percent(answer['accuracy'])}；"
        f"自动派单 {_percent(answer['auto_share'])}，"
        f"其中正确 {_percent(answer['precision_of_auto'])}（错 {answer['auto_wrong']}）；"
        f"待审 {answer['review']:,}，前三含正确 {_percent(answer['review_first_three'])}；"
        f"校准误差 {answer['calibration_error']:.4f}",
        f"{answer['events']:,} events, first choice right {_percent(answer['accuracy'])}; auto "
        f"{_percent(answer['auto_share'])}, of which right {_percent(answer['precision_of_auto'])} "
        f"({answer['auto_wrong']} wrong); review {answer['review']:,}, right among the first three "
        f"{_percent(answer['review_first_three'])}; calibration error "
        f"{answer['calibration_error']:.4f}",
    )
    say("把握 / 事件 / 给出 / 实际", "confidence / events / said / right")
    for row in answer["calibration"]:
        if row["events"]:
            line = (
                f"  {row['from']:.3f}-{row['to']:.3f} {row['events']:>8,}  {_percent(row['said'])}"
                f"  {_percent(row['right'])}"
            )
            say(line, line)
    for key, title_zh, title_en in (
        ("by_source", "来源", "source"),
        ("by_evidence", "线索", "evidence"),
        ("by_level", "级别", "level"),
    ):
        say(f"按{title_zh}：", f"by {title_en}:")
        for name, row in answer[key].items():
            line_zh = (
                f"  {name:<16} {row['events']:>7,}  正确 {_percent(row['accuracy'])}  "
                f"自动 {_percent(row['auto_share'])}  自动正确 {_percent(row['precision_of_auto'])}"
            )
            line_en = (
                f"  {name:<16} {row['events']:>7,}  right {_percent(row['accuracy'])}  "
                f"auto {_percent(row['auto_share'])}  auto right "
                f"{_percent(row['precision_of_auto'])}"
            )
            say(line_zh, line_en)
    wrong = answer["confusion"]
    say(
        f"错判 {wrong['wrong']:,}：相邻 {wrong['neighbour']:,}，更远 {wrong['farther']:,}；"
        f"无候选 {wrong['none']:,}",
        f"wrong {wrong['wrong']:,}: next door {wrong['neighbour']:,}, farther "
        f"{wrong['farther']:,}; without a candidate {wrong['none']:,}",
    )
    if plot is not None:
        say(f"可靠性图：{plot}", f"Reliability plot: {plot}")


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("evaluate")(evaluate)
