"""What people call areas besides their names: short forms and what they were called before."""

from __future__ import annotations

from typing import Final

from layers.demo.areas import AreaRow

BRIGADE_EVERY: Final = 7
"""Every so many villages are still called by the name of their brigade 大队."""


def spoken_names(row: AreaRow) -> list[tuple[str, str, str]]:
    """Return (code, other name, kind) of an area; most have none.

    Development zones are shortened, villages keep the brigade's name, townships that became
    subdistricts keep the town's.
    """
    found: list[tuple[str, str]] = []
    name = row.name
    if name.endswith("经济开发区"):
        place = name.removesuffix("经济开发区").removeprefix("安徽")
        found += [(f"{place}经开区", "short"), (f"{place}开发区", "short")]
    elif row.level == "community" and name.endswith("村") and int(row.code) % BRIGADE_EVERY == 0:
        found.append((name.removesuffix("村") + "大队", "old_name"))
    elif row.level == "subdistrict" and name.endswith("街道") and int(row.code) % 2 == 0:
        found.append((name.removesuffix("街道") + "镇", "old_name"))
    return [(row.code, alias, kind) for alias, kind in found if alias != name]
