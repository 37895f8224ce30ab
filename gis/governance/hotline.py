"""Orders of the 12345 hotline 工单: which column holds what, as data, and what a row says.

A profile is a JSON file: a name, titles, the coordinate system of its coordinates, the columns of
each field (the first that the table has counts), and, where a city's own names of categories
differ from Gridward's, a table of them. DOMAIN names: taskNum, eventSrcName, recTypeName ... and
the Shanghai style TASKID, INFOSOURCENAME, COORDX, COORDY.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from importlib import resources
from typing import Any, Final
from zoneinfo import ZoneInfo

from gis.errors import OrderRowInvalid, ProfileUnknown
from gis.governance.categories import Category

SHANGHAI: Final = ZoneInfo("Asia/Shanghai")
FIELDS: Final = (
    "source_ref", "channel", "record_type", "matter", "main_type", "sub_type", "title",
    "description", "address", "lon", "lat", "district", "street", "community", "reporter_name",
    "reporter_phone", "reported_at",
)  # fmt: skip
"""What a profile may name columns of; ``lon`` is the easting where the system is projected."""

BUILT_IN: Final = ("city", "shanghai")
LONGEST: Final = {"description": 4000, "address": 4000}
_TIMES: Final = ("%Y-%m-%d %H:%M:%S", "%Y/%m/%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y/%m/%d %H:%M",
                 "%Y-%m-%d", "%Y/%m/%d", "%Y%m%d%H%M%S")  # fmt: skip
_KINDS: Final = {"事件": "event", "部件": "component"}


@dataclass(frozen=True, slots=True)
class Profile:
    """How a sender's table is read."""

    name: str
    title_zh: str
    title_en: str
    crs: str | None
    columns: Mapping[str, Sequence[str]]
    categories: Mapping[str, str]

    def with_crs(self, crs: str | None) -> Profile:
        """Return the profile with another coordinate system; None keeps its own."""
        return self if crs is None else replace(self, crs=crs)


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A row, read. ``lon lat`` stay in the profile's system; ``doubts`` are what was unclear."""

    source_ref: str
    category: str | None
    title: str | None
    description: str | None
    address: str | None
    position: tuple[float, float] | None
    reporter: Mapping[str, str] | None
    reported_at: datetime | None
    doubts: Sequence[tuple[str, str, str]]


def profile(name: str) -> Profile:
    """Return a built-in profile (:class:`~gis.errors.ProfileUnknown`: there is none)."""
    if name not in BUILT_IN:
        raise _unusable(name, "没有这个名称 / no such name")
    file = resources.files("gis.governance").joinpath(f"hotline_{name}.json")
    return read_profile(file.read_text("utf-8"), name)


