"""The map ``event-density``: where the events of the last year happened, in cells."""

from __future__ import annotations

from datetime import date
from typing import Final

from gis.errors import Language
from gis.services.atlas import FEWEST, AtlasView
from maps import style
from maps.drawing import Drawing, Field, LegendPart, LegendRow, Look, MapLayer, whole
from maps.station_coverage import made_words

_COUNTY: Final = Look(line=style.COUNTY_OUTLINE, width=1.6)


def draw(view: AtlasView, *, language: Language, drawn_on: date) -> Drawing:
    """Return the drawing of an event density view."""
    zh = language == "zh"
    total = sum(int(cell["properties"]["events"]) for cell in view.areas)
    looks = [Look(line=step.colour, width=0.3, fill=step.colour) for step in style.EVENT_CLASSES]
    cells = [
        {
            **cell,
            "properties": {
                **cell["properties"],
                "look": style.events_class(cell["properties"]["events"]),
                "name": f"{cell['properties']['events']} {'件' if zh else 'events'}",
            },
        }
        for cell in view.areas
    ]
    return Drawing(
        title=f"{view.title or ''}事件密度图" if zh else f"Event density, {view.title or 'city'}",
        subtitle="近一年上报事件，约 500 米方格" if zh else "events of the last year, 500 m cells",
        language=language,
        bounds=view.bounds,
        layers=[
            MapLayer(
                "事件数" if zh else "Events",
                "polygon",
                cells,
                looks,
                look_of="look",
                fields=[Field("events", "事件数" if zh else "events")],
            ),
            MapLayer(
                "区县界" if zh else "Counties",
                "polygon",
                view.outlines,
                [_COUNTY],
                label="name",
            ),
        ],
        legend=[
            LegendPart(
                "每格事件数" if zh else "Events in a cell",
                [
                    LegendRow("swatch", look, step.title_zh if zh else step.title_en)
                    for look, step in zip(looks, style.EVENT_CLASSES, strict=True)
                ],
            ),
            LegendPart(
                "线" if zh else "Lines",
                [LegendRow("line", _COUNTY, "区县界" if zh else "county")],
            ),
        ],
        revision=view.revision,
        drawn_on=drawn_on,
        figure=whole(total),
        figure_text="件事件在图上" if zh else "events on the map",
        facts=[f"方格 {whole(len(cells))} 个" if zh else f"Cells {whole(len(cells))}"],
        made=made_words(view.source, zh=zh),
        warning="" if cells else "没有可显示的事件。" if zh else "There are no events to show.",
        notes=[
            f"少于 {FEWEST} 件的方格不显示，以免指向个别住户。"
            if zh
            else f"Cells with fewer than {FEWEST} events are left out, lest they point at a home."
        ],
        sources=[view.source.title] if view.source.title else [],
    )
