"""Writing features: whole or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pyogrio

from gis.errors import FileMissing, FormatUnknown

if TYPE_CHECKING:
    import geopandas as gpd

DRIVERS: Final = {
    ".geojson": "GeoJSON",
    ".json": "GeoJSON",
    ".gpkg": "GPKG",
    ".fgb": "FlatGeobuf",
}
WRITTEN_ENDINGS: Final = (*DRIVERS, ".parquet", ".csv")


def write(frame: gpd.GeoDataFrame, path: Path | str) -> None:
    """Write features in the format of the path's ending; coordinates as they are.

    GeoJSON of a frame with a CRS is turned into lon/lat, as its standard wants; one without a CRS
    is written as it is.

    GeoJSON has 7 decimals (1 cm) and counter-clockwise shells (RFC 7946). CSV is UTF-8 with a byte
    order mark, as Chinese spreadsheets need it: points as ``lon, lat``, everything else as WKT.

    Raises
    ------
    gis.errors.FormatUnknown, gis.errors.FileMissing
        An ending not in :data:`WRITTEN_ENDINGS`; a folder that does not exist or cannot be written.
    """
    path = Path(path)
    ending = path.suffix.lower()
    if ending not in WRITTEN_ENDINGS:
        raise FormatUnknown(path=str(path), known=" ".join(WRITTEN_ENDINGS))
    with written(path) as unfinished:
        if ending == ".csv":
            _to_csv(frame, unfinished)
        elif ending == ".parquet":
            frame.to_parquet(unfinished)
        else:
            _to_vector(frame, unfinished, DRIVERS[ending])


@contextmanager
def written(path: Path) -> Iterator[Path]:
    """Give a path beside ``path`` to write to; it takes the place of ``path`` when all went well.

    Raises
    ------
    gis.errors.FileMissing
        The folder does not exist or cannot be written.
    """
    try:
        folder = tempfile.mkdtemp(prefix=".gridward-", dir=path.parent)
    except OSError as error:
        raise FileMissing(path=str(path)) from error
    unfinished = Path(folder) / path.name
    try:
        yield unfinished
        os.replace(unfinished, path)  # noqa: PTH105 - the atomic one, by its name
    finally:
        shutil.rmtree(folder, ignore_errors=True)  # what a driver left beside it as well


def _to_vector(frame: gpd.GeoDataFrame, path: Path, driver: str) -> None:
    standard = driver == "GeoJSON" and frame.crs is not None
    options = {"RFC7946": "YES"} if standard else {}
    with warnings.catch_warnings():
        # Rejected rows keep their numbers, in a frame that the format cannot name.
        warnings.filterwarnings("ignore", message="'crs' was not provided")
        pyogrio.write_dataframe(frame, path, driver=driver, layer=path.stem, **options)


def _to_csv(frame: gpd.GeoDataFrame, path: Path) -> None:
    shapes = frame.geometry
    table = frame.drop(columns=shapes.name)
    if shapes.geom_type.dropna().eq("Point").all():
        table = table.assign(lon=shapes.x, lat=shapes.y)
    else:
        table = table.assign(wkt=shapes.to_wkt())
    table.to_csv(path, index=False, encoding="utf-8-sig")
