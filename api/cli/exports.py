"""``gridward export LAYER FILE``: a layer into any format, any coordinate system."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer

from api.cli.session import one_of, open_database, progress, put, say
from gis.governance.actors import ROLES, SYSTEM, Actor
from gis.store.unit_of_work import Database
from layers.bands import build_all
from layers.catalogue import LAYERS, Layer, layer_of
from layers.cql2_text import parsed
from layers.derived import DERIVED, compute_all
from layers.features import Reader, Selection
from layers.files.export import EXPORTED, Outcome, Target, write_layer
from layers.pyramid import write_pmtiles

PMTILES: Final = ".pmtiles"
_ENDINGS: Final = " ".join([*EXPORTED, PMTILES])


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("export")(export)


def export(
    layer: Annotated[str, typer.Argument(help=f"图层 / layer: {' '.join(LAYERS)}")],
    file: Annotated[Path, typer.Argument(help=f"文件 / file: {_ENDINGS}", metavar="FILE")],
    crs: Annotated[
        str,
        typer.Option(help="坐标系 / coordinate system: WGS84 CGCS2000 GCJ-02 BD-09 EPSG:<n>"),
    ] = "WGS84",
    where: Annotated[
        str | None, typer.Option("--filter", help="CQL2 过滤条件 / filter", metavar="CQL2")
    ] = None,
    names: Annotated[
        str,
        typer.Option(help="列名：key 英文键，zh 中文 / columns: key or zh",
                     callback=one_of(("key", "zh"))),
    ] = "key",
    encoding: Annotated[
        str, typer.Option(help="Shapefile 属性编码 / of Shapefile attributes: UTF-8 GBK",
                          callback=one_of(("UTF-8", "GBK")))
    ] = "UTF-8",
    role: Annotated[
        str, typer.Option(help="以该角色所见导出 / as this role sees it",
                          callback=one_of(("anonymous", *ROLES)))
    ] = "admin",
    area: Annotated[
        str | None, typer.Option(help="以该辖区所见导出 / as seen with this area", metavar="CODE")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="输出 JSON / print JSON")] = False,
) -> None:  # fmt: skip
    """导出图层 / Write a layer to a file."""
    actor = Actor(SYSTEM.id, role, area)
    chosen = layer_of(layer, actor)
    with open_database() as database:
        if chosen.key in DERIVED:
            compute_all(database)
        if file.suffix.lower() == PMTILES:
            build_all(database)
            outcome = _pyramid(database, chosen, actor, file)
        else:
            target = Target(file, crs, names, encoding)
            selection = Selection(cql2=None if where is None else parsed(where))
            outcome = _features(database, chosen, actor, target, selection)
    for zh, en in outcome.limits:
        say(f"注意：{zh}", f"Note: {en}")
    what = ("瓦片", "tiles") if file.suffix.lower() == PMTILES else ("要素", "features")
    say(f"已写入 {file}：{outcome.features:,} 个{what[0]}。",
        f"Wrote {file}: {outcome.features:,} {what[1]}.")  # fmt: skip
    if as_json:
        limits = [{"zh": zh, "en": en} for zh, en in outcome.limits]
        put({"file": str(file), "layer": layer, "written": outcome.features, "limits": limits})


def _features(
    database: Database, layer: Layer, actor: Actor, target: Target, selection: Selection
) -> Outcome:
    with database.reading(actor, snapshot=True) as work, progress() as bar:
        reader = Reader(work, layer, actor, selection)
        task = bar.add_task(layer.title_zh, total=reader.count())
        return write_layer(
            layer,
            reader.view.attributes,
            reader.chunks(),
            target,
            lambda features: bar.advance(task, features),
        )


def _pyramid(database: Database, layer: Layer, actor: Actor, file: Path) -> Outcome:
    levels = layer.zooms[1] - layer.zooms[0] + 1
    with progress() as bar:
        task = bar.add_task(layer.title_zh, total=levels)
        count = write_pmtiles(
            database, layer, actor, file, lambda done, _all: bar.update(task, completed=done)
        )
        bar.update(task, completed=levels)
    return Outcome(features=count)
