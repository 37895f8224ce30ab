"""``gridward import``: real files in, with a report of what is wrong in them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime, time
from importlib import import_module
from pathlib import Path
from typing import Annotated, Final

import geopandas as gpd
import typer

from api.cli import import_city
from api.cli.hotline import hotline
from api.cli.reports import show
from api.cli.session import (
    REFUSED,
    Bilingual,
    language,
    open_database,
    progress,
    say,
)
from gis.geometry.crs_evidence import KnownPlaces
from gis.governance.actors import SYSTEM
from gis.governance.areas import LEVELS
from gis.governance.calendar import SHANGHAI
from gis.services.boundaries import STEPS, import_areas
from gis.services.columns import ROW
from gis.services.crs_check import known_places_of
from gis.services.import_report import ImportReport
from gis.services.station_rows import StationColumns
from gis.services.stations import import_stations
from layers import files

app = Bilingual("导入文件并报告问题 / import files, with a report of what is wrong in them")

import_city.register(app)

REPORT_ENDINGS: Final = (".json", ".geojson", ".txt", ".html")
_STEP_WORDS: Final = {
    "reading": ("读取文件", "reading the file"),
    "columns": ("核对编码与名称", "codes and names"),
    "coordinates": ("换算坐标", "coordinates"),
    "shapes": ("检查几何", "shapes"),
    "tiling": ("检查缝隙与重叠", "gaps and overlaps"),
    "writing": ("写入", "writing"),
}


def _level(text: str) -> str:
    if text not in LEVELS:
        raise typer.BadParameter(", ".join(LEVELS))
    return text


def _day(text: str | None) -> str | None:
    if text is not None:
        try:
            date.fromisoformat(text)
        except ValueError as error:
            raise typer.BadParameter("2026-11-23") from error
    return text


def _report_file(path: Path | None) -> Path | None:
    return _writable(path, REPORT_ENDINGS)


def _rejects_file(path: Path | None) -> Path | None:
    return _writable(path, files.WRITTEN_ENDINGS)


def _writable(path: Path | None, endings: Sequence[str]) -> Path | None:
    """Refuse before the import what could not be written after it."""
    if path is not None and path.suffix.lower() not in endings:
        raise typer.BadParameter(" ".join(endings))
    if path is not None and not path.absolute().parent.is_dir():
        raise typer.BadParameter(f"没有文件夹 / no folder {path.absolute().parent}")
    return path


File = Annotated[
    Path, typer.Argument(help=f"文件 / file: {' '.join(files.ENDINGS)}", metavar="FILE")
]
LevelName = Annotated[
    str, typer.Option(help=f"层级 / level: {' '.join(LEVELS)}", metavar="LEVEL", callback=_level)
]
Code = Annotated[str, typer.Option(help="编码列 / column of codes", metavar="COL")]
Crs = Annotated[
    str | None,
    typer.Option(
        help="坐标系，缺省用文件自带的声明 / coordinate system; as declared without it: "
        "WGS84, CGCS2000, GCJ-02, BD-09, EPSG:n",
        metavar="NAME",
    ),
]
Layer = Annotated[str | None, typer.Option(help="图层名 / layer of the file", metavar="NAME")]
Encoding = Annotated[
    str | None, typer.Option(help="字符编码，缺省自动识别 / encoding, guessed", metavar="NAME")
]
Lon = Annotated[str | None, typer.Option(help="经度或东向列 / column of lon", metavar="COL")]
Lat = Annotated[str | None, typer.Option(help="纬度或北向列 / column of lat", metavar="COL")]
ReportFile = Annotated[
    Path | None,
    typer.Option(
        "--report",
        help=f"报告存入 / report to: {' '.join(REPORT_ENDINGS)}",
        metavar="FILE",
        callback=_report_file,
    ),
]
Rejects = Annotated[
    Path | None,
    typer.Option(
        "--skip-bad",
        callback=_rejects_file,
        help="有错的行存入此文件，其余照常导入 / put bad rows there, import the others",
        metavar="FILE",
    ),
]
ForceCrs = Annotated[
    bool,
    typer.Option(
        "--force-crs",
        help="坐标系明显不符时仍然导入 / import though the system is clearly wrong",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="输出 JSON / print JSON")]


@app.command("areas")
def areas(
    file: File,
    level: LevelName,
    code: Code,
    name: Annotated[str, typer.Option(help="名称列 / column of names", metavar="COL")],
    parent: Annotated[
        str | None,
        typer.Option(help="上级编码列，缺省由编码推出 / column of parent codes", metavar="COL"),
    ] = None,
    kind: Annotated[
        str | None,
        typer.Option(help="类别列 / column of kinds (urban rural general ...)", metavar="COL"),
    ] = None,
    crs: Crs = None,
    code_system: Annotated[
        str | None,
        typer.Option(
            help="编码体系，缺省同现行区域；local 表示不按国家规则 / code system, that of standing "
            "areas without it; local: no national rules",
            metavar="NAME",
        ),
    ] = None,
    retire: Annotated[
        list[str] | None,
        typer.Option(
            help="随之停用的编码，可重复 / code that retires with it; repeat", metavar="CODE"
        ),
    ] = None,
    valid_from: Annotated[
        str | None,
        typer.Option(help="生效日期，缺省现在 / valid from", metavar="DATE", callback=_day),
    ] = None,
    publish: Annotated[
        bool, typer.Option("--publish", help="立即发布，否则存为草稿 / publish, not only draft")
    ] = False,
    report: ReportFile = None,
    skip_bad: Rejects = None,
    mend: Annotated[
        bool, typer.Option("--mend", help="修补无效边界并逐一报告 / mend invalid shapes")
    ] = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="有缝隙或重叠即拒收 / refuse gaps and overlaps")
    ] = False,
    title: Annotated[
        str | None, typer.Option(help="版本说明 / title of the revision", metavar="TEXT")
    ] = None,
    layer: Layer = None,
    encoding: Encoding = None,
    known_places: Annotated[
        Path | None,
        typer.Option(
            help="已知位置的文件，用来核对坐标系 / file of known places that test the system",
            metavar="FILE",
        ),
    ] = None,
    known_area: Annotated[
        str | None,
        typer.Option(
            help="其所属区域编码列；缺省只看是否落在区域内 / its column of area codes",
            metavar="COL",
        ),
    ] = None,
    known_crs: Annotated[
        str | None,
        typer.Option(help="其坐标系，缺省用其声明 / its coordinate system", metavar="NAME"),
    ] = None,
    force_crs: ForceCrs = False,
    as_json: AsJson = False,
) -> None:
    """导入区域边界；未加 --publish 时存为草稿 / Import areas, as a draft without --publish.

    文件未提到的区域保持不变 / Areas that the file does not mention stay as they are.
    """
    with steps(("reading", *STEPS)) as began:
        began("reading")
        frame = files.read(file, layer=layer, encoding=encoding)
        chosen, source = files.source_of(frame, file, crs)
        known = None if known_places is None else _known(known_places, known_area, known_crs)
        with open_database() as database:
            result = import_areas(
                database,
                SYSTEM,
                frame,
                level=level,
                code=code,
                name=name,
                parent=parent,
                kind=kind,
                crs=chosen,
                code_system=code_system,
                retire=retire or (),
                valid_from=_start_of(valid_from),
                publish=publish,
                skip_bad=skip_bad is not None,
                mend=mend,
                strict=strict,
                title=title,
                source=source,
                known=known,
                force_crs=force_crs,
                step=began,
            )
    finish(result, frame, report=report, rejects=skip_bad, as_json=as_json)


@app.command("stations")
def stations(
    file: File,
    code: Code,
    name: Annotated[
        str | None, typer.Option(help="名称列，缺省同编码 / column of names", metavar="COL")
    ] = None,
    kind: Annotated[
        str | None, typer.Option(help="类别列 / column of kinds", metavar="COL")
    ] = None,
    default_kind: Annotated[
        str,
        typer.Option(
            help="未注明类别时 / kind of the others: service_station job_service governance_center",
            metavar="KIND",
        ),
    ] = "service_station",
    address: Annotated[
        str | None, typer.Option(help="地址列 / column of addresses", metavar="COL")
    ] = None,
    area: Annotated[
        str | None, typer.Option(help="所属区域编码列 / column of area codes", metavar="COL")
    ] = None,
    capacity: Annotated[
        str | None, typer.Option(help="容量列 / column of capacities", metavar="COL")
    ] = None,
    opening_hours: Annotated[
        str | None, typer.Option(help="开放时间列 / column of opening hours", metavar="COL")
    ] = None,
    crs: Crs = None,
    lon: Lon = None,
    lat: Lat = None,
    report: ReportFile = None,
    skip_bad: Rejects = None,
    layer: Layer = None,
    encoding: Encoding = None,
    force_crs: ForceCrs = False,
    as_json: AsJson = False,
) -> None:
    """导入服务站点，按编码新增或更新 / Import stations: added or overwritten by code.

    文件未提到的站点保持不变 / Stations that the file does not mention stay as they are.
    """
    with steps(("reading", "writing")) as began:
        began("reading")
        frame = files.read(file, layer=layer, encoding=encoding, lon=lon, lat=lat)
        chosen, source = files.source_of(frame, file, crs)
        columns = StationColumns(code, name, kind, address, area, capacity, opening_hours)
        with open_database() as database:
            began("writing")
            result = import_stations(
                database,
                SYSTEM,
                frame,
                columns,
                default_kind=default_kind,
                crs=chosen,
                skip_bad=skip_bad is not None,
                force_crs=force_crs,
                source=source,
            )
    finish(result, frame, report=report, rejects=skip_bad, as_json=as_json)


@contextmanager
def steps(names: Sequence[str]) -> Iterator[Callable[[str], None]]:
    """Show a progress bar that is told the name of each step as it begins."""
    with progress() as bar:
        task = bar.add_task("", total=len(names))

        def began(name: str) -> None:
            zh, en = _STEP_WORDS[name]
            words = en if language() == "en" else zh
            bar.update(task, description=words, completed=names.index(name))

        yield began
        bar.update(task, completed=len(names))


def _known(path: Path, area: str | None, crs: str | None) -> KnownPlaces:
    """Return the known places of a file in WGS84; those without a usable position are left out."""
    frame = files.read(path)
    chosen, _ = files.source_of(frame, path, crs)
    return known_places_of(frame, path.name, area=area, crs=chosen)


def _start_of(day: str | None) -> datetime | None:
    """Return midnight in the city at which a day begins."""
    return None if day is None else datetime.combine(date.fromisoformat(day), time(), SHANGHAI)


def finish(
    result: ImportReport,
    frame: gpd.GeoDataFrame,
    *,
    report: Path | None,
    rejects: Path | None,
    as_json: bool,
) -> None:
    """Write and print the report; leave with status 1 when the file was refused."""
    if rejects is not None and result.accepted:
        _write_rejects(result, frame, rejects)
    show(result, report=report, as_json=as_json)
    if not result.accepted:
        raise typer.Exit(REFUSED)


def _write_rejects(result: ImportReport, frame: gpd.GeoDataFrame, path: Path) -> None:
    """Write the rows that were not taken, as they were delivered, with the reasons."""
    reasons: dict[int, list[str]] = {}
    for finding in result.errors:
        if finding.row is not None:
            words = finding.reason_en if language() == "en" else finding.reason_zh
            reasons.setdefault(finding.row, []).append(words)
    rejected = frame[frame[ROW].isin(result.rejected_rows)]
    told = ["; ".join(reasons.get(int(row), [])) for row in rejected[ROW]]
    # The numbers stay in the frame they came in, whatever the file said it was.
    bare = gpd.GeoSeries(list(rejected.geometry), index=rejected.index)
    files.write(gpd.GeoDataFrame(rejected.assign(reject_reason=told, geometry=bare)), path)
    say(f"{len(rejected)} 行存入 {path}", f"{len(rejected)} rows put into {path}")


def register(commands: typer.Typer) -> None:
    """Add the group of commands."""
    # Here, because they take their options from this module.
    import_module("api.cli.import_addresses").register(app)
    app.command("hotline")(hotline)
    import_module("api.cli.city_imports").register(app)
    commands.add_typer(app, name="import")
