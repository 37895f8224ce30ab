"""The answer to a clear pin as text: pieces that are made once per area, around the numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from threading import Lock
from typing import Final, NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from gis.errors import Language
from gis.governance.reasons import Reason
from gis.matching import sentences
from gis.matching.candidates import DIGITS
from gis.services import matching

encode: Final = msgspec.json.Encoder().encode
"""JSON as every match is answered: UTF-8, compact, shortest numbers."""

_LANGUAGES: Final[tuple[Language, ...]] = ("zh", "en")


class Said(NamedTuple):
    """What is said of an area in one language, and who is responsible there, around the numbers."""

    head: str  # to the value of "confidence"
    brief: str  # "code": ..., "name": ... of a candidate, open
    inside: str  # the sentence up to the edge
    facts: str  # the facts of the sentence up to the share
    tail: str | None  # what follows the facts; None: ask the database who is responsible


class Words(NamedTuple):
    """What stands between the pieces and the numbers of every answer to a clear pin."""

    edge: str
    lon: str
    lat: str
    candidates: str
    own_evidence: str
    next: str
    distance: str
    evidence: str
    outside: str
    reasons: str  # up to the note on how the numbers were read
    sentence: str
    say_edge: str
    say_accuracy: str
    say_share: str
    said: str
    said_of_point: str
    accuracy: str
    edge_fact: str
    certain: str
    nearly: str
    percent: str


@cache
def words(language: Language) -> Words:
    """Return the words of a language."""
    zh = language == "zh"
    return Words(
        edge=',"ambiguous":false,"edge_distance_m":',
        lon=',"point":{"lon":',
        lat=',"lat":',
        candidates='},"candidates":[{',
        own_evidence=',"distance_m":0.0,"evidence":["position"]}',
        next=",{",
        distance=',"distance_m":',
        evidence=',"evidence":["position"]}',
        outside='],"outside_probability":',
        reasons=',"nearest":null,"reasons":[',
        sentence=',{"code":"inside","text":"',
        say_edge="，距边界 " if zh else ", ",
        say_accuracy=" 米，按定位精度 " if zh else " m from the edge; with an accuracy of ",
        say_share=" 米有 " if zh else " m that is ",
        said=' 的把握。","facts":' if zh else ' sure.","facts":',
        said_of_point=' 米。","facts":' if zh else ' m from the edge.","facts":',
        accuracy=',"accuracy_m":',
        edge_fact=',"edge_distance_m":',
        certain="100 %",
        nearly=">99 %",
        percent=" %",
    )


def clear_text(
    voice: Mapping[int, Said],
    w: Words,
    seen: tuple[Sequence[float], int, int],
    pin: tuple[float, float, float | None],
    note: str,
) -> str | None:
    """Return the answer to a clear pin: longitude, latitude, accuracy, and how they were read.

    None: ask the database who answers. ``seen`` is where its rows of the cell index lie: in a flat
    list, from a place on, how many.
    """
    flat, at, rows = seen
    lon, lat, accuracy_m = pin
    own = voice[int(flat[at + 4])]
    if own.tail is None:
        return None
    outside, edge_m, share = flat[at + 1], flat[at + 2], flat[at + 5]
    confidence, edge = digits9(share), _digits3(edge_m)
    candidates = f"{own.brief}{confidence}{w.own_evidence}"
    for place in range(at + 8, at + 4 * rows, 4):
        brief = voice[int(flat[place])].brief
        candidates += (
            f"{w.next}{brief}{digits9(flat[place + 1])}"
            f"{w.distance}{_digits3(flat[place + 2])}{w.evidence}"
        )
    if accuracy_m:
        sure = f"{w.say_accuracy}{_metres(accuracy_m)}{w.say_share}{_sureness(share, w)}{w.said}"
    else:
        sure = w.said_of_point
    accuracy = "null" if accuracy_m is None else _number(float(accuracy_m))
    return (
        f"{own.head}{confidence}{w.edge}{edge}{w.lon}{digits9(lon)}{w.lat}{digits9(lat)}"
        f"{w.candidates}{candidates}{w.outside}{digits9(outside)}{w.reasons}"
        f"{note}{w.sentence}{own.inside}{w.say_edge}{_metres(edge_m)}{sure}"
        f"{own.facts}{confidence}{w.accuracy}{accuracy}{w.edge_fact}{edge}{own.tail}"
    )


def note(crs: str, shift_m: float | None, language: Language) -> str:
    """Return the reason that says how the numbers were read, as JSON."""
    said = _TAKEN.get((crs, language))
    if said is not None:
        return said
    return as_json(matching.in_words(sentences.converted_crs(crs, float(shift_m or 0.0)), language))


def _metres(value: float) -> str:
    return f"{value:.0f}" if value >= 9.95 else f"{value:.1f}"


def _sureness(share: float, w: Words) -> str:
    share = round(share, DIGITS)
    if share >= 1.0:
        return w.certain
    return w.nearly if share > 0.99 else f"{share * 100:.0f}{w.percent}"


def as_json(value: object) -> str:
    """Return a value as the encoder writes it."""
    return encode(value).decode()


def _number(value: float) -> str:
    """Return a number as the encoder writes it."""
    if value == 0.0 or 1e-3 <= abs(value) < 1e15:
        return repr(value)
    return as_json(value)


def digits9(value: float) -> str:
    """Return ``round(value, 9)`` as the encoder writes it."""
    if not 1e-3 <= abs(value) < 1e5:
        return _number(round(value, DIGITS))
    text = f"{value:.9f}".rstrip("0")
    return text + "0" if text[-1] == "." else text


def _digits3(value: float) -> str:
    """Return ``round(value, 3)`` as the encoder writes it, for 0 to 1e9."""
    text = f"{value:.3f}".rstrip("0")
    return text + "0" if text[-1] == "." else text


def _as_taken(crs: str, language: Language) -> str:
    reason: Reason = sentences.taken_as_is(crs)
    return as_json(matching.in_words(reason, language))


_TAKEN: Final = {
    (crs, language): _as_taken(crs, language)
    for crs in ("WGS84", "CGCS2000")
    for language in _LANGUAGES
}


_AT_ONCE: Final = 500
"""Answers that the kernel writes at once: memory that small is used again, not asked for anew."""


class Pieces:
    """What is said of areas as UTF-8 for :func:`many_clear`; grows with the areas asked for."""

    def __init__(self, areas: int) -> None:
        self._held = bytearray()
        self._lock = Lock()
        self._spans = np.full((areas, 6), -1, dtype=np.int64)
        self._text = np.zeros(0, dtype=np.uint8)

    def of(
        self, voice: Mapping[int, Said], areas: npt.NDArray[np.int64]
    ) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
        """Return the text of at least the areas asked for, and where their pieces begin in it.

        What was returned before stays true: text is added behind it.
        """
        with self._lock:
            missing = areas[self._spans[areas, 0] < 0].tolist()
            for area in missing:
                said = voice[area]
                ends = [len(self._held)]
                for piece in said:
                    self._held += (piece or "").encode()
                    ends.append(len(self._held))
                if said.tail is None:
                    ends[-1] = -1
                self._spans[area] = ends
            if len(self._text) < len(self._held):  # also when what was missing failed half way
                self._text = np.frombuffer(bytes(self._held), dtype=np.uint8)
            return self._text, self._spans


def many_clear(
    said: tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]],
    between: Sequence[str],
    seen: tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]],
    places: npt.NDArray[np.float64],
    pins: npt.NDArray[np.int64],
) -> list[bytes]:
    """Return :func:`clear_text` of some of many pins; empty where that has to be asked.

    ``said`` is of :meth:`Pieces.of`; ``between`` are the words and a note; ``seen`` is of
    :meth:`gis.geometry.cell_index.CellIndex.normal_shares_of_many`; ``places`` (n, 3) holds
    longitude, latitude and accuracy (NaN: unknown) of all pins, ``pins`` the numbers of some.
    """
    from gis.services.pin_kernel import write_clear  # noqa: PLC0415 - imports numba

    encoded = [piece.encode() for piece in between]
    joined = np.frombuffer(b"".join(encoded), dtype=np.uint8)
    ends = np.cumsum([len(piece) for piece in encoded])
    accuracies = _listed(places[:, 2])
    texts: list[bytes] = []
    for some in range(0, len(pins), _AT_ONCE):
        text, spans = write_clear(
            *seen, pins[some : some + _AT_ONCE], places, *accuracies, *said, joined, ends
        )
        whole = text.tobytes()
        texts += [whole[first:last] for first, last in spans.tolist()]
    return texts


def _listed(
    values: npt.NDArray[np.float64],
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
    """Return numbers as the encoder writes them, and where each begins and, with a comma, ends."""
    text = np.frombuffer(encode(values.tolist()), dtype=np.uint8)
    commas = np.flatnonzero(text == ord(","))
    return text, np.concatenate([[1], commas + 1, [len(text)]])


def warm_up() -> None:
    """Compile :func:`many_clear`, so that the first batch does not wait for it."""
    rows = np.array([[1.0, 0.0, 9.5, 1.0], [0.0, 1.0, 0.0, 1.0]])
    spans = np.zeros((1, 6), dtype=np.int64)
    said = np.frombuffer(b"", dtype=np.uint8), spans
    place, one = np.array([[118.0, 32.0, 15.0]]), np.array([0, 2])
    many_clear(said, (*words("zh"), ""), (rows, one), place, one[:1])
