"""What was learned, in memory: read again when its stamp has changed, at most every second.

What matching knows beside the boundaries is one immutable value per request
(:class:`gis.matching.knowledge.Knowledge`). Aliases, profiles and reliability may lag behind a
change by :data:`OLDEST_S` in another process; in the one that made it they count at once.
"""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, Protocol

from gis.matching.calibration import Bin, fitted
from gis.matching.error_law import FACTORS, ErrorLaw, SourceProfile
from gis.matching.experience import Alias, Experience
from gis.matching.knowledge import WANTED_PRECISION, AddressReader, Knowledge
from gis.matching.pin import BadPin
from gis.store import learning as store
from gis.store.unit_of_work import UnitOfWork

if TYPE_CHECKING:
    from gis.services.lookup import BoundarySnapshot

OLDEST_S: Final = 1.0
AGAINST: Final = 2
"""An alias holds while its grid was confirmed so many times as often as any other."""


class AddressSource(Protocol):
    """Gives the address index on a snapshot (:class:`gis.services.gazetteer.Gazetteer`)."""

    def index(self, work: UnitOfWork, snapshot: BoundarySnapshot) -> AddressReader:
        """Return the index that this transaction may use."""
        ...


class KnowledgeBase:
    """Gazetteer and experience of one database, shared by the threads of a process."""

    def __init__(
        self, addresses: AddressSource | None = None, *, precision: float = WANTED_PRECISION
    ) -> None:
        self._addresses = addresses
        self._precision = precision
        self._gate = threading.Lock()
        self._experience = Experience()
        self._read = False
        self._asked_at = 0.0

    def at(self, work: UnitOfWork, snapshot: BoundarySnapshot) -> Knowledge:
        """Return what is known, as of a second ago at most."""
        addresses = None if self._addresses is None else self._addresses.index(work, snapshot)
        return Knowledge(addresses, self.experience(work), self._precision)

    def experience(self, work: UnitOfWork) -> Experience:
        """Return what was learned; asks the database once in :data:`OLDEST_S`."""
        now = time.monotonic()
        if self._read and now - self._asked_at < OLDEST_S:
            return self._experience
        with self._gate:
            stamp = store.stamp(work)
            if not self._read or stamp != self._experience.stamp:
                self._experience = load(work, stamp)
                self._read = True
            self._asked_at = now
            return self._experience

    def recent(self) -> Experience:
        """Return what was learned as last read, without the database."""
        return self._experience

    def forget(self) -> None:
        """Ask the database again at the next use."""
        self._read = False


def load(work: UnitOfWork, stamp: int) -> Experience:
    """Return everything learned that this transaction sees."""
    read: dict[str, dict[str | None, dict[str, float]]] = defaultdict(lambda: defaultdict(dict))
    for row in store.readings(work):
        read[row["source"]][row["declared"] or None][row["reading"]] = row["pins"]
    shares: dict[str, dict[float, float]] = defaultdict(dict)
    for row in store.errors(work):
        if row["factor"] in FACTORS:
            shares[row["source"]][row["factor"]] = row["share"]
    sources = {
        row["source"]: SourceProfile(
            readings={declared: dict(counts) for declared, counts in read[row["source"]].items()},
            law=_law(shares.get(row["source"]), row["typical_m"]),
            stray=row["stray"],
            pins=row["pins"],
        )
        for row in store.profiles(work)
    }
    bins = [
        Bin(r["kind"], r["low"], r["high"], r["said"], r["right_answers"], r["answers"])
        for r in store.bins(work)
    ]
    return Experience(
        sources=sources,
        bad_pins={
            (row["lon"], row["lat"]): BadPin(row["kind"], row["times"], row["addresses"])
            for row in store.failed_coordinates(work)
        },
        aliases=_aliases(work),
        spreads={row["level"]: row["factor"] for row in store.spreads(work)},
        calibration=fitted(bins),
        precisions={row["category"]: row["precision"] for row in store.precisions(work)},
        stamp=stamp,
    )


def _law(shares: Mapping[float, float] | None, typical_m: float) -> ErrorLaw | None:
    return ErrorLaw(shares, typical_m) if shares else None


def _aliases(work: UnitOfWork) -> dict[str, Alias]:
    found: dict[str, list[tuple[str, int]]] = defaultdict(list)
    for row in store.aliases(work):
        found[row["alias_key"]].append((row["confirmed_grid"], int(row["times"])))
    return {
        text: Alias(text, grids[0][0], grids[0][1])
        for text, grids in found.items()
        if len(grids) == 1 or grids[0][1] >= AGAINST * grids[1][1]
    }
