"""From probabilities to a decision: route it (auto), ask a person (review), not ours (outside).

The finest area whose share reaches the threshold is asserted; shares add up along the hierarchy, so
that an accuracy circle larger than the grid still names the community. A case routes itself only
when the finest drawn area is certain; everything else goes to a person with ranked candidates.

Ties (DESIGN 5.2): the larger share of the accuracy disc, then the smaller code. A pin without
accuracy on a shared edge has equal shares, so the smaller code takes it, by rule and not by luck;
the answer says so and names both. With an accuracy the shares say how sure it is, and a
fifty-fifty is put to a person.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from math import isclose
from typing import Final, Literal, TypeAlias

from gis.governance.reasons import Reason
from gis.matching import sentences
from gis.matching.candidates import DIGITS, AreaRef, Candidate, NearestArea
from gis.matching.position import EXACT_BELOW_M

Status: TypeAlias = Literal["inside", "gap", "outside"]
Verdict: TypeAlias = Literal["auto", "review", "outside"]

DEFAULT_THRESHOLD: Final = 0.9
"""Share from which on an area counts as certain."""

WORTH_SAYING: Final = 0.01
"""Shares below this are left out of the sentences."""

_SLACK: Final = 10.0**-DIGITS


@dataclass(frozen=True, slots=True)
class Decision:
    """What was decided and why.

    Attributes
    ----------
    decision
        ``auto``, ``review`` or ``outside``.
    path
        From the city to the finest asserted area; empty when nothing is certain.
    confidence
        Probability of the asserted area; of being outside when that is the decision; of the best
        candidate when nothing is asserted.
    candidates
        By probability descending, then by code; with ``outside_probability`` they sum to 1.
    reasons
        In the order in which a dispatcher would tell them.
    """

    decision: Verdict
    path: tuple[AreaRef, ...]
    confidence: float
    candidates: tuple[Candidate, ...]
    outside_probability: float
    ambiguous: bool
    reasons: tuple[Reason, ...]

    @property
    def area(self) -> AreaRef | None:
        """The finest asserted area."""
        return self.path[-1] if self.path else None

    @property
    def level(self) -> str | None:
        """Level of the finest asserted area."""
        return self.path[-1].level if self.path else None

    @property
    def grid(self) -> AreaRef | None:
        """The asserted grid, None when what is asserted is coarser."""
        return self.path[-1] if self.path and self.path[-1].level == "grid" else None


def decide(
    candidates: Iterable[Candidate],
    outside: float,
    *,
    status: Status,
    threshold: float = DEFAULT_THRESHOLD,
    ambiguous: bool = False,
    accuracy_m: float | None = None,
    edge_distance_m: float | None = None,
    containing: Sequence[AreaRef] = (),
    nearest: NearestArea | None = None,
    notes: Sequence[Reason] = (),
    auto_levels: Collection[str] = (),
    unplaced: float = 0.0,
    subject: sentences.Subject = "pin",
    may_route: bool = True,
) -> Decision:
    """Decide where an event belongs, and say why.

    Parameters
    ----------
    candidates
        Areas of the finest drawn level with their probability, in any order.
    outside
        Probability of lying in none of them; with the candidates it sums to 1 (1e-6).
    status
        Where the pin itself lies: ``inside`` an area of the finest level, in a ``gap`` 盲区 (only
        coarser areas cover it), or ``outside`` everything.
    threshold
        Share in (0, 1] from which on an area is certain.
    ambiguous
        Several areas cover the pin itself.
    accuracy_m
        68 % radius; None or 0 for a plain point, whose ties the written rule decides.
    edge_distance_m
        Metres from the pin to the nearest edge of the area that covers it.
    containing
        In a gap: the coarser areas that cover the pin, from the city on. What no candidate holds
        counts as theirs.
    nearest
        The nearest area of the finest level, where none covers the pin.
    notes
        What happened before, such as :func:`gis.matching.sentences.converted_crs`; told first.
    auto_levels
        Coarser levels that a city also lets route by themselves, such as ``community``.
    unplaced
        The part of ``outside`` that nothing places: it may be anywhere.
    subject
        What the sentences speak of: the ``pin``, the ``address``, or ``both``.
    may_route
        False: whatever is certain, a person looks first.

    Raises
    ------
    ValueError
        Probabilities that do not sum to 1, a threshold outside (0, 1], a candidate without path.

    Examples
    --------
    >>> path = (AreaRef("community", "341102001001", "南门社区"),)
    >>> one = Candidate((*path, AreaRef("grid", "341102001001001", "第一网格")), 0.6)
    >>> two = Candidate((*path, AreaRef("grid", "341102001001002", "第二网格")), 0.4)
    >>> unsure = decide([two, one], 0.0, status="inside", accuracy_m=50.0)
    >>> unsure.decision, unsure.level, unsure.confidence, unsure.candidates[0].code
    ('review', 'community', 1.0, '341102001001001')
    >>> decide([two, one], 0.0, status="inside", threshold=0.6, accuracy_m=50.0).decision
    'auto'
    """
    ranked = _ranked(candidates, outside, threshold)
    outside = round(outside, DIGITS)
    path, confidence = _finest_certain(ranked, outside, threshold, containing)
    told: list[Reason] = []
    if ambiguous and ranked:
        by_rule = accuracy_m is None or accuracy_m < EXACT_BELOW_M
        told.append(sentences.several_cover(ranked, edge_distance_m, by_rule=by_rule))
        if by_rule:
            path, confidence = ranked[0].path, ranked[0].probability
    own = any(path == candidate.path for candidate in ranked)
    sure = own or bool(path and path[-1].level in auto_levels)
    verdict: Verdict = "auto" if sure and may_route else "review"
    if outside >= threshold - _SLACK and status == "outside":
        verdict, path, confidence = "outside", (), outside
    elif not path:
        confidence = ranked[0].probability if ranked else 0.0

    told += _about(
        ranked,
        path,
        confidence,
        own=own,
        said=bool(told),
        status=status,
        accuracy_m=accuracy_m,
        edge_distance_m=edge_distance_m,
        containing=containing,
        nearest=nearest,
        subject=subject,
    )
    if status == "inside" and outside - unplaced >= WORTH_SAYING:
        told.append(sentences.may_be_outside(outside - unplaced))
    if unplaced >= WORTH_SAYING:
        told.append(sentences.may_be_anywhere(unplaced))
    return Decision(
        decision=verdict,
        path=path,
        confidence=round(confidence, DIGITS),
        candidates=ranked,
        outside_probability=outside,
        ambiguous=ambiguous,
        reasons=(*notes, *told),
    )


def _ranked(
    candidates: Iterable[Candidate], outside: float, threshold: float
) -> tuple[Candidate, ...]:
    found = list(candidates)
    whole = outside + sum(candidate.probability for candidate in found)
    if not isclose(whole, 1.0, abs_tol=1e-6):
        message = f"probabilities sum to {whole}, not to 1"
        raise ValueError(message)
    if not 0.0 < threshold <= 1.0 or not all(candidate.path for candidate in found):
        message = f"a threshold in (0, 1] and paths are needed, not {threshold}, {found}"
        raise ValueError(message)
    rounded = [replace(c, probability=round(c.probability, DIGITS)) for c in found]
    return tuple(sorted(rounded, key=lambda c: (-c.probability, c.code)))


def _finest_certain(
    ranked: Sequence[Candidate],
    outside: float,
    threshold: float,
    containing: Sequence[AreaRef],
) -> tuple[tuple[AreaRef, ...], float]:
    """Return the path to the finest area whose share reaches the threshold, and that share."""
    shares: dict[tuple[str, str], float] = {}
    paths: dict[tuple[str, str], tuple[AreaRef, ...]] = {}
    sources = [(candidate.path, candidate.probability) for candidate in ranked]
    if containing:  # in a gap, what no grid holds still belongs to the areas around it
        sources.append((tuple(containing), outside))
    for path, probability in sources:
        for depth, area in enumerate(path, 1):
            key = area.level, area.code
            if key in shares:
                shares[key] += probability
            else:
                shares[key], paths[key] = probability, path[:depth]
    certain = [(paths[key], share) for key, share in shares.items() if share >= threshold - _SLACK]
    if not certain:
        return (), 0.0
    path, share = min(certain, key=lambda item: (-len(item[0]), -item[1], item[0][-1].code))
    return path, min(share, 1.0)


def _about(
    ranked: Sequence[Candidate],
    path: Sequence[AreaRef],
    confidence: float,
    *,
    own: bool,
    said: bool,
    status: Status,
    accuracy_m: float | None,
    edge_distance_m: float | None,
    containing: Sequence[AreaRef],
    nearest: NearestArea | None,
    subject: sentences.Subject,
) -> list[Reason]:
    """Say where the place lies and what is certain of it; ``said``: something was told before."""
    told: list[Reason] = []
    if status == "outside":
        told.append(sentences.outside_city(nearest))
    elif status == "gap":
        told.append(sentences.in_gap(containing[-1] if containing else None, nearest))
    if own and not (told or said):
        told.append(
            sentences.inside(path[-1], confidence, accuracy_m, edge_distance_m, subject=subject)
        )
    elif not own:
        told += _doubts(ranked, path, confidence, accuracy_m, subject)
    return told


def _doubts(
    ranked: Sequence[Candidate],
    path: Sequence[AreaRef],
    confidence: float,
    accuracy_m: float | None,
    subject: sentences.Subject,
) -> list[Reason]:
    """Say why no area of the finest level is certain, and what is."""
    told: list[Reason] = []
    reached = [candidate for candidate in ranked if candidate.probability >= WORTH_SAYING]
    if reached:
        told.append(sentences.reaches(reached, accuracy_m, subject=subject))
    if reached and path:
        told.append(sentences.certain_to_level(path[-1], confidence))
    return told
