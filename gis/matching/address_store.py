"""The compact tables of an address index: names, objects, children, street numbers. Built once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from gis.matching.address_labels import in_words
from gis.matching.address_names import NameTable
from gis.matching.address_rows import AreaName
from gis.matching.address_streets import Plane, Streets

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

LABEL_BITS: Final = 24
LEVELS: Final = ("county", "subdistrict", "community")


class Thing(NamedTuple):
    """Something with a name that an address may lead to; ``road``, ``number`` its own door.

    ``entry`` is its row among the entries (-1: only its parts are listed); ``community`` and
    ``stated`` are positions among the areas (-1 unknown).
    """

    kind: str
    name: int
    entry: int
    community: int
    stated: int
    x: float
    y: float
    uncertainty_m: float
    road: int
    number: str
    street: int


@dataclass(slots=True)
class Tables:
    """Everything that the search reads; nothing here changes after the build."""

    areas: list[AreaName]
    parents: list[tuple[int, int, int]]
    names: NameTable
    area_of_name: dict[int, list[int]]
    things_of_name: dict[int, list[int]]
    things: list[Thing]
    streets: Streets
    street_areas: list[tuple[int, ...]]
    labels: dict[str, int]
    child_keys: Ints
    child_entries: Ints
    number_start: Ints
    numbers: Ints
    number_entries: Ints
    entry_ids: Ints
    entry_kinds: npt.NDArray[np.uint8]
    entry_xy: Floats
    entry_uncertainty: npt.NDArray[np.float32]
    entry_community: npt.NDArray[np.int32]
    entry_stated: npt.NDArray[np.int32]
    kinds: tuple[str, ...]
    plane: Plane

    def child(self, thing: int, label: str) -> int:
        """Return the entry of a thing's part (number, building, unit), -1 when it is not listed."""
        number = self.labels.get(label)
        if number is None:
            return -1
        key = (thing << LABEL_BITS) | number
        at = int(self.child_keys.searchsorted(key))
        if at < len(self.child_keys) and self.child_keys[at] == key:
            return int(self.child_entries[at])
        return -1

    def label_text(self, number: int) -> str:
        """Return a label in words: 12号, 3幢, 2单元.

        Labels are few: a search of them is only made for what is shown.
        """
        label = next((text for text, k in self.labels.items() if k == number), "")
        return in_words(label)

    def children(self, thing: int) -> Ints:
        """Return the entries of all listed parts of a thing."""
        low, high = self.child_keys.searchsorted([thing << LABEL_BITS, (thing + 1) << LABEL_BITS])
        return self.child_entries[low:high]

    def street_numbers(self, street: int) -> tuple[Ints, Floats]:
        """Return the known plain numbers of a street, ascending, and their plane places."""
        here = slice(int(self.number_start[street]), int(self.number_start[street + 1]))
        return self.numbers[here], self.entry_xy[self.number_entries[here]]
