"""Files in and out: GeoJSON, GeoPackage, Shapefile, FlatGeobuf, GeoParquet, CSV.

Reading never changes a coordinate and never believes the file about its frame: the declared CRS
is kept in ``frame.crs`` and the caller decides. Every row knows where it stood (``row``).
"""

from layers.files.delimited import read_table
from layers.files.provenance import source_of
from layers.files.reading import ENDINGS, declared_crs, read
from layers.files.writing import WRITTEN_ENDINGS, write, written

__all__ = [
    "ENDINGS",
    "WRITTEN_ENDINGS",
    "declared_crs",
    "read",
    "read_table",
    "source_of",
    "write",
    "written",
]
