"""Kernel of the search for a redraw: simulated annealing over atoms, compiled.

A step moves one atom to the part of a neighbour, or exchanges it for an atom of that part. It is
made when every part still hangs together and the cost falls, or, with a chance that shrinks with
the temperature, rises a little. Costs are those of :mod:`gis.coverage.redraw`, but what is outside
the range weighs little at first and its full weight at the end: parts that must be emptied before
they can be filled again would otherwise never change.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from gis.geometry.compiled import compiled

Integers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


@compiled
def anneal(
    part: Integers,
    starts: Integers,
    beside: Integers,
    cost: Floats,
    households: Integers,
    stays: Integers,
    is_rim: Flags,
    limits: Floats,
    heat: Floats,
    weights: Floats,
    seed: int,
) -> int:
    """Improve ``part`` (of each atom, 0..k-1) in place; return the number of steps made.

    Parameters
    ----------
    part
        Holes in the ground come behind the atoms, with the part k, and keep it.
    starts, beside, cost
        The neighbours of atom i stand at ``starts[i]:starts[i + 1]``, with what parting costs.
    stays
        Shape (n, k): households of an atom that stay where they are when it is in that part.
    limits
        low, high, mean, then what each weighs: balance (a part), a household that moves, a group
        that is enclosed.
    heat, weights
        For each sweep over all atoms a temperature, and (n, 2) the weights of a household outside
        the range and of a part outside it.
    """
    np.random.seed(seed)
    atoms, parts = len(households), stays.shape[1]
    sums = np.zeros(parts)
    sizes = np.zeros(parts, dtype=np.int64)
    for atom in range(atoms):
        sums[part[atom]] += households[atom]
        sizes[part[atom]] += 1
    marks = np.zeros(len(part), dtype=np.int64)
    queue = np.zeros(len(part), dtype=np.int64)
    enclosed = np.zeros(parts, dtype=np.int64)
    for number in range(parts):
        enclosed[number] = _enclosed(part, number, starts, beside, is_rim, marks, queue)
    made = 0
    for sweep in range(len(heat)):
        for _ in range(atoms):
            atom = np.random.randint(atoms)
            degree = starts[atom + 1] - starts[atom]
            if degree == 0:
                continue
            own, to = part[atom], part[beside[starts[atom] + np.random.randint(degree)]]
            if to in (own, parts):
                continue
            back = _to_exchange(own, to, atoms, part, starts, beside)
            if back < 0 and sizes[own] == 1:
                continue
            more = _moved(atom, to, part, starts, beside, cost)
            shift = households[atom]
            stay = stays[atom, to] - stays[atom, own]
            if back >= 0:
                more += _moved(back, own, part, starts, beside, cost)
                shift -= households[back]
                stay += stays[back, own] - stays[back, to]
            weight = weights[sweep]
            more += _load(sums[own] - shift, limits, weight) - _load(sums[own], limits, weight)
            more += _load(sums[to] + shift, limits, weight) - _load(sums[to], limits, weight)
            more -= limits[4] * stay + limits[5] * (enclosed[own] + enclosed[to])
            room = -heat[sweep] * np.log(max(np.random.random(), 1e-12)) - 1e-12
            one = other = 0
            accepted = (
                more < room
                and _hangs(part, own, starts, beside, marks, queue)
                and _hangs(part, to, starts, beside, marks, queue)
            )
            if accepted:
                one = _enclosed(part, own, starts, beside, is_rim, marks, queue)
                other = _enclosed(part, to, starts, beside, is_rim, marks, queue)
                accepted = more + limits[5] * (one + other) < room
            if not accepted:
                part[atom] = own
                if back >= 0:
                    part[back] = to
                continue
            made += 1
            enclosed[own], enclosed[to] = one, other
            sums[own] -= shift
            sums[to] += shift
            if back < 0:
                sizes[own] -= 1
                sizes[to] += 1
    return made


@compiled
def _to_exchange(
    own: int, to: int, atoms: int, part: Integers, starts: Integers, beside: Integers
) -> int:
    """Return, in three of ten cases, an atom of ``to`` beside ``own`` if one is met; else -1."""
    if np.random.random() >= 0.3:
        return -1
    for _ in range(16):
        back = np.random.randint(atoms)
        if part[back] == to:
            for near in range(starts[back], starts[back + 1]):
                if part[beside[near]] == own:
                    return back
    return -1


@compiled
def _moved(
    atom: int, to: int, part: Integers, starts: Integers, beside: Integers, cost: Floats
) -> float:
    """Put an atom into a part; return what that adds to the borders."""
    found = 0.0
    for near in range(starts[atom], starts[atom + 1]):
        there = part[beside[near]]
        if there != part[atom]:
            found -= cost[near]
        if there != to:
            found += cost[near]
    part[atom] = to
    return found


@compiled
def _load(count: float, limits: Floats, weight: Floats) -> float:
    """Return what a part of so many households costs."""
    far = (count - limits[2]) / limits[2]
    outside = max(0.0, limits[0] - count, count - limits[1])
    cost: float = weight[0] * outside + limits[3] * far * far
    if outside > 0.0:
        cost += weight[1]
    return cost


@compiled
def _hangs(
    part: Integers,
    number: int,
    starts: Integers,
    beside: Integers,
    marks: Integers,
    queue: Integers,
) -> bool:
    """Tell whether a part is one piece and not empty."""
    count, first = 0, -1
    for atom in range(len(part)):
        marks[atom] = 0
        if part[atom] == number:
            count += 1
            first = atom
    if count == 0:
        return False
    marks[first] = 1
    queue[0] = first
    length, at = 1, 0
    while at < length:
        atom = queue[at]
        at += 1
        for near in range(starts[atom], starts[atom + 1]):
            other = beside[near]
            if part[other] == number and marks[other] == 0:
                marks[other] = 1
                queue[length] = other
                length += 1
    return length == count


@compiled
def _enclosed(
    part: Integers,
    number: int,
    starts: Integers,
    beside: Integers,
    is_rim: Flags,
    marks: Integers,
    queue: Integers,
) -> int:
    """Return into how many groups without a way to the rim a part cuts the others."""
    length = 0
    for atom in range(len(part)):
        marks[atom] = 0
        if part[atom] != number and is_rim[atom]:
            marks[atom] = 1
            queue[length] = atom
            length += 1
    groups, at, seen = 0, 0, 0
    while True:
        while at < length:
            atom = queue[at]
            at += 1
            for near in range(starts[atom], starts[atom + 1]):
                other = beside[near]
                if part[other] != number and marks[other] == 0:
                    marks[other] = 1
                    queue[length] = other
                    length += 1
        while seen < len(part) and (part[seen] == number or marks[seen] == 1):
            seen += 1
        if seen == len(part):
            return groups
        groups += 1
        marks[seen] = 1
        queue[length] = seen
        length += 1
