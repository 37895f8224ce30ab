"""The rows of an imported address file: taken apart and checked one by one, without a database."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import geopandas as gpd
import numpy as np
import shapely

from gis.geometry import crs as frames
from gis.matching.address_lexicon import Lexicon
from gis.matching.address_parse import parse
from gis.matching.address_rows import DEFAULT_UNCERTAINTY_M, ENTRY_KINDS
from gis.services.area_rows import position_reason
from gis.services.columns import column_text, optional_text, rows_of
from gis.services.import_findings import Finding, Severity
from gis.store.gazetteer import EntryRow

REPEATED: Final = 20
"""So many different addresses at one position are reported: the trace of a failed geocoding."""
_ALIASES: Final = re.compile(r"[;；|、]")
_COMPOUND_WORDS: Final = (
    "小区", "花园", "家园", "新村", "公寓", "苑", "嘉园", "花苑", "公馆", "华庭", "雅居", "山庄",
    "里", "名邸", "名苑", "湾",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class AddressColumns:
    """Which columns of the file hold what; None where it does not have it.

    Either ``text`` (the full address) or separate columns, or both: what the columns say wins over
    what the text is taken apart into.
    """

    text: str | None = None
    kind: str | None = None
    road: str | None = None
    number: str | None = None
    compound: str | None = None
    building: str | None = None
    unit: str | None = None
    name: str | None = None
    community: str | None = None
    alias: str | None = None
    uncertainty: str | None = None
    code: str | None = None


PARTS: Final = ("road", "number", "compound", "building", "unit", "name")


@dataclass(slots=True)
class AddressRows:
    """The rows of a file in its order; ``lon lat`` are NaN until :meth:`convert` placed them."""

    rows: list[int]
    texts: list[str | None]
    kinds: list[str | None]
    parts: dict[str, list[str | None]]
    areas: list[str | None]
    aliases: list[str | None]
    uncertainty_texts: list[str | None]
    codes: list[str | None]
    points: Any
    raw_x: Any
    raw_y: Any
    lon: Any
    lat: Any
    uncertainty_m: list[float]
    findings: list[Finding] = field(default_factory=list)
    bad: list[bool] = field(default_factory=list)

    @classmethod
    def gather(cls, frame: gpd.GeoDataFrame, columns: AddressColumns, file: str) -> AddressRows:
        """Take the named columns of a file; see :class:`~gis.errors.ColumnMissing`."""
        points = np.array(frame.geometry.array, dtype=object)
        count = len(points)

        def taken(column: str | None) -> list[str | None]:
            return optional_text(frame, column, file)

        return cls(
            rows=rows_of(frame),
            texts=taken(columns.text),
            kinds=taken(columns.kind),
            parts={part: taken(getattr(columns, part)) for part in PARTS},
            areas=taken(columns.community),
            aliases=taken(columns.alias),
            uncertainty_texts=taken(columns.uncertainty),
            codes=[None] * count
            if columns.code is None
            else column_text(frame, columns.code, file),
            points=points,
            raw_x=shapely.get_x(points),
            raw_y=shapely.get_y(points),
            lon=np.full(count, np.nan),
            lat=np.full(count, np.nan),
            uncertainty_m=[0.0] * count,
            bad=[False] * count,
        )

    @property
    def good(self) -> list[int]:
        """Positions of the rows without an error."""
        return [i for i, bad in enumerate(self.bad) if not bad]

    def note(
        self, i: int, kind: str, severity: Severity, reason: tuple[str, str], **facts: object
    ) -> None:
        """Note a finding about one row; an error makes the row a bad one."""
        if severity == "error":
            self.bad[i] = True
        there = bool(np.isfinite(self.lon[i]))
        self.findings.append(
            Finding(
                kind,
                severity,
                *reason,
                row=self.rows[i],
                code=self.codes[i] or None,
                lon=float(self.lon[i]) if there else None,
                lat=float(self.lat[i]) if there else None,
                facts=facts,
            )
        )

    def take_apart(self, lexicon: Lexicon) -> None:
        """Fill the parts that have no column of their own from the full text."""
        for i, text in enumerate(self.texts):
            if text is None:
                continue
            for part, words in parts_of(text, lexicon).items():
                if self.parts[part][i] is None:
                    self.parts[part][i] = words

    def check(self, *, with_codes: bool, default_kind: str | None) -> None:
        """Check what each row names, its kind, its code and its uncertainty."""
        seen: dict[str, list[int]] = defaultdict(list)
        for i in range(len(self.rows)):
            kind = self.kinds[i] or default_kind or self._kind_of(i)
            self.kinds[i] = kind
            if kind is None:
                reason = (
                    "没有道路门牌、小区或名称",
                    "there is neither road and number, compound nor name",
                )
                self.note(i, "address-missing", "error", reason)
            elif kind not in ENTRY_KINDS or kind == "area":
                known = " ".join(k for k in ENTRY_KINDS if k != "area")
                reason = f"类别 {kind} 不在 {known} 之中", f"kind {kind} is none of {known}"
                self.note(i, "kind-unknown", "error", reason)
            self._check_uncertainty(i)
            if with_codes and not self.codes[i]:
                self.note(i, "code-missing", "error", ("编码为空", "the code is empty"))
            elif not with_codes:
                self.codes[i] = f"{kind}|{self.full_text(i)}"
            seen[self.codes[i] or ""].append(i)
        for code, same in seen.items():
            if code and len(same) > 1:
                self._note_repeats(code, same, with_codes=with_codes)

    def _note_repeats(self, code: str, same: list[int], *, with_codes: bool) -> None:
        told = ", ".join(str(self.rows[i]) for i in same)
        what = f"编码 {code}" if with_codes else f"地址 {self.full_text(same[0])}"
        english = f"code {code}" if with_codes else f"address {self.full_text(same[0])}"
        for i in same:
            reason = f"{what} 出现在第 {told} 行", f"{english} stands in rows {told}"
            self.note(i, "code-duplicate", "error", reason)

    def _kind_of(self, i: int) -> str | None:
        said = {part: bool(self.parts[part][i]) for part in PARTS}
        if said["compound"] or (said["road"] and said["number"]):
            if said["unit"]:
                return "unit"
            if said["building"]:
                return "building"
        if said["name"]:
            return "landmark"
        if said["compound"]:
            return "door" if said["number"] and not said["road"] else "compound"
        return "road_number" if said["road"] and said["number"] else None

    def _check_uncertainty(self, i: int) -> None:
        text = self.uncertainty_texts[i]
        default = DEFAULT_UNCERTAINTY_M.get(self.kinds[i] or "", 50.0)
        self.uncertainty_m[i] = default
        if text is None:
            return
        try:
            metres = float(text)
        except ValueError:
            metres = float("nan")
        if 0 < metres <= 100_000:
            self.uncertainty_m[i] = metres
        else:
            reason = f"误差 {text} 不是正的米数", f"the uncertainty {text} is no positive number"
            self.note(i, "number-invalid", "error", reason)

    def convert(self, crs: str) -> None:
        """Place the rows in WGS84, once; refuse those whose coordinates cannot be a place."""
        usable = frames.usable(self.raw_x, self.raw_y, crs)
        self.lon[usable], self.lat[usable] = frames.to_wgs84(
            self.raw_x[usable], self.raw_y[usable], crs
        )
        for i in np.flatnonzero(~usable).tolist():
            shape = self.points[i]
            if shape is None or shape.is_empty:
                reason = "没有坐标", "there are no coordinates"
                self.note(i, "geometry-missing", "error", reason)
            elif shape.geom_type != "Point":
                reason = f"几何类型为 {shape.geom_type}", f"the geometry is a {shape.geom_type}"
                self.note(i, "not-a-point", "error", reason)
            else:
                reason = position_reason(self.raw_x[i], self.raw_y[i], crs)
                self.note(i, "position-invalid", "error", reason)
        positions = Counter((float(self.lon[i]), float(self.lat[i])) for i in self.good)
        for i in self.good:
            count = positions.pop((float(self.lon[i]), float(self.lat[i])), 0)
            if count >= REPEATED:
                reason = f"{count} 行在同一坐标", f"{count} rows at this one position"
                self.note(i, "place-repeated", "warning", reason, rows=count)

    def full_text(self, i: int) -> str:
        """Return the text of a row: as delivered, or its parts in order."""
        text = self.texts[i]
        return text or "".join(self.parts[part][i] or "" for part in PARTS)

    def entry(self, i: int, source: str, community: str | None) -> EntryRow:
        """Return a row as it is to be stored."""
        part = {name: values[i] for name, values in self.parts.items()}
        aliases = [a.strip() for a in _ALIASES.split(self.aliases[i] or "") if a.strip()]
        return EntryRow(
            kind=self.kinds[i] or "",
            full_text=self.full_text(i),
            road=part["road"],
            house_number=part["number"],
            compound=part["compound"],
            building=part["building"],
            unit=part["unit"],
            name=part["name"],
            aliases=aliases,
            lon=float(self.lon[i]),
            lat=float(self.lat[i]),
            community_code=community,
            uncertainty_m=self.uncertainty_m[i],
            source=source,
            code=self.codes[i] or "",
        )


def parts_of(text: str, lexicon: Lexicon | None = None) -> dict[str, str]:
    """Return the parts of a full address by the names of the columns.

    A named building with a number of its own, or with the word for a compound, is a compound; other
    names are landmarks.

    >>> parts_of("滁州市琅琊区琅琊路12号锦绣花园3幢2单元")
    {'road': '琅琊路', 'number': '12号', 'compound': '锦绣花园', 'building': '3幢', 'unit': '2单元'}
    >>> parts_of("琅琊区丰乐大道188号中都大酒店")
    {'road': '丰乐大道', 'number': '188号', 'name': '中都大酒店'}
    """
    found: dict[str, str] = {}
    places: list[str] = []
    for part in parse(text, lexicon):
        label = _COLUMNS.get(part.label)
        if part.label in ("poi", "subpoi"):
            places.append(part.text)
        elif label is not None and label not in found:
            found[label] = part.text
    if places:
        is_compound = "building" in found or places[0].endswith(_COMPOUND_WORDS)
        found["compound" if is_compound else "name"] = places[0] if is_compound else places[-1]
    return {part: found[part] for part in PARTS if part in found}


_COLUMNS: Final = {"road": "road", "roadno": "number", "houseno": "building", "cellno": "unit"}


def lexicon_of(names: Sequence[tuple[str, str]]) -> Lexicon:
    """Return the lexicon of China with the names (level, name) of the city's own areas."""
    labels = {"county": "district", "subdistrict": "town", "community": "community"}
    known: dict[str, list[str]] = {}
    for level, name in names:
        if level in labels:
            known.setdefault(labels[level], []).append(name)
    return Lexicon(known)
