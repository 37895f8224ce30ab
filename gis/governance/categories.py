"""Categories 类别 of events 事件 and components 部件: data, not code.

A category says who is first (events: the territory; components: the owner 属主), which roles of
the team handle it, how near a second report must lie to be suggested as a duplicate, whether it
may be dispatched without a dispatcher, where it escalates, and its limits by stage. Adding one is
adding a row to a CSV file; ``categories.csv`` beside this module is the default list.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from math import isfinite
from pathlib import Path
from typing import Final, Literal, NamedTuple, TypeVar, cast

from gis.errors import CategoryRowInvalid, LimitInvalid
from gis.governance.calendar import UNITS, Unit, check_limit
from gis.governance.duty import ROLES

Kind = Literal["event", "component"]
FirstResponsible = Literal["territory", "owner"]

REQUIRED_STAGES: Final = ("accept", "handle", "verify")
"""Stages whose limit every category gives; a file may add others (``limit_secure``, ...)."""

LIMIT_PREFIX: Final = "limit_"

COLUMNS: Final = (
    "key",
    "kind",
    "major_zh",
    "title_zh",
    "title_en",
    "first_responsible",
    "handler_roles",
    "duplicate_distance_m",
    "auto_dispatch",
    "escalation",
    "source",
    *(LIMIT_PREFIX + stage for stage in REQUIRED_STAGES),
)
"""Columns that a category file must have, in any order."""

_KINDS: Final[dict[str, Kind]] = {"event": "event", "component": "component"}
_FIRST: Final[dict[str, FirstResponsible]] = {"territory": "territory", "owner": "owner"}
_ESCALATION: Final = ("community", "subdistrict", "county", "city")
_FLAGS: Final = {"yes": True, "no": False, "true": True, "false": False, "是": True, "否": False}
_KEY_CHARACTERS: Final = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-")


class Limit(NamedTuple):
    """How long a stage may last: an amount of a unit of :data:`gis.governance.calendar.UNITS`."""

    amount: float
    unit: Unit


@dataclass(frozen=True)
class Category:
    """One category and its rules.

    ``duplicate_distance_m`` is in metres, 0 meaning that no duplicate is ever suggested and None
    that of the group (:func:`gis.matching.duplicates.reach_m`).
    ``source`` says where the limits come from; ``default`` marks Gridward's own.
    """

    key: str
    kind: Kind
    major_zh: str
    title_zh: str
    title_en: str
    first_responsible: FirstResponsible
    handler_roles: tuple[str, ...]
    duplicate_distance_m: float | None
    auto_dispatch: bool
    escalation: tuple[str, ...]
    source: str
    deadlines: Mapping[str, Limit]


def load_default() -> list[Category]:
    """Return the categories that Gridward brings along, in the order of lists.

    >>> categories = {category.key: category for category in load_default()}
    >>> categories["event-exposed-rubbish"].deadlines["handle"]
    Limit(amount=4.0, unit='work_hours')
    """
    text = resources.files("gis.governance").joinpath("categories.csv").read_text("utf-8")
    return read_csv(text)


def read_csv(path_or_text: Path | str) -> list[Category]:
    """Read categories from a CSV file (a :class:`~pathlib.Path`) or from its text.

    UTF-8, with or without byte-order mark; a header line names the columns; lists are separated by
    ``;``; limits read ``4 work_hours``. An empty cell of an optional stage means no such stage.

    Raises
    ------
    gis.errors.CategoryRowInvalid
        The first bad row, by line number (the header is line 1), column and what was expected.
    """
    if isinstance(path_or_text, Path):
        try:
            text = path_or_text.read_text("utf-8-sig")
        except UnicodeDecodeError as error:
            raise CategoryRowInvalid(
                line=path_or_text.read_bytes().count(b"\n", 0, error.start) + 1,
                column="?",
                value=repr(error.object[error.start : error.end]),
                expected_zh="UTF-8 编码的文字",
                expected_en="text in UTF-8",
            ) from error
    else:
        text = path_or_text.removeprefix("\ufeff")
    reader = csv.DictReader(io.StringIO(text), restkey="", strict=True)
    categories: list[Category] = []
    lines: dict[str, int] = {}
    try:
        _check_header(reader.fieldnames or ())
        for cells in reader:
            row = _Row(reader.line_num, cells)
            category = _category(row)
            if category.key in lines:
                raise row.refusal(
                    "key", f"未在第 {lines[category.key]} 行用过的键", "a key used only once"
                )
            lines[category.key] = reader.line_num
            categories.append(category)
    except csv.Error as error:
        raise CategoryRowInvalid(
            line=reader.reader.line_num,  # the outer count stands at the last good row
            column="?",
            value=str(error),
            expected_zh="合法的 CSV",
            expected_en="well-formed CSV",
        ) from error
    return categories


def _check_header(names: Sequence[str]) -> None:
    missing = [column for column in COLUMNS if column not in names]
    unknown = [name for name in names if name not in COLUMNS and not name.startswith(LIMIT_PREFIX)]
    for column, zh, en in (
        *((column, "文件中的一列", "a column of the file") for column in missing[:1]),
        *((column, "已知的列名(可加 limit_*)", "a known column") for column in unknown[:1]),
    ):
        raise CategoryRowInvalid(line=1, column=column, value="", expected_zh=zh, expected_en=en)


_Value = TypeVar("_Value")


class _Row:
    """One line of the file, read cell by cell, refusing with its line number."""

    def __init__(self, line: int, cells: Mapping[str, str | None]) -> None:
        self.line = line
        self.cells = cells
        if "" in cells or None in cells.values():
            self.cells = {"": "", **cells}
            raise self.refusal("", "与表头列数相同的行", "a row with as many cells as the header")

    def text(self, column: str) -> str:
        return (self.cells[column] or "").strip()

    def refusal(self, column: str, expected_zh: str, expected_en: str) -> CategoryRowInvalid:
        return CategoryRowInvalid(
            line=self.line,
            column=column,
            value=str(self.cells[column]),
            expected_zh=expected_zh,
            expected_en=expected_en,
        )

    def filled(self, column: str) -> str:
        value = self.text(column)
        if not value:
            raise self.refusal(column, "非空文字", "filled in")
        return value

    def one_of(self, column: str, choices: Mapping[str, _Value]) -> _Value:
        value = self.text(column)
        if value not in choices:
            listed = " | ".join(choices)
            raise self.refusal(column, listed, f"one of {listed}")
        return choices[value]

    def several_of(self, column: str, choices: Sequence[str]) -> tuple[str, ...]:
        values = tuple(part.strip() for part in self.text(column).split(";") if part.strip())
        if not values or len(set(values)) < len(values) or not set(values) <= set(choices):
            listed = " ; ".join(choices)
            raise self.refusal(column, f"{listed} 中的若干项", f"a list of some of {listed}")
        return values

    def metres(self, column: str) -> float | None:
        if not self.text(column):
            return None
        value = self.number(self.text(column))
        if value is None or value < 0:
            raise self.refusal(column, "不小于 0 的米数", "a number of metres, 0 or more")
        return value

    def limit(self, column: str) -> Limit:
        amount, _, unit = self.text(column).partition(" ")
        number = self.number(amount)
        try:
            check_limit(number or 0.0, unit)
        except LimitInvalid as error:
            units = " | ".join(UNITS)
            raise self.refusal(
                column,
                f"“数量 单位”，单位为 {units}，工作日为整数",
                f"'<amount> <unit>' with a unit of {units}, whole working days",
            ) from error
        return Limit(cast("float", number), cast("Unit", unit))

    @staticmethod
    def number(text: str) -> float | None:
        try:
            value = float(text)
        except ValueError:
            return None
        return value if isfinite(value) else None


def _category(row: _Row) -> Category:
    key = row.filled("key")
    if not set(key) <= _KEY_CHARACTERS:
        raise row.refusal("key", "小写字母、数字和连字符", "lower-case letters, digits and hyphens")
    stages = [name for name in row.cells if name.startswith(LIMIT_PREFIX)]
    return Category(
        key=key,
        kind=row.one_of("kind", _KINDS),
        major_zh=row.filled("major_zh"),
        title_zh=row.filled("title_zh"),
        title_en=row.filled("title_en"),
        first_responsible=row.one_of("first_responsible", _FIRST),
        handler_roles=row.several_of("handler_roles", tuple(ROLES)),
        duplicate_distance_m=row.metres("duplicate_distance_m"),
        auto_dispatch=row.one_of("auto_dispatch", _FLAGS),
        escalation=row.several_of("escalation", _ESCALATION),
        source=row.filled("source"),
        deadlines={
            name.removeprefix(LIMIT_PREFIX): row.limit(name)
            for name in stages
            if row.text(name) or name.removeprefix(LIMIT_PREFIX) in REQUIRED_STAGES
        },
    )
