"""Questions that a category asks who reports it through Open311: data, checked when answered."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib import resources
from math import isfinite
from typing import Final

DATATYPES: Final = ("string", "number", "datetime", "text", "singlevaluelist", "multivaluelist")
"""Datatypes of GeoReport v2."""

LONGEST: Final = {"string": 255, "text": 4000}

Title = tuple[str, str]
"""(title_zh, title_en)."""


@dataclass(frozen=True, slots=True)
class Attribute:
    """One question: its code, what kind of answer it takes, and the answers to choose from."""

    service_code: str
    code: str
    datatype: str
    required: bool
    description: Title
    help: Title
    values: Mapping[str, Title]
    order: int

    def answer(self, given: Sequence[str]) -> list[str] | str | None:
        """Return an answer as it is kept, None when nothing usable was given.

        Raises
        ------
        ValueError
            It is not of the datatype, or none of the values; the text says what is expected.
        """
        filled = [text.strip() for text in given if text.strip()]
        if not filled:
            return None
        if self.datatype == "multivaluelist":
            for text in filled:
                self._one_of_values(text)
            return list(dict.fromkeys(filled))
        if len(filled) > 1:
            raise ValueError("one value")
        (text,) = filled
        if self.datatype == "singlevaluelist":
            self._one_of_values(text)
        elif self.datatype == "number":
            _number(text)
        elif self.datatype == "datetime":
            _instant(text)
        elif len(text) > LONGEST[self.datatype]:
            raise ValueError(f"at most {LONGEST[self.datatype]} characters")
        return text

    def _one_of_values(self, text: str) -> None:
        if text not in self.values:
            raise ValueError("one of " + ", ".join(self.values))


@cache
def load_default() -> tuple[Attribute, ...]:
    """Return the questions that Gridward brings along, in the order of their file."""
    text = resources.files("gis.governance").joinpath("open311_attributes.csv").read_text("utf-8")
    return read_csv(text)


def read_csv(text: str) -> tuple[Attribute, ...]:
    """Read questions; ``values`` reads ``key=中文/English;...``."""
    found: list[Attribute] = []
    for row in csv.DictReader(io.StringIO(text), strict=True):
        values: dict[str, Title] = {}
        for part in filter(None, row["values"].split(";")):
            key, _, names = part.partition("=")
            zh, _, en = names.partition("/")
            values[key] = (zh, en or zh)
        if row["datatype"] not in DATATYPES or ("list" in row["datatype"]) != bool(values):
            message = f"open311 attribute {row['service_code']}.{row['code']}: datatype or values"
            raise ValueError(message)
        found.append(
            Attribute(
                service_code=row["service_code"],
                code=row["code"],
                datatype=row["datatype"],
                required=row["required"] == "yes",
                description=(row["description_zh"], row["description_en"]),
                help=(row["help_zh"], row["help_en"]),
                values=values,
                order=1 + sum(a.service_code == row["service_code"] for a in found),
            )
        )
    return tuple(found)


def of_service(code: str) -> list[Attribute]:
    """Return the questions of a service, in order."""
    return [attribute for attribute in load_default() if attribute.service_code == code]


def _number(text: str) -> None:
    try:
        number = float(text)
    except ValueError:
        number = float("nan")
    if not isfinite(number):
        raise ValueError("a number")


def _instant(text: str) -> None:
    try:
        offset = datetime.fromisoformat(text).tzinfo
    except ValueError:
        offset = None
    if offset is None:
        raise ValueError("a time with its offset, as 2026-11-23T10:00:00+08:00")
