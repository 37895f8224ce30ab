"""A request for features, read: selection, frame, page, format."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final

import shapely
from fastapi import Request

from api.ogc import asked
from api.ogc.documents import ITEM_FORMATS
from api.ogc.links import chosen_format
from layers.catalogue import View
from layers.cql2_text import parsed
from layers.features import Selection
from layers.frames import NamedFrame, box_to_lon_lat, named, shape_to_lon_lat

KNOWN: Final = (
    "bbox",
    "bbox-crs",
    "crs",
    "cursor",
    "datetime",
    "filter",
    "filter-crs",
    "filter-lang",
    "limit",
    "offset",
    "properties",
)
WHOLE: Final = frozenset({"geojsonl", "csv", "fgb"})
"""Formats that give the whole selection where no ``limit`` is given."""
_LANGUAGES: Final = ("cql2-text", "cql2-json")


@dataclass(frozen=True, slots=True)
class Question:
    """What a request for features wants.

    ``filter_text`` is parsed where the question is answered, for that may take a while.
    """

    form: str
    frame: NamedFrame
    limit: int | None
    offset: int
    after: str | None
    names: tuple[str, ...]
    plain: Selection
    filter_text: str | None
    filter_language: str
    geometry_of: Callable[[shapely.Geometry], shapely.Geometry] | None

    @property
    def is_heavy(self) -> bool:
        """Tell whether the answer may take long whatever the page size."""
        return self.filter_text is not None or self.offset > 10_000

    def selection(self) -> Selection:
        """Return what is selected, with the filter parsed."""
        if self.filter_text is None:
            return self.plain
        return Selection(
            equal=self.plain.equal,
            boxes=self.plain.boxes,
            during=self.plain.during,
            cql2=parsed(self.filter_text, self.filter_language),
            geometry_of=self.geometry_of,
        )


def question(request: Request, view: View, offered: tuple[NamedFrame, ...]) -> Question:
    """Read a request for the features of a layer.

    Raises
    ------
    gis.errors.Malformed
        A parameter is unknown, doubled or invalid.
    """
    attributes = {one.name: one for one in view.attributes if one.type != "strings"}
    given = asked.parameters(request, {*KNOWN, *attributes})
    form = chosen_format(request, "json" if given.get("f") == "geojson" else given.get("f"),
                         ITEM_FORMATS)  # fmt: skip
    frame = named(given["crs"], "crs", offered) if "crs" in given else offered[0]
    default = None if form in WHOLE else asked.PAGE
    equal = {
        name: asked.value_of(attribute, given[name])
        for name, attribute in attributes.items()
        if name in given and name not in KNOWN
    }
    language = given.get("filter-lang", "cql2-text")
    if language not in _LANGUAGES:
        listed = ", ".join(_LANGUAGES)
        raise asked.invalid("filter-lang", f"可用：{listed}", f"there are: {listed}")
    filter_frame = offered[0]
    if "filter-crs" in given:
        filter_frame = named(given["filter-crs"], "filter-crs", offered)
    return Question(
        form=form,
        frame=frame,
        limit=asked.limit(given["limit"]) if "limit" in given else default,
        offset=asked.offset(given.get("offset")),
        after=asked.position(given["cursor"]) if "cursor" in given else None,
        names=_names(given.get("properties"), view),
        plain=Selection(
            equal=equal,
            boxes=_boxes(given, offered),
            during=asked.span(given["datetime"]) if "datetime" in given else None,
        ),
        filter_text=given.get("filter"),
        filter_language=language,
        geometry_of=None
        if filter_frame.srid == 0
        else partial(shape_to_lon_lat, frame=filter_frame),
    )


def _boxes(given: Mapping[str, str], offered: tuple[NamedFrame, ...]) -> tuple[asked.Box, ...]:
    frame = named(given["bbox-crs"], "bbox-crs", offered) if "bbox-crs" in given else offered[0]
    if "bbox" not in given:
        return ()
    sides = asked.box(given["bbox"])
    if frame.frame.transforms and (sides[0] > sides[2] or sides[1] > sides[3]):
        raise asked.invalid("bbox", "最小值大于最大值", "a lower bound lies above its upper bound")
    return asked.lon_lat_boxes(box_to_lon_lat(sides, frame))


def _names(text: str | None, view: View) -> tuple[str, ...]:
    """Return the attributes that an answer carries."""
    if text is None:
        return view.names
    wanted = [name for name in text.split(",") if name]
    unknown = [name for name in wanted if name not in view.names]
    if unknown:
        known = ", ".join(view.names)
        raise asked.invalid(
            "properties", f"没有该属性；可用：{known}", f"there is none such; there are: {known}"
        )
    return tuple(name for name in view.names if name in wanted)
