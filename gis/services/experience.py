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
from typing import Final, Protocol

from gis.matching.address import AddressIndex
from gis.matching.calibration import Bin, fitted
from gis.matching.error_law import FACTORS, ErrorLaw, SourceProfile
from gis.matching.experience import Alias, Experience
from gis.matching.ground import Ground
from gis.matching.knowledge import WANTED_PRECISION, Knowledge
from gis.matching.pin import BadPin
from gis.services.boundary_snapshot import BoundarySnapshot
from gis.store import learning as store
from gis.store.unit_of_work import UnitOfWork

OLDEST_S: Final = 1.0
AT_DOORS: Final = "at-doors"
"""The row of the spreads that holds the share of places at doors."""
GROUND_LAW: Final = "door"
"""Places about doors spread as addresses of doors do."""
AGAINST: Final = 2
"""An alias holds while its grid was confirmed so many times as often as any other."""


class AddressSource(Protocol):
    """Gives the address index on a snapshot (:class:`gis.services.gazetteer.Gazetteer`)."""

    def index(self, work: UnitOfWork, snapshot: BoundarySnapshot) -> AddressIndex:
        """Return the index that this transaction may use."""
        ...

    def in_memory(self, snapshot: BoundarySnapshot) -> AddressIndex | None:
        """Return the index on this snapshot where it is in memory."""
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
        self._recent = Knowledge(None, self._experience, precision)

    def at(self, work: UnitOfWork, snapshot: BoundarySnapshot) -> Knowledge:
        """Return what is known, as of a second ago at most."""
        addresses = None if self._addresses is None else self._addresses.index(work, snapshot)
        return self._known(addresses, self.experience(work))

    def in_memory(self, snapshot: BoundarySnapshot) -> Knowledge | None:
        """Return what is known as last read, without the database; None: addresses are not read."""
        addresses = None if self._addresses is None else self._addresses.in_memory(snapshot)
        if addresses is None or not self._read:
            return None
        return self._known(addresses, self._experience)

    def _known(self, addresses: AddressIndex | None, experience: Experience) -> Knowledge:
        ground = None
        if addresses is not None and experience.at_doors is not None and len(addresses.doors):
            ground = Ground.of(
                addresses.doors, experience.at_doors, experience.spreads.get(GROUND_LAW)
            )
        recent = self._recent
        if recent.experience is not experience or recent.ground != ground:
            self._recent = Knowledge(None, experience, self._precision, ground)
        return Knowledge(addresses, experience, self._precision, ground)

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

    def recent(self) -> Knowledge:
        """Return what was learned as last read, without the database and without addresses.

        The ground is left out until a request has asked for addresses (see
        :attr:`gis.matching.knowledge.Knowledge.whole_for_pins`).
        """
        recent, experience = self._recent, self._experience
        if recent.experience is not experience:
            recent = self._recent = Knowledge(None, experience, self._precision)
        return recent

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
    spreads = _spreads(work)
    return Experience(
        sources=sources,
        bad_pins={
            (row["lon"], row["lat"]): BadPin(row["kind"], row["times"], row["addresses"])
            for row in store.failed_coordinates(work)
        },
        aliases=_aliases(work),
        spreads={level: law for level, law in spreads.items() if level != AT_DOORS},
        at_doors=spreads.get(AT_DOORS, {}).get(1.0),
        calibration=fitted(bins),
        precisions={row["category"]: row["precision"] for row in store.precisions(work)},
        stamp=stamp,
    )


def _spreads(work: UnitOfWork) -> dict[str, dict[float, float]]:
    found: dict[str, dict[float, float]] = defaultdict(dict)
    for row in store.spreads(work):
        found[row["level"]][row["factor"]] = row["share"]
    return dict(found)


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
