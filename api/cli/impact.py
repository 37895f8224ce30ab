"""``gridward boundaries impact``: what a draft changes for whom, before it is published."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Annotated, Any, Final

import shapely
import typer

from api.cli.session import language, open_database, put, say, show_table
from api.routes.maps import ground_of, today
from gis.governance.actors import SYSTEM
from gis.services.impact import FIGURES, ImpactView, impact_view
from gis.settings import load
from layers import files
from maps import boundary_impact
from maps.folium_map import render
from maps.style import LAYER_TITLES

REPORT_ENDINGS: Final = (".html", ".csv", ".geojson")
_LISTED: Final = 30
_HEADS: Final = {
    "old": ("原区域", "old"),
    "new": ("新区域", "new"),
    "residents": ("人口", "people"),
    "households": ("户", "households"),
    "addresses": ("地址", "addresses"),
    "stations": ("站点", "stations"),
    "open_orders": ("在办工单", "open orders"),
    "events": ("近一年事件", "events, 1 y"),
    "workers": ("值守人员", "on duty"),
    "old_share": ("占原区域", "of old"),
}
_COLUMNS: Final = (
    "layer", "old", "old_name", "new", "new_name", "moves", *FIGURES, "workers", "area_m2",
    "old_share", "new_share",
)  # fmt: skip


def _report_file(path: Path | None) -> Path | None:
    if path is not None and path.suffix.lower() not in REPORT_ENDINGS:
        raise typer.BadParameter(" ".join(REPORT_ENDINGS))
    if path is not None and not path.absolute().parent.is_dir():
        raise typer.BadParameter(f"没有文件夹 / no folder {path.absolute().parent}")
    return path


def show_impact(
    draft: Annotated[int, typer.Argument(help="草稿编号 / number of the draft", metavar="ID")],
    report: Annotated[
        Path | None,
        typer.Option(
            help=f"另存为 / write to: {' '.join(REPORT_ENDINGS)}",
            metavar="FILE",
            callback=_report_file,
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="输出 JSON / print JSON")] = False,
) -> None:
    """发布前查看草稿的影响 / Show what a draft changes for whom before it is published."""
    with open_database() as database:
        view = impact_view(database, SYSTEM, draft)
    if report is not None:
        with files.written(report) as unfinished:
            unfinished.write_bytes(_rendered(view, report.suffix.lower()))
        say(f"已写入 {report}。", f"Wrote {report}.")
    if as_json:
        put(view.answer)
    else:
        _print(view.answer, zh=language() == "zh")


def _rendered(view: ImpactView, ending: str) -> bytes:
    if ending == ".html":
        drawing = boundary_impact.draw(view, language=language(), drawn_on=today())
        return render(drawing, ground=ground_of(load())).content
    if ending == ".csv":
        text = io.StringIO()
        writer = csv.DictWriter(text, _COLUMNS, lineterminator="\r\n")
        writer.writeheader()
        for layer in view.answer["layers"]:
            writer.writerows({"layer": layer["layer"], **row} for row in layer["matrix"])
        return text.getvalue().encode("utf-8-sig")  # Excel takes it for the local code page without
    features = [
        {
            "type": "Feature",
            "geometry": json.loads(shapely.to_geojson(piece.ground)),
            "properties": piece.row,
        }
        for piece in view.moved
    ]
    collection = {"type": "FeatureCollection", "features": features}
    return (json.dumps(collection, ensure_ascii=False, allow_nan=False) + "\n").encode()


def _print(answer: dict[str, Any], *, zh: bool) -> None:
    if not answer["layers"]:
        say("此草稿不改变任何区域。", "This draft changes no area.")
    for layer in answer["layers"]:
        moving = [row for row in layer["matrix"] if row["moves"]]
        words = LAYER_TITLES.get(layer["layer"], (layer["layer"], layer["layer"]))
        heads = [words_of[0 if zh else 1] for words_of in _HEADS.values()]
        rows = [[_cell(key, row[key]) for key in _HEADS] for row in moving[:_LISTED]]
        show_table(heads, rows, words[0 if zh else 1])
        if len(moving) > _LISTED:
            more = len(moving) - _LISTED
            say(f"另有 {more} 行，见 --report。", f"{more} more rows: see --report.")
        total = layer["summary"]
        say(
            f"划转 {total['residents_moved']:,} / {total['residents_in_all']:,} 人，"
            f"{total['open_orders_moved']:,} 个在办工单，{total['area_m2_moved'] / 1e6:,.2f} km²；"
            f"新增 {total['areas_new']}，调整 {total['areas_changed']}，"
            f"停用 {total['areas_retired']}。",
            f"{total['residents_moved']:,} of {total['residents_in_all']:,} residents move, "
            f"{total['open_orders_moved']:,} open work orders, "
            f"{total['area_m2_moved'] / 1e6:,.2f} km²; areas: {total['areas_new']} new, "
            f"{total['areas_changed']} changed, {total['areas_retired']} retired.",
        )
        if lost := total["residents_left_without_area"]:
            say(
                f"注意：{lost:,} 人将无区域负责。", f"Note: {lost:,} residents are left to no area."
            )


def _cell(key: str, value: Any) -> str:  # noqa: ANN401 - a figure of a row
    if value is None:
        return "—"
    if key == "old_share":
        return f"{value:.1%}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def register_into(group: typer.Typer) -> None:
    """Add the command to the group ``boundaries``."""
    group.command("impact")(show_impact)
