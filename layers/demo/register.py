"""Names and codes of the demo city: what is real in it, read from the package's sources.

The national statistics list (edition 2023) knows two development zones as if they were counties
(341171, 341172). They have no outline, and a child's code begins with its parent's, so their four
subdistricts stand under the county they lie in, with a local code; the national code stays in
``other_code``.
"""

from __future__ import annotations

import csv
from collections import Counter
from dataclasses import dataclass
from importlib import resources
from typing import Final

CITY_CODE: Final = "341100"
CITY_NAME: Final = "滁州市"
CODE_SYSTEM: Final = "nbs-2023"
LOCAL_SYSTEM: Final = "local"
PROVINCE: Final = "安徽省"

ZONE_HOSTS: Final[dict[str, str]] = {
    "341171001": "341103471",  # 大王街道, in Nanqiao by the civil-affairs list
    "341172001": "341102472",  # 凤凰街道, in Langya by the civil-affairs list
    "341172002": "341102473",
    "341172401": "341102474",
}
"""National 9-digit code of a zone's subdistrict -> local code under its host county."""

SEAT_TOWNS: Final = frozenset({"341122100", "341124100", "341125100", "341126100"})
"""Towns that hold a county's seat where the county has no street office of its own."""

PROPER_COUNTIES: Final = (
    "341102", "341103", "341122", "341124", "341125", "341126", "341181", "341182",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Community:
    """A community 社区 or village 村 as listed."""

    code: str
    name: str
    official_name: str
    urban: bool
    other_code: str | None


@dataclass(frozen=True, slots=True)
class Subdistrict:
    """A street office 街道, town 镇, township 乡 or zone with its communities."""

    code: str
    name: str
    in_seat: bool
    other_code: str | None
    communities: tuple[Community, ...]

    @property
    def urban_count(self) -> int:
        """How many of its communities are urban."""
        return sum(community.urban for community in self.communities)


@dataclass(frozen=True, slots=True)
class County:
    """A county 区县 with its subdistricts."""

    code: str
    name: str
    subdistricts: tuple[Subdistrict, ...]


def source_text(name: str) -> str:
    """Return the text of a file of the package's ``sources`` folder."""
    return (resources.files("layers.demo") / "sources" / name).read_text(encoding="utf-8")


def source_rows(name: str) -> list[tuple[str, str]]:
    """Return (code, name) of every row of a code list of the package."""
    reader = csv.DictReader(source_text(name).splitlines())
    return [(row["code"], row["name"]) for row in reader]


def short_name(official: str) -> str:
    """Return the name as addresses say it: 社区 or 村 instead of the committee's title.

    >>> short_name("花园街社区居委会"), short_name("城西村民委员会"), short_name("柯湖村委会")
    ('花园街社区', '城西村', '柯湖村')
    """
    for ending, plain in (
        ("村民委员会", "村"),
        ("村民委会", "村"),
        ("村委会", "村"),
        ("社区居委会", "社区"),
        ("居民委员会", "社区"),
        ("居委会", "社区"),
    ):
        if official.endswith(ending):
            return official.removesuffix(ending) + plain
    return official


def read_counties() -> list[County]:
    """Return the 8 counties with 124 subdistricts and 1,267 communities, by code.

    A community is *urban* when its name says neighbourhood (社区, 居委会), it is not a virtual one
    of the list, and it lies in a street office, a development zone, a seat town, or a town with
    at least four such communities; industrial-park communities (numbers from 400) count only in
    street offices and zones. That gives 229.
    """
    names = dict(source_rows("streets.csv"))
    villages: dict[str, list[tuple[str, str]]] = {code: [] for code in names}
    for code, name in source_rows("villages.csv"):
        villages[code[:9]].append((code, name))
    county_names = dict(source_rows("counties.csv"))
    by_county: dict[str, list[Subdistrict]] = {code: [] for code in PROPER_COUNTIES}
    for national, name in names.items():
        local = ZONE_HOSTS.get(national, national)
        by_county[local[:6]].append(_subdistrict(national, local, name, villages[national]))
    return [
        County(code, county_names[code], tuple(sorted(members, key=lambda item: item.code)))
        for code, members in by_county.items()
    ]


def _subdistrict(
    national: str, local: str, name: str, villages: list[tuple[str, str]]
) -> Subdistrict:
    is_office = name.endswith("街道") or int(national[6:9]) >= 400
    neighbourhoods = {code for code, label in villages if _is_neighbourhood(code, label, is_office)}
    is_town_seat = national in SEAT_TOWNS
    has_urban = is_office or is_town_seat or len(neighbourhoods) >= 4
    communities = tuple(
        Community(
            code=local + code[9:],
            name=short_name(label),
            official_name=label,
            urban=has_urban and code in neighbourhoods,
            other_code=None if local == national else code,
        )
        for code, label in sorted(villages)
    )
    other = None if local == national else national
    return Subdistrict(local, name, is_office or is_town_seat, other, communities)


def _is_neighbourhood(code: str, label: str, is_office: bool) -> bool:
    number = int(code[9:])
    listed = number < 200 or (is_office and 400 <= number < 500)
    return listed and "虚拟" not in label and ("社区" in label or label.endswith("居委会"))


def thin(counties: list[County], scale: float) -> list[County]:
    """Return fewer subdistricts and communities for a scale under 1; all counties stay.

    Every subdistrict keeps its share of urban and rural communities. Where the share rounds to
    nothing, the subdistrict goes, but each county keeps at least its first with one community.
    """
    if scale >= 1:
        return counties
    return [
        County(county.code, county.name, tuple(_thin_county(county, scale))) for county in counties
    ]


def _thin_county(county: County, scale: float) -> list[Subdistrict]:
    # Largest first, so that the seat and the big towns survive; the running total is rounded,
    # so the county as a whole keeps its share.
    order = sorted(county.subdistricts, key=lambda s: (not s.in_seat, -len(s.communities), s.code))
    total = sum(len(s.communities) for s in county.subdistricts)
    wanted_districts = max(1, round(len(order) * scale**0.5 * 0.6))
    wanted = max(wanted_districts, round(total * scale))
    chosen = order[:wanted_districts]
    have = Counter({s.code: len(s.communities) for s in chosen})
    quota: Counter[str] = Counter()
    while sum(quota.values()) < min(wanted, sum(have.values())):
        least = min(
            (s for s in chosen if quota[s.code] < have[s.code]),
            key=lambda s: (quota[s.code] / have[s.code], s.code),
        )
        quota[least.code] += 1
    kept = []
    for s in sorted(chosen, key=lambda s: s.code):
        urban = [c for c in s.communities if c.urban]
        rural = [c for c in s.communities if not c.urban]
        share = round(quota[s.code] * len(urban) / len(s.communities))
        take_urban = min(len(urban), max(share, 1 if s.in_seat else 0))
        take = urban[:take_urban] + rural[: max(0, quota[s.code] - take_urban)]
        members = tuple(sorted(take, key=lambda c: c.code))
        kept.append(Subdistrict(s.code, s.name, s.in_seat, s.other_code, members))
    return kept
