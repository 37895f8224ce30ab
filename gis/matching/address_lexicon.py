"""Names of divisions by label: those of China, and whatever names a caller knows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache

from gis.matching import divisions
from gis.matching.address_grammar import ENDINGS
from gis.matching.address_text import fold


class Lexicon:
    """Names by label: the divisions of China, and whatever names the caller knows.

    A short form (杭州 for 杭州市) has a label of its own, ``city0``: it is worth less where no
    other division follows it, for firms are called after their city.
    """

    def __init__(self, names: Mapping[str, Iterable[str]] | None = None) -> None:
        self._labels: dict[str, dict[str, float]] = {}
        self._codes: dict[str, set[str]] = {}
        self._counties: dict[str, set[str]] = {}
        for label, digits in (("prov", 2), ("city", 4), ("district", 6)):
            for code, name in divisions.divisions().items():
                if len(code) == digits:
                    self._add(label, name, 1.0, code)
        for code, name in divisions.divisions().items():
            if len(code) == 2 and name.endswith("市"):
                self._add("city", name, 1.0, code)
        for county, towns in divisions.towns_of_counties().items():
            for name in towns:
                zone = name.endswith(("开发区", "园区", "管委会", "工业区", "工业园"))
                self._add("devzone" if zone else "town", name, 1.0, county)
        for label, known in (names or {}).items():
            for name in known:
                self._add(label, name, 1.3, "")

    def _add(self, label: str, name: str, weight: float, code: str) -> None:
        plain = fold(name).text
        self._put(plain, label, weight, code)
        for ending in sorted(ENDINGS.get(label, ()), key=len, reverse=True):
            base = plain.removesuffix(ending)
            if label != "devzone" and base != plain and len(base) >= 2:
                self._put(base, f"{label}0", 0.75 * weight, code)
                if label == "district":  # 奉化区 was 奉化市
                    for other in "市县区":
                        self._put(base + other, label, 0.9 * weight, code)
                break

    def _put(self, text: str, label: str, weight: float, code: str) -> None:
        labels = self._labels.setdefault(text, {})
        labels[label] = max(labels.get(label, 0.0), weight)
        if label in ("city", "city0", "district", "district0"):
            self._codes.setdefault(text, set()).add(code)
        elif label == "town0" and code:
            self._counties.setdefault(text, set()).add(code)

    def labels(self, text: str) -> Mapping[str, float]:
        """Return label -> weight of a text that is a known name; empty when it is none."""
        return self._labels.get(text, {})

    def divisions_in(self, text: str) -> tuple[str, ...]:
        """Return the codes of the cities and counties that a text names."""
        found: set[str] = set()
        for start in range(len(text)):
            for end in range(start + 2, min(len(text), start + 10) + 1):
                found |= self._codes.get(text[start:end], set())
        return tuple(sorted(found))

    def is_town_of(self, name: str, codes: tuple[str, ...]) -> bool:
        """Tell whether a town's short name is one of a named county or city, or the caller's."""
        counties = self._counties.get(name)
        return counties is None or any(c.startswith(codes) for c in counties) if codes else False


@cache
def china() -> Lexicon:
    """Return the lexicon of China's divisions alone (loaded once)."""
    return Lexicon()
