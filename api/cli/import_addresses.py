"""``gridward import addresses``: a gazetteer from any file of points."""

from __future__ import annotations

from typing import Annotated

import typer

from api.cli.delivery import Delivery, ForceCrs, delivered, steps
from api.cli.session import open_database
from gis.governance.actors import SYSTEM
from gis.matching.address_rows import ENTRY_KINDS
from gis.services.address_rows import AddressColumns
from gis.services.addresses import import_addresses
from layers import files

KINDS = " ".join(kind for kind in ENTRY_KINDS if kind != "area")


def _column(zh: str, en: str) -> typer.models.OptionInfo:
    option: typer.models.OptionInfo = typer.Option(help=f"{zh} / {en}", metavar="COL")
    return option


@delivered()
def addresses(
    delivery: Delivery,
    *,
    text: Annotated[
        str | None, _column("完整地址列，自动拆分", "column of full addresses, taken apart")
    ] = None,
    road: Annotated[str | None, _column("道路列", "column of roads")] = None,
    number: Annotated[str | None, _column("门牌号列", "column of house numbers")] = None,
    compound: Annotated[str | None, _column("小区列", "column of compounds")] = None,
    building: Annotated[str | None, _column("楼栋列", "column of buildings")] = None,
    unit: Annotated[str | None, _column("单元列", "column of units")] = None,
    name: Annotated[
        str | None, _column("店铺、单位、地标名称列", "column of names: shops, firms, landmarks")
    ] = None,
    community: Annotated[
        str | None,
        _column("所属社区编码或名称列", "column of community codes or names"),
    ] = None,
    alias: Annotated[
        str | None, _column("别名列，以分号隔开", "column of other names, split at semicolons")
    ] = None,
    kind: Annotated[str | None, _column(f"类别列 {KINDS}", "column of kinds")] = None,
    default_kind: Annotated[
        str | None,
        typer.Option(help=f"未注明类别时 / kind of the others: {KINDS}", metavar="KIND"),
    ] = None,
    uncertainty: Annotated[
        str | None, _column("位置误差列（米）", "column of uncertainties in metres")
    ] = None,
    code: Annotated[
        str | None,
        _column("编码列，缺省以完整地址为准", "column of codes; the full text without it"),
    ] = None,
    source: Annotated[
        str | None,
        typer.Option(
            help="来源名，同一来源同一编码再次导入即覆盖，缺省为文件名 / name of the source: the "
            "same source and code again overwrites; the file's name without it",
            metavar="NAME",
        ),
    ] = None,
    force_crs: ForceCrs = False,
) -> None:
    """导入地名地址，写入地名地址库 / Import addresses and places into the gazetteer.

    给出 --text，或给出道路、门牌等分列 / Give --text, or the columns of the parts.
    """
    columns = AddressColumns(
        text=text,
        kind=kind,
        road=road,
        number=number,
        compound=compound,
        building=building,
        unit=unit,
        name=name,
        community=community,
        alias=alias,
        uncertainty=uncertainty,
        code=code,
    )
    if not any((text, road, compound, name)):
        raise typer.BadParameter("--text | --road --number | --compound | --name")
    with steps(("reading", "writing")) as began:
        began("reading")
        frame = delivery.frame()
        chosen, said = files.source_of(frame, delivery.file, delivery.crs)
        with open_database() as database:
            began("writing")
            result = import_addresses(
                database,
                SYSTEM,
                frame,
                columns,
                default_kind=default_kind,
                name=source,
                crs=chosen,
                skip_bad=delivery.skip_bad is not None,
                force_crs=force_crs,
                source=said,
            )
    delivery.finish(result, frame)


def register(imports: typer.Typer) -> None:
    """Add the command to the group ``import``."""
    imports.command("addresses")(addresses)
