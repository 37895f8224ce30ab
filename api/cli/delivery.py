"""A delivery: a file with what every import asks about it, and the options that say so, once.

A command takes its own options and one :class:`Delivery`; :func:`delivered` adds the options of the
delivery behind its own, so that every import reads, reports and rejects alike.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from inspect import Parameter, Signature, signature
from pathlib import Path
from typing import Annotated, Any, Final

import geopandas as gpd
import typer

from api.cli.reports import show
from api.cli.session import REFUSED, language, progress, say
from gis.services.columns import ROW
from gis.services.import_report import ImportReport
from layers import files

REPORT_ENDINGS: Final = (".json", ".geojson", ".txt", ".html")
_STEP_WORDS: Final = {
    "reading": ("读取文件", "reading the file"),
    "columns": ("核对编码与名称", "codes and names"),
    "coordinates": ("换算坐标", "coordinates"),
    "shapes": ("检查几何", "shapes"),
    "tiling": ("检查缝隙与重叠", "gaps and overlaps"),
    "writing": ("写入", "writing"),
}


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


@dataclass(frozen=True, slots=True)
class Delivery:
    """A file and how to take it; a field for each option, see their help."""

    file: Path
    crs: str | None = None
    lon: str | None = None
    lat: str | None = None
    report: Path | None = None
    skip_bad: Path | None = None
    layer: str | None = None
    encoding: str | None = None
    as_json: bool = False

    def frame(self) -> gpd.GeoDataFrame:
        """Read the file."""
        return files.read(
            self.file, layer=self.layer, encoding=self.encoding, lon=self.lon, lat=self.lat
        )

    def finish(self, result: ImportReport, frame: gpd.GeoDataFrame) -> None:
        """Write and print the report; leave with status 1 when the file was refused."""
        if self.skip_bad is not None and result.accepted:
            _write_rejects(result, frame, self.skip_bad)
        show(result, report=self.report, as_json=self.as_json)
        if not result.accepted:
            raise typer.Exit(REFUSED)


_OPTIONS: Final[dict[str, Any]] = {
    "crs": Crs,
    "lon": Lon,
    "lat": Lat,
    "report": ReportFile,
    "skip_bad": Rejects,
    "layer": Layer,
    "encoding": Encoding,
    "as_json": AsJson,
}


def delivered(
    *,
    file: Any = File,  # noqa: ANN401 - an annotation
    without: Sequence[str] = (),
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command ``(delivery, its own options)`` the options of a delivery.

    Parameters
    ----------
    file
        The annotation of the argument that names the file.
    without
        Options that make no sense for it: ``lon``, ``lat`` of layers of polygons.
    """

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        kept = {name: kind for name, kind in _OPTIONS.items() if name not in without}

        @wraps(command)
        def run(**given: Any) -> None:  # noqa: ANN401 - what typer read
            own = {name: value for name, value in given.items() if name not in kept}
            shared = {name: value for name, value in given.items() if name in kept}
            command(Delivery(own.pop("file"), **shared), **own)

        own = list(signature(command, eval_str=True).parameters.values())[1:]
        shared = [
            Parameter(
                name,
                Parameter.KEYWORD_ONLY,
                default=False if kind is AsJson else None,
                annotation=kind,
            )
            for name, kind in kept.items()
        ]
        return _taking(
            run, [Parameter("file", Parameter.KEYWORD_ONLY, annotation=file), *own, *shared]
        )

    return decorate


def lesser(command: Callable[..., None], *names: str) -> Callable[..., None]:
    """Return a command without some of its options; their defaults hold."""

    @wraps(command)
    def run(**given: Any) -> None:  # noqa: ANN401 - what typer read
        command(**given)

    kept = [one for one in signature(command).parameters.values() if one.name not in names]
    return _taking(run, kept)


def _taking(command: Callable[..., None], parameters: Sequence[Parameter]) -> Callable[..., None]:
    """Give a command the parameters that typer is to read."""
    command.__signature__ = Signature(parameters)  # type: ignore[attr-defined]
    command.__annotations__ = {one.name: one.annotation for one in parameters}
    return command


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
