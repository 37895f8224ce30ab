"""The web console: five pages of ES modules around one map, served without any other host.

A page is a row of :data:`PAGES`: who may open it, its title, its script. :func:`shell` renders its
frame; what the scripts need to know comes as JSON in the page, so that nothing is asked twice.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import jinja2

from gis.errors import Language
from maps import assets, style
from maps.console.layers import console_layers

_TEMPLATES: Final = jinja2.Environment(
    loader=jinja2.PackageLoader("maps", "console"),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


@dataclass(frozen=True, slots=True)
class ConsolePage:
    """One page of the console. ``roles`` empty: everybody who may read public layers."""

    key: str
    title_zh: str
    title_en: str
    about_zh: str
    about_en: str
    roles: tuple[str, ...]

    @property
    def path(self) -> str:
        """Return the address of the page."""
        return f"/{self.key}"


PAGES: Final[dict[str, ConsolePage]] = {
    row.key: row
    for row in (
        ConsolePage(
            "dispatch",
            "调度",
            "Dispatch",
            "待研判、无人接、办理中和超期的案件，一屏处置",
            "Cases to review, unrouted, running and overdue, in one view",
            ("dispatcher",),
        ),
        ConsolePage(
            "deliberation",
            "议事",
            "Matters",
            "社区事项和人民建议，从点事到评事",
            "Community matters and people's proposals, from raised to assessed",
            ("dispatcher", "grid_worker", "planner"),
        ),
        ConsolePage(
            "plan",
            "规划",
            "Plan",
            "站点覆盖、就业圈、下一个站点建在哪里",
            "Coverage of stations, employment circles, where next",
            ("planner", "dispatcher", "viewer"),
        ),
        ConsolePage(
            "browse",
            "浏览",
            "Browse",
            "看图层，找地方，点一点就知道归谁管",
            "Layers, places, and whose place it is",
            (),
        ),
        ConsolePage(
            "mine",
            "我的",
            "Mine",
            "网格员的手机页面：我的案件和时限",
            "The grid worker's phone page: my cases and clocks",
            ("grid_worker",),
        ),
    )
}
"""Key -> page, in the order of the menu."""


def pages_for(role: str | None) -> list[ConsolePage]:
    """Return the pages that a role may open; None: a visitor."""
    return [row for row in PAGES.values() if not row.roles or role in {"admin", *row.roles}]


def _classes(steps: Sequence[style.ShareClass | style.PeopleClass]) -> list[dict[str, Any]]:
    return [
        {"upto": step.upto, "title_zh": step.title_zh, "title_en": step.title_en} for step in steps
    ]


def shell(
    key: str,
    *,
    language: Language,
    user: Mapping[str, Any] | None,
    csrf: str | None,
    bounds: Sequence[float] | None,
    basemap: Mapping[str, str] | None,
    features: frozenset[str],
    other_language: str,
    style_sheets: Sequence[str],
) -> str:
    """Return the HTML of a console page.

    Parameters
    ----------
    user
        Role, its titles and area scope of who is signed in; None for a visitor.
    bounds
        West, south, east, north of the city in degrees; None before the first publication.
    features
        Paths that the service offers, so that a page shows only what works.
    """
    row = PAGES[key]
    zh = language == "zh"
    config = {
        "language": language,
        "page": key,
        "user": user,
        "bounds": None if bounds is None else [list(bounds[:2]), list(bounds[2:])],
        "basemap": basemap,
        "palette": {scheme: asdict(theme) for scheme, theme in style.THEMES.items()},
        "classes": _classes(style.SHARE_CLASSES),
        "gap_classes": _classes(style.GAP_CLASSES),
        "marks": {
            kind: {"colour": mark.colour, "title_zh": mark.title_zh, "title_en": mark.title_en}
            for kind, mark in style.STATION_MARKS.items()
        },
        "layers": console_layers(None if user is None else user["role"], features),
        "places": "/v1/places" in features,
    }
    return _TEMPLATES.get_template(f"{key}.html").render(
        t=lambda zh_text, en_text: zh_text if zh else en_text,
        tag="zh-CN" if zh else "en",
        row=row,
        pages=pages_for(None if user is None else user["role"]),
        user=user,
        csrf=csrf,
        other_language=other_language,
        # "<" in data must not end the element that it stands in
        config=json.dumps(config, ensure_ascii=False).replace("<", "\\u003c"),
        style_sheets=[
            *style_sheets,
            assets.url("/assets/maplibre/maplibre-gl.css"),
            assets.url("/assets/console/console.css"),
        ],
        script=f"/assets/console/{key}.mjs",
    )
