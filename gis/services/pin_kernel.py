"""Kernel that writes the answers to many clear pins as one text, compiled.

It says byte for byte what :func:`gis.services.pin_text.clear_text` says of one pin, whose pieces it
is given as UTF-8. Where a number is too close to the middle between two roundings to be rounded by
floats, the answer is left out and that function writes it.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from gis.geometry.compiled import compiled, copy_bytes

Text = npt.NDArray[np.uint8]
Numbers = npt.NDArray[np.float64]
Offsets = npt.NDArray[np.int64]

HEAD, BRIEF, INSIDE, FACTS, TAIL, END = range(6)
"""What is said of an area, in the order of :class:`gis.services.pin_text.Said`."""

EDGE, LON, LAT, CANDIDATES, OWN_EVIDENCE, NEXT, DISTANCE, EVIDENCE, OUTSIDE, REASONS = range(10)
SENTENCE, SAY_EDGE, SAY_ACCURACY, SAY_SHARE, SAID, SAID_OF_POINT, ACCURACY = range(10, 17)
EDGE_FACT, CERTAIN, NEARLY, PERCENT, NOTE = range(17, 22)
"""What stands between, in the order of :class:`gis.services.pin_text.Words`, and the note."""

NUMBER = 24
"""No number that is written here is longer."""
MOST = 1e13
UNCLEAR = 2e-3
"""Scaled numbers stay below ``MOST``: the error of the scaling below half of ``UNCLEAR``."""
MINUS, POINT, EXPONENT = 45, 46, 101


@compiled
def put(out: Text, at: int, source: Text, first: int, last: int) -> int:
    """Copy ``source[first:last]`` to ``out`` from ``at`` on; return where it ends.

    -1 as ``at``, here and below: something before was left out.
    """
    if at < 0:
        return -1
    copy_bytes(out, at, source, first, last - first)  # type: ignore[call-arg]
    return at + last - first


@compiled
def put_integer(out: Text, at: int, value: int) -> int:
    """Write a number of 0 or more; return where it ends."""
    end, rest = at + 1, value // 10
    while rest > 0:
        end += 1
        rest //= 10
    for place in range(end - 1, at - 1, -1):
        out[place] = 48 + value % 10
        value //= 10
    return end


@compiled
def rounded(scaled: float) -> int:
    """Return the whole number nearest to one of 0 or more; -1: floats cannot tell."""
    if not scaled < MOST or abs(scaled - math.floor(scaled) - 0.5) < UNCLEAR:
        return -1
    return int(np.rint(scaled))


@compiled
def put_decimal(out: Text, at: int, value: float, places: int) -> int:
    """Write a number rounded to 3 or 9 places, as JSON; return where it ends, -1: left out."""
    whole = rounded(abs(value) * 10.0**places)
    if at < 0 or whole < 0 or (whole == 0 and math.copysign(1.0, value) < 0.0):
        return -1
    if value < 0.0:
        out[at] = MINUS
        at += 1
    small = places == 9 and 0 < whole < 10_000  # thousandths are never below 0.00001
    while places > 1 and whole % 10 == 0:
        whole //= 10
        places -= 1
    if small:  # below 0.00001 with an exponent
        return put_small(out, at, whole, places)
    unit = 1
    for _ in range(places):
        unit *= 10
    at = put_integer(out, at, whole // unit)
    out[at] = POINT
    whole %= unit
    for place in range(at + places, at, -1):
        out[place] = 48 + whole % 10
        whole //= 10
    return at + places + 1


@compiled
def put_small(out: Text, at: int, whole: int, places: int) -> int:
    """Write ``whole`` / 10 ** ``places`` with an exponent; ``whole`` does not end in 0."""
    end = put_integer(out, at, whole)
    if end > at + 1:
        for place in range(end, at + 1, -1):
            out[place] = out[place - 1]
        out[at + 1] = POINT
        places -= end - at - 1
        end += 1
    out[end], out[end + 1] = EXPONENT, MINUS
    return put_integer(out, end + 2, places)


@compiled
def put_metres(out: Text, at: int, value: float) -> int:
    """Write metres for a sentence: whole from 9.95 on, one decimal below; -1: left out."""
    if value >= 9.95:
        whole = rounded(value)
        return put_integer(out, at, whole) if at >= 0 and whole >= 0 else -1
    tenths = rounded(value * 10.0)
    if at < 0 or tenths < 0:
        return -1
    at = put_integer(out, at, tenths // 10)
    out[at], out[at + 1] = POINT, 48 + tenths % 10
    return at + 2


@compiled
def put_word(out: Text, at: int, words: Text, ends: Offsets, word: int) -> int:
    """Copy one of the words; return where it ends."""
    return put(out, at, words, ends[word - 1] if word else 0, ends[word])


@compiled
def put_piece(out: Text, at: int, said: Text, spans: Offsets, piece: int) -> int:
    """Copy what is said of an area, of which ``spans`` is the row; return where it ends."""
    return put(out, at, said, spans[piece], spans[piece + 1])


@compiled
def put_sureness(out: Text, at: int, share: float, words: Text, ends: Offsets) -> int:
    """Write a share as a sentence says it; -1: left out."""
    billionths = rounded(share * 1e9)
    if billionths >= 1_000_000_000:
        return put_word(out, at, words, ends, CERTAIN)
    if billionths > 990_000_000:
        return put_word(out, at, words, ends, NEARLY)
    percent = rounded(billionths * 1e-7)
    if at < 0 or billionths < 0 or percent < 0:
        return -1
    at = put_integer(out, at, percent)
    return put_word(out, at, words, ends, PERCENT)


@compiled
def write_one(
    out: Text,
    at: int,
    rows: Numbers,
    place: Numbers,
    accuracy: Text,
    said: Text,
    spans: Offsets,
    words: Text,
    ends: Offsets,
) -> int:
    """Write the answer to one pin; return where it ends, -1 when it is left out.

    Behind a piece that is left out nothing is written.
    """
    own = spans[np.int64(rows[1, 0])]
    outside, edge_m, share, accuracy_m = rows[0, 1], rows[0, 2], rows[1, 1], place[2]
    if own[END] < 0:
        return -1
    at = put_piece(out, at, said, own, HEAD)
    confidence = at
    at = put_decimal(out, at, share, 9)
    confidence_end = at
    at = put_word(out, at, words, ends, EDGE)
    edge = at
    at = put_decimal(out, at, edge_m, 3)
    edge_end = at
    at = put_word(out, at, words, ends, LON)
    at = put_decimal(out, at, place[0], 9)
    at = put_word(out, at, words, ends, LAT)
    at = put_decimal(out, at, place[1], 9)
    at = put_word(out, at, words, ends, CANDIDATES)
    at = put_piece(out, at, said, own, BRIEF)
    at = put(out, at, out, confidence, confidence_end)
    at = put_word(out, at, words, ends, OWN_EVIDENCE)
    for row in range(2, rows.shape[0]):
        at = put_word(out, at, words, ends, NEXT)
        at = put_piece(out, at, said, spans[np.int64(rows[row, 0])], BRIEF)
        at = put_decimal(out, at, rows[row, 1], 9)
        at = put_word(out, at, words, ends, DISTANCE)
        at = put_decimal(out, at, rows[row, 2], 3)
        at = put_word(out, at, words, ends, EVIDENCE)
    at = put_word(out, at, words, ends, OUTSIDE)
    at = put_decimal(out, at, outside, 9)
    at = put_word(out, at, words, ends, REASONS)
    at = put_word(out, at, words, ends, NOTE)
    at = put_word(out, at, words, ends, SENTENCE)
    at = put_piece(out, at, said, own, INSIDE)
    at = put_word(out, at, words, ends, SAY_EDGE)
    at = put_metres(out, at, edge_m)
    if accuracy_m > 0.0:
        at = put_word(out, at, words, ends, SAY_ACCURACY)
        at = put_metres(out, at, accuracy_m)
        at = put_word(out, at, words, ends, SAY_SHARE)
        at = put_sureness(out, at, share, words, ends)
        at = put_word(out, at, words, ends, SAID)
    else:
        at = put_word(out, at, words, ends, SAID_OF_POINT)
    at = put_piece(out, at, said, own, FACTS)
    at = put(out, at, out, confidence, confidence_end)
    at = put_word(out, at, words, ends, ACCURACY)
    at = put(out, at, accuracy, 0, accuracy.size)
    at = put_word(out, at, words, ends, EDGE_FACT)
    at = put(out, at, out, edge, edge_end)
    return put_piece(out, at, said, own, TAIL)


@compiled
def write_clear(
    rows: Numbers,
    starts: Offsets,
    pins: Offsets,
    places: Numbers,
    accuracies: Text,
    accuracy_starts: Offsets,
    said: Text,
    spans: Offsets,
    words: Text,
    word_ends: Offsets,
) -> tuple[Text, Offsets]:
    """Return the answers one after the other, and where each begins and ends, (n, 2).

    Parameters
    ----------
    rows
        (m, 4), float64, as :meth:`gis.geometry.cell_index.CellIndex.normal_shares_of_many` gives
        them; ``starts`` says where those of each pin begin.
    pins
        (n,): the numbers of the pins to answer.
    places
        (k, 3), float64: longitude, latitude and accuracy in metres (NaN: unknown) of every pin.
    accuracies
        The accuracies of every pin as a JSON list; ``accuracy_starts`` (k + 1,) says where each
        begins, and the last ends, with what stands behind it.
    said
        The pieces of all areas; ``spans`` (areas, 6) where those of each begin, and the last ends,
        -1 where it has none.
    words
        What stands between; ``word_ends`` says where each piece of it ends.
    """
    bound = 0
    for pin in pins:
        for row in range(starts[pin] + 1, starts[pin + 1]):
            area = np.int64(rows[row, 0])
            bound += spans[area, INSIDE] - spans[area, BRIEF] + word_ends[-1] + 2 * NUMBER
        own = spans[np.int64(rows[starts[pin] + 1, 0])]
        bound += max(own[END], own[TAIL]) - own[HEAD] + word_ends[-1] + 12 * NUMBER
    out = np.empty(bound, dtype=np.uint8)
    ends = np.zeros((pins.size, 2), dtype=np.int64)
    at = 0
    for n in range(pins.size):
        pin = pins[n]
        end = write_one(
            out,
            at,
            rows[starts[pin] : starts[pin + 1]],
            places[pin],
            accuracies[accuracy_starts[pin] : accuracy_starts[pin + 1] - 1],
            said,
            spans,
            words,
            word_ends,
        )
        ends[n, 0] = at
        at = max(at, end)
        ends[n, 1] = at
    return out[:at], ends
