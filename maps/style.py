"""One palette and one legend for folium, the console and print.

Colours are told apart by people with any colour vision: the classes run from light to dark in one
hue (ColorBrewer *Blues*, colour-blind safe), the marks come from Okabe and Ito (2008) and also
differ in lightness. The ground is plain and light.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from gis.governance.areas import LEVELS

OUTLINE: Final = "#6b7680"
COUNTY_OUTLINE: Final = "#20262b"
REACH: Final = "#08519c"
GAP_OUTLINE: Final = "#a63603"
NOBODY: Final = "#e4e4df"


@dataclass(frozen=True, slots=True)
class ShareClass:
    """A class of a covered share: above ``over``, up to and including ``upto``."""

    over: float
    upto: float
    colour: str
    title_zh: str
    title_en: str


SHARE_CLASSES: Final = (
    ShareClass(-1.0, 0.0, "#eff3ff", "无人覆盖", "nobody"),
    ShareClass(0.0, 0.25, "#c6dbef", "25% 及以下", "up to 25%"),
    ShareClass(0.25, 0.5, "#9ecae1", "25%–50%", "25–50%"),
    ShareClass(0.5, 0.75, "#6baed6", "50%–75%", "50–75%"),
    ShareClass(0.75, 0.999999999, "#3182bd", "75% 以上，未满", "over 75%, not all"),
    ShareClass(0.999999999, 1.0, "#08519c", "全部覆盖", "everybody"),
)
"""Nobody and everybody are classes of their own: "99.9 %" never looks like done."""


def share_colour(ratio: float | None) -> str:
    """Return the colour of a covered share; None (no people) has its own.

    >>> share_colour(0.0), share_colour(0.5), share_colour(1.0), share_colour(None)
    ('#eff3ff', '#9ecae1', '#08519c', '#e4e4df')
    """
    if ratio is None:
        return NOBODY
    for step in SHARE_CLASSES:
        if step.over < ratio <= step.upto:
            return step.colour
    raise ValueError(f"a share lies between 0 and 1, not {ratio}")


@dataclass(frozen=True, slots=True)
class PeopleClass:
    """A class of people in a gap: up to and including ``upto`` (None: no end)."""

    upto: int | None
    colour: str
    title_zh: str
    title_en: str


GAP_CLASSES: Final = (
    PeopleClass(500, "#feedde", "500 人及以下", "up to 500 people"),
    PeopleClass(2000, "#fdbe85", "501–2,000 人", "501 to 2,000 people"),
    PeopleClass(5000, "#fd8d3c", "2,001–5,000 人", "2,001 to 5,000 people"),
    PeopleClass(None, "#d94701", "5,000 人以上", "over 5,000 people"),
)
"""Orange against the blue of what is covered (ColorBrewer *Oranges*)."""


def gap_colour(people: int) -> str:
    """Return the colour of a gap by the people in it.

    >>> gap_colour(500), gap_colour(501), gap_colour(10**6)
    ('#feedde', '#fdbe85', '#d94701')
    """
    return next(step.colour for step in GAP_CLASSES if step.upto is None or people <= step.upto)


MOVED_CLASSES: Final = (
    PeopleClass(0, "#fff7ec", "无人居住", "nobody lives there"),
    PeopleClass(100, "#fee8c8", "100 人及以下", "up to 100 people"),
    PeopleClass(500, "#fdbb84", "101–500 人", "101 to 500 people"),
    PeopleClass(2000, "#ef6548", "501–2,000 人", "501 to 2,000 people"),
    PeopleClass(None, "#990000", "2,000 人以上", "over 2,000 people"),
)
"""People whose area changes (ColorBrewer *OrRd*); lines of old and new stand out against it."""

DEDICATED: Final = "#7b3294"
COVERED: Final = "#9ecae1"
LACKING: Final = "#fd8d3c"

RESIDENT_CLASSES: Final = (
    PeopleClass(0, "#f7fcf0", "无人登记", "nobody registered"),
    PeopleClass(300, "#ccebc5", "300 人及以下", "up to 300 people"),
    PeopleClass(600, "#7bccc4", "301–600 人", "301 to 600 people"),
    PeopleClass(1000, "#2b8cbe", "601–1,000 人", "601 to 1,000 people"),
    PeopleClass(None, "#084081", "1,000 人以上", "over 1,000 people"),
)
"""Residents of a grid (ColorBrewer *GnBu*)."""

EVENT_CLASSES: Final = (
    PeopleClass(5, "#feebe2", "3–5 件", "3 to 5 events"),
    PeopleClass(10, "#fbb4b9", "6–10 件", "6 to 10 events"),
    PeopleClass(25, "#f768a1", "11–25 件", "11 to 25 events"),
    PeopleClass(50, "#c51b8a", "26–50 件", "26 to 50 events"),
    PeopleClass(None, "#7a0177", "50 件以上", "over 50 events"),
)
"""Events in a cell (ColorBrewer *RdPu*)."""

MISSING_CLASSES: Final = (
    PeopleClass(0, COVERED, "已配齐", "fully staffed"),
    PeopleClass(2, "#feedde", "缺 1–2 人", "1 to 2 missing"),
    PeopleClass(5, "#fdbe85", "缺 3–5 人", "3 to 5 missing"),
    PeopleClass(10, "#fd8d3c", "缺 6–10 人", "6 to 10 missing"),
    PeopleClass(None, "#a63603", "缺 10 人以上", "over 10 missing"),
)
"""Posts of a community without a worker: blue where none, else ColorBrewer *Oranges*."""


def _class(steps: tuple[PeopleClass, ...], count: int) -> int:
    return next(
        place for place, step in enumerate(steps) if step.upto is None or count <= step.upto
    )


def residents_class(people: int) -> int:
    """Return the place in :data:`RESIDENT_CLASSES` of so many people.

    >>> residents_class(0), residents_class(1), residents_class(10**6)
    (0, 1, 4)
    """
    return _class(RESIDENT_CLASSES, people)


def events_class(events: int) -> int:
    """Return the place in :data:`EVENT_CLASSES` of so many events.

    >>> events_class(3), events_class(51)
    (0, 4)
    """
    return _class(EVENT_CLASSES, events)


def missing_class(posts: int) -> int:
    """Return the place in :data:`MISSING_CLASSES` of so many posts.

    >>> missing_class(0), missing_class(1), missing_class(11)
    (0, 1, 4)
    """
    return _class(MISSING_CLASSES, posts)


OLD_LINE: Final = "#20262b"
NEIGHBOUR_LINE: Final = "#a9b1b8"
NEW_LINE: Final = "#08519c"

LAYER_TITLES: Final[dict[str, tuple[str, str]]] = {
    **{key: (level.title_zh, level.title_en) for key, level in LEVELS.items()},
    "dedicated": ("专属网格", "dedicated grid"),
    "micro": ("微网格", "micro grid"),
}
"""Layer of areas -> its titles."""


def moved_colour(people: int) -> str:
    """Return the colour of ground that changes hands by the people on it.

    >>> moved_colour(0), moved_colour(1), moved_colour(10**6)
    ('#fff7ec', '#fee8c8', '#990000')
    """
    return next(step.colour for step in MOVED_CLASSES if step.upto is None or people <= step.upto)


@dataclass(frozen=True, slots=True)
class Mark:
    """How a kind of station is drawn and called."""

    colour: str
    title_zh: str
    title_en: str


STATION_MARKS: Final[dict[str, Mark]] = {
    "service_station": Mark("#f0e442", "服务驿站", "service station"),
    "job_service": Mark("#009e73", "就业服务站", "job-service station"),
    "governance_center": Mark("#cc79a7", "综治中心", "governance centre"),
}
_FURTHER: Final = ("#56b4e9", "#e69f00", "#0072b2", "#d55e00", "#ffffff")


def station_mark(kind: str, among: list[str]) -> Mark:
    """Return the mark of a kind; one without a row is called by its key.

    ``among`` are all kinds on the map: further kinds take further colours in the order of keys.

    >>> station_mark("job_service", ["job_service"]).title_en
    'job-service station'
    >>> station_mark("b", ["b", "a"]).colour
    '#e69f00'
    """
    if kind in STATION_MARKS:
        return STATION_MARKS[kind]
    further = sorted(key for key in among if key not in STATION_MARKS)
    return Mark(_FURTHER[further.index(kind) % len(_FURTHER)], kind, kind)


@dataclass(frozen=True, slots=True)
class Theme:
    """The colours of the console's map in one colour scheme; ``layers`` by layer key.

    ``land`` is the city, ``ground`` what lies around it; ``shares`` and ``gaps`` colour
    :data:`SHARE_CLASSES` and :data:`GAP_CLASSES`.
    """

    ground: str
    land: str
    ink: str
    quiet: str
    accent: str
    covered: str
    uncovered: str
    nobody: str
    shares: tuple[str, ...]
    gaps: tuple[str, ...]
    layers: dict[str, str]


_SHARES_DARK: Final = ("#1d2b3a", "#224766", "#2c6a96", "#4a90c2", "#82bbe0", "#c6e2f5")

THEMES: Final[dict[str, Theme]] = {
    "light": Theme(
        ground="#e6eae8",
        land="#fdfdfb",
        ink="#20262b",
        quiet="#6b7680",
        accent="#c2410c",
        covered="#08519c",
        uncovered="#d94701",
        nobody=NOBODY,
        shares=tuple(step.colour for step in SHARE_CLASSES),
        gaps=tuple(step.colour for step in GAP_CLASSES),
        layers={
            "cities": "#20262b",
            "counties": "#20262b",
            "subdistricts": "#3d5a80",
            "communities": "#5b7f95",
            "grids": "#8a979f",
            "dedicated-grids": "#7b3294",
            "stations": "#009e73",
            "employment-circles": "#08519c",
            "roads": "#cabfac",
            "buildings": "#8c7a68",
            "addresses": "#56728a",
            "job-openings": "#0072b2",
            "events": "#d55e00",
            "event-density": "#d55e00",
            "coverage-gaps": "#d94701",
            "worker-areas": "#7b3294",
            "deliberations": "#9a6700",
            "deliberation-desk": "#9a6700",
        },
    ),
    "dark": Theme(
        ground="#0f1518",
        land="#192226",
        ink="#e6ecef",
        quiet="#93a1aa",
        accent="#ff9a5c",
        covered="#82bbe0",
        uncovered="#ff9a5c",
        nobody="#2a3136",
        shares=_SHARES_DARK,
        gaps=("#3b281d", "#6a3d1f", "#a85a26", "#ff9a5c"),
        layers={
            "cities": "#e6ecef",
            "counties": "#e6ecef",
            "subdistricts": "#9db7d5",
            "communities": "#7fa6bd",
            "grids": "#5d6b74",
            "dedicated-grids": "#c793e0",
            "stations": "#3ddba9",
            "employment-circles": "#82bbe0",
            "roads": "#4f4b43",
            "buildings": "#8d8174",
            "addresses": "#7f9bb3",
            "job-openings": "#62b6e8",
            "events": "#ff8f3d",
            "event-density": "#ff8f3d",
            "coverage-gaps": "#ff9a5c",
            "worker-areas": "#c793e0",
            "deliberations": "#e3b341",
            "deliberation-desk": "#e3b341",
        },
    ),
}
"""Scheme -> colours: the same hues, lighter on the dark ground. Contrast at least 3 to 1, but for
roads, which are background."""
