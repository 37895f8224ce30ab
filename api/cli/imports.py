"""``gridward import``: real files in, with a report of what is wrong in them."""

from __future__ import annotations

from datetime import date, datetime, time
from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer

from api.cli import import_city
from api.cli.delivery import Delivery, ForceCrs, delivered, steps
from api.cli.hotline import hotline
from api.cli.session import Bilingual, open_database
from gis.geometry.crs_evidence import KnownPlaces
from gis.governance.actors import SYSTEM
from gis.governance.areas import LEVELS
from gis.governance.calendar import SHANGHAI
from gis.services.boundaries import STEPS, import_areas
from gis.services.crs_check import known_places_of
from gis.services.station_rows import StationColumns
from gis.services.stations import import_stations
from layers import files

app = Bilingual("导入文件并报告问题 / import files, with a report of what is wrong in them")

import_city.register(app)


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


LevelName = Annotated[
    str, typer.Option(help=f"层级 / level: {' '.join(LEVELS)}", metavar="LEVEL", callback=_level)
]
Code = Annotated[str, typer.Option(help="编码列 / column of codes", metavar="COL")]


@app.command("areas")
@delivered(without=("lon", "lat"))
def areas(
    delivery: Delivery,
    *,
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
    mend: Annotated[
        bool, typer.Option("--mend", help="修补无效边界并逐一报告 / mend invalid shapes")
    ] = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="有缝隙或重叠即拒收 / refuse gaps and overlaps")
    ] = False,
    title: Annotated[
        str | None, typer.Option(help="版本说明 / title of the revision", metavar="TEXT")
    ] = None,
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
) -> None:
    """导入区域边界；未加 --publish 时存为草稿 / Import areas, as a draft without --publish.

    文件未提到的区域保持不变 / Areas that the file does not mention stay as they are.
    """
    with steps(("reading", *STEPS)) as began:
        began("reading")
        frame = delivery.frame()
        chosen, source = files.source_of(frame, delivery.file, delivery.crs)
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
                skip_bad=delivery.skip_bad is not None,
                mend=mend,
                strict=strict,
                title=title,
                source=source,
                known=known,
                force_crs=force_crs,
                step=began,
            )
    delivery.finish(result, frame)


@app.command("stations")
@delivered()
def stations(
    delivery: Delivery,
    *,
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
    force_crs: ForceCrs = False,
) -> None:
    """导入服务站点，按编码新增或更新 / Import stations: added or overwritten by code.

    文件未提到的站点保持不变 / Stations that the file does not mention stay as they are.
    """
    with steps(("reading", "writing")) as began:
        began("reading")
        frame = delivery.frame()
        chosen, source = files.source_of(frame, delivery.file, delivery.crs)
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
                skip_bad=delivery.skip_bad is not None,
                force_crs=force_crs,
                source=source,
            )
    delivery.finish(result, frame)


def _known(path: Path, area: str | None, crs: str | None) -> KnownPlaces:
    """Return the known places of a file in WGS84; those without a usable position are left out."""
    frame = files.read(path)
    chosen, _ = files.source_of(frame, path, crs)
    return known_places_of(frame, path.name, area=area, crs=chosen)


def _start_of(day: str | None) -> datetime | None:
    """Return midnight in the city at which a day begins."""
    return None if day is None else datetime.combine(date.fromisoformat(day), time(), SHANGHAI)


def register(commands: typer.Typer) -> None:
    """Add the group of commands."""
    # Here, because they take their options from this module.
    import_module("api.cli.import_addresses").register(app)
    app.command("hotline")(hotline)
    import_module("api.cli.city_imports").register(app)
    commands.add_typer(app, name="import")
