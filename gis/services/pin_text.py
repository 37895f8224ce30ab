"""The answer to a clear pin as text: pieces that are made once per area, around the numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

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


@dataclass(frozen=True, slots=True)
class Said:
    """What is said of an area in one language, and who is responsible there, around the numbers."""

    head: str  # to the value of "confidence"
    brief: str  # "code": ..., "name": ... of a candidate, open
    inside: str  # the sentence up to the edge
    facts: str  # the facts of the sentence up to the share
    tail: str | None  # what follows the facts; None: ask the database who is responsible


def clear_text(
    voice: Mapping[int, Said],
    language: Language,
    seen: tuple[Sequence[float], int, int],
    pin: tuple[str, str, float | None],
    note: str,
) -> str | None:
    """Return the answer to a clear pin: lon, lat as :func:`digits9` writes them, and accuracy.

    None: ask the database who answers. ``seen`` is where its rows of the cell index lie: in a flat
    list, from a place on, how many.
    """
    flat, at, rows = seen
    lon, lat, accuracy_m = pin
    own = voice[int(flat[at + 4])]
    if own.tail is None:
        return None
    outside, edge_m, share = flat[at + 1], flat[at + 2], flat[at + 5]
    confidence = "1.0" if share == 1.0 else digits9(share)
    edge = _digits3(edge_m)
    candidates = f'{{{own.brief}{confidence},"distance_m":0.0,"evidence":["position"]}}'
    for place in range(at + 8, at + 4 * rows, 4):
        candidates += (
            f',{{{voice[int(flat[place])].brief}{digits9(flat[place + 1])},"distance_m":'
            f'{_digits3(flat[place + 2])},"evidence":["position"]}}'
        )
    accuracy = "null" if accuracy_m is None else _number(float(accuracy_m))
    return (
        f'{own.head}{confidence},"ambiguous":false,"edge_distance_m":{edge},"point":{{"lon":'
        f'{lon},"lat":{lat}}},"candidates":[{candidates}],'
        f'"outside_probability":{"0.0" if outside == 0.0 else digits9(outside)},"nearest":null,'
        f'"reasons":[{note},{{"code":"inside","text":"{own.inside}'
        f'{_ending(language, edge_m, share, accuracy_m)}","facts":{own.facts}{confidence},'
        f'"accuracy_m":{accuracy},"edge_distance_m":{edge}{own.tail}'
    )


def note(crs: str, shift_m: float | None, language: Language) -> str:
    """Return the reason that says how the numbers were read, as JSON."""
    said = _TAKEN.get((crs, language))
    if said is not None:
        return said
    return as_json(matching.in_words(sentences.converted_crs(crs, float(shift_m or 0.0)), language))


def _ending(language: Language, edge_m: float, share: float, accuracy_m: float | None) -> str:
    """Return the rest of :func:`gis.matching.sentences.inside` after the area's name."""
    edge = f"{edge_m:.0f}" if edge_m >= 9.95 else f"{edge_m:.1f}"
    if not accuracy_m:
        return f"，距边界 {edge} 米。" if language == "zh" else f", {edge} m from the edge."
    accuracy = f"{accuracy_m:.0f}" if accuracy_m >= 9.95 else f"{accuracy_m:.1f}"
    share = round(share, DIGITS)
    sure = "100 %" if share >= 1.0 else ">99 %" if share > 0.99 else f"{share * 100:.0f} %"
    if language == "zh":
        return f"，距边界 {edge} 米，按定位精度 {accuracy} 米有 {sure} 的把握。"
    return f", {edge} m from the edge; with an accuracy of {accuracy} m that is {sure} sure."


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


def many_digits9(values: npt.NDArray[np.float64]) -> list[str]:
    """Return :func:`digits9` of finite numbers, quickly where they have no more digits.

    A number that is a whole number of billionths, divided, is what rounding it gives.
    """
    short = np.rint(values * 1e9) / 1e9 == values
    texts = encode(np.where(short, values, 0.0).tolist()).decode()[1:-1].split(",")
    for at in np.flatnonzero(~short).tolist():
        texts[at] = digits9(float(values[at]))
    return texts