def read_profile(text: str, told: str) -> Profile:
    """Read a profile from its JSON; ``told`` is what the refusal calls it."""
    try:
        found: Any = json.loads(text)
        columns = {
            str(field): [names] if isinstance(names, str) else [str(name) for name in names]
            for field, names in found["columns"].items()
        }
        made = Profile(
            str(found["name"]),
            str(found.get("title_zh", found["name"])),
            str(found.get("title_en", found["name"])),
            None if found.get("crs") is None else str(found["crs"]),
            columns,
            {str(key): str(value) for key, value in found.get("categories", {}).items()},
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _unusable(told, f"{type(error).__name__}: {error}") from error
    unknown = sorted(set(columns) - set(FIELDS))
    if unknown or "source_ref" not in columns:
        raise _unusable(told, f"columns: source_ref …; unknown: {', '.join(unknown) or '-'}")
    return made


def read_order(row: Mapping[str, Any], chosen: Profile, categories: Sequence[Category]) -> Order:
    """Read a row by its profile.

    Raises
    ------
    gis.errors.OrderRowInvalid
        No number of the order, half a position, a time that is none, a text that is too long.
    """
    said = {field: _text(row, names, field) for field, names in chosen.columns.items()}
    if said.get("source_ref") is None:
        raise _bad(chosen, "source_ref", "", "非空的工单编号", "the number of the order")
    doubts: list[tuple[str, str, str]] = []
    category, doubt = _category(said, chosen, categories)
    if doubt is not None:
        doubts.append(doubt)
    position = _position(said, chosen)
    if position is not None and chosen.crs is None:
        position = None
        doubts.append(
            (
                "order-crs-undeclared",
                "工单坐标未声明坐标系，未采用坐标。请在映射方案或参数中声明。",
                "The order's coordinate system is not declared; its coordinates were not used.",
            )
        )
    reporter = {
        key: said[field]
        for key, field in (("name", "reporter_name"), ("phone", "reporter_phone"))
        if said.get(field)
    }
    return Order(
        source_ref=said["source_ref"] or "",
        category=category,
        title=_title(said),
        description=said.get("description"),
        address=_address(said),
        position=position,
        reporter={key: value for key, value in reporter.items() if value} or None,
        reported_at=_instant(said, chosen),
        doubts=doubts,
    )


def _title(said: Mapping[str, str | None]) -> str | None:
    parts = [said.get("main_type"), said.get("sub_type")]
    return said.get("title") or "·".join(part for part in parts if part)[:200] or None


def _address(said: Mapping[str, str | None]) -> str | None:
    """Return the address, the area's names before it where it does not name them itself."""
    address = said.get("address")
    if address is None:
        return None
    before = [said.get(field) for field in ("district", "street", "community")]
    return "".join(part for part in before if part and part not in address) + address


def _category(
    said: Mapping[str, str | None], chosen: Profile, categories: Sequence[Category]
) -> tuple[str | None, tuple[str, str, str] | None]:
    names = [said.get("sub_type"), said.get("matter"), said.get("main_type")]
    given = next((name for name in names if name), None)
    if given is None:
        return None, ("order-category-missing", "工单没有类别。", "The order has no category.")
    own = {_plain(key): value for key, value in chosen.categories.items()}
    keys = {category.key: category for category in categories}
    kind = _KINDS.get(said.get("record_type") or "")
    for name in filter(None, names):
        key = own.get(_plain(name), name)
        if key in keys:
            return key, None
        found = [c for c in categories if _plain(c.title_zh) == _plain(name)]
        found = [c for c in found if kind is None or c.kind == kind] or found
        if len(found) > 1 and said.get("main_type"):
            found = [c for c in found if _plain(c.major_zh) == _plain(said["main_type"] or "")]
        if len(found) == 1:
            return found[0].key, None
    return None, (
        "order-category-unknown",
        f"工单类别“{given}”在类别表中没有对应项，请人工选择类别。",
        f"No category corresponds to “{given}”; a person must choose one.",
    )


def _plain(name: str) -> str:
    """Return a name without the differences that people do not see: width, blanks, brackets."""
    folded = unicodedata.normalize("NFKC", name)
    return re.sub(r"[\s、,，;；/()（）·.-]", "", folded)


def _position(said: Mapping[str, str | None], chosen: Profile) -> tuple[float, float] | None:
    lon, lat = said.get("lon"), said.get("lat")
    if lon is None and lat is None:
        return None
    numbers = []
    for field, text in (("lon", lon), ("lat", lat)):
        try:
            number = float(text or "")
        except ValueError:
            number = float("nan")
        if not -1e9 < number < 1e9:
            raise _bad(chosen, field, text or "", "数字", "a number")
        numbers.append(number)
    if numbers == [0.0, 0.0]:
        return None  # what systems write that have no position
    return numbers[0], numbers[1]


def _instant(said: Mapping[str, str | None], chosen: Profile) -> datetime | None:
    text = said.get("reported_at")
    if text is None:
        return None
    for read in (datetime.fromisoformat, *(_reader(pattern) for pattern in _TIMES)):
        try:
            found: datetime = read(text)
        except ValueError:
            continue
        found = found if found.tzinfo is not None else found.replace(tzinfo=SHANGHAI)
        if 1900 <= found.year <= 2999:
            return found
    raise _bad(chosen, "reported_at", text, "时间，如 2026-11-23 10:00:00", "a time")


def _reader(pattern: str) -> Any:  # noqa: ANN401 - a function of a text
    return lambda text: datetime.strptime(text, pattern).replace(tzinfo=SHANGHAI)


def _text(row: Mapping[str, Any], names: Sequence[str], field: str) -> str | None:
    value = next((row[name] for name in names if row.get(name) not in {None, ""}), None)
    if value is None:
        return None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    text = str(value).strip()
    longest = LONGEST.get(field, 200)
    flawed = "\x00" in text or any("\ud800" <= c <= "\udfff" for c in text)
    if flawed or len(text) > longest:
        raise OrderRowInvalid(
            column=names[0],
            value=text[:40].replace("\x00", "").encode("utf-8", "ignore").decode(),
            expected_zh=f"至多 {longest} 个字符，不含空字符",
            expected_en=f"at most {longest} characters, no NUL",
        )
    return text or None


def _bad(chosen: Profile, field: str, value: str, zh: str, en: str) -> OrderRowInvalid:
    column = " | ".join(chosen.columns.get(field, [field]))
    return OrderRowInvalid(column=column, value=value[:40], expected_zh=zh, expected_en=en)


def _unusable(name: str, reason: str) -> ProfileUnknown:
    return ProfileUnknown(profile=name, reason=reason[:300], known=", ".join(BUILT_IN))
