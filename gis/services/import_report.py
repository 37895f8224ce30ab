"""The report of an import: for people (text, HTML) and for machines (JSON, GeoJSON)."""

from __future__ import annotations

import html
import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal

import shapely

from gis.services.import_findings import KINDS, Finding

if TYPE_CHECKING:
    from gis.errors import Language

Outcome = Literal["refused", "drafted", "waiting", "published", "written", "unchanged"]

_OUTCOMES: Final[dict[str, tuple[str, str]]] = {
    "refused": (
        "未导入：文件有错误，未写入任何内容",
        "Refused: the file has errors, nothing written",
    ),
    "drafted": (
        "已写入草稿 {draft_id}，尚未发布",
        "Written as draft {draft_id}, not yet published",
    ),
    "waiting": (
        "同一文件的草稿 {draft_id} 已在等待发布，未作任何改动",
        "Draft {draft_id} of the same file is waiting already: nothing was changed",
    ),
    "published": ("已发布为边界版本 {revision}", "Published as boundary revision {revision}"),
    "written": ("已写入", "Written"),
    "unchanged": ("与库中内容相同，未作任何改动", "The same as stored: nothing was changed"),
}
_COUNTS: Final[dict[str, tuple[str, str]]] = {
    "rows": ("总行数", "rows"),
    "new": ("新增", "new"),
    "changed": ("变更", "changed"),
    "unchanged": ("未变", "unchanged"),
    "known": ("已有（更新或相同）", "known, updated or the same"),
    "edges": ("路段", "edges"),
    "junctions": ("路口", "junctions"),
    "parts_walk": ("步行连通部分", "separate parts, walking"),
    "parts_ride": ("骑行连通部分", "separate parts, riding"),
    "rejected": ("拒收", "rejected"),
    "inside": ("落入区域", "in an area"),
    "checked": ("参与核对", "checked"),
}
HECTARE_M2: Final = 10_000.0
_SEVERITIES: Final = {"error": ("错误", "ERROR"), "warning": ("提示", "warning")}


@dataclass(slots=True)
class ImportReport:
    """What an import did and what it found.

    ``source`` holds what came in: file name, sha256, crs, declared crs. ``counts`` by the keys
    rows, new, changed, unchanged, rejected (and inside, checked for stations). ``rejected_rows``
    are the ``row`` numbers that were not taken. Findings are in the order of the file, those of
    the tiling largest first.
    """

    subject: str
    source: dict[str, Any]
    outcome: Outcome = "refused"
    level: str | None = None
    counts: dict[str, int] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    rejected_rows: list[int] = field(default_factory=list)
    draft_id: int | None = None
    revision: int | None = None
    crs_evidence: dict[str, Any] | None = None

    @property
    def accepted(self) -> bool:
        """True unless the file was refused as a whole."""
        return self.outcome != "refused"

    @property
    def errors(self) -> list[Finding]:
        """What kept rows out."""
        return [finding for finding in self.findings if finding.severity == "error"]

    @property
    def warnings(self) -> list[Finding]:
        """What is written all the same, and wants a look."""
        return [finding for finding in self.findings if finding.severity == "warning"]

    def by_kind(self) -> dict[str, list[Finding]]:
        """Return the findings by kind, in the order of :data:`KINDS`."""
        grouped = {kind: [one for one in self.findings if one.kind == kind] for kind in KINDS}
        return {kind: found for kind, found in grouped.items() if found}

    def headline(self, language: Language) -> str:
        """Return the sentence that says what became of the file."""
        words = _OUTCOMES[self.outcome][language == "en"]
        return words.format(draft_id=self.draft_id, revision=self.revision)

    def to_json(self, *, limit: int | None = None) -> dict[str, Any]:
        """Return everything but geometries; ``limit`` keeps so many findings of each kind."""
        grouped = self.by_kind()
        shown = [one for found in grouped.values() for one in found[:limit]]
        return {
            "subject": self.subject,
            "level": self.level,
            "outcome": self.outcome,
            "draft_id": self.draft_id,
            "revision": self.revision,
            "source": self.source,
            "counts": self.counts,
            "findings_by_kind": {kind: len(found) for kind, found in grouped.items()},
            "kinds": {kind: asdict(KINDS[kind]) for kind in grouped},
            "rejected_rows": self.rejected_rows,
            "crs_evidence": self.crs_evidence,
            "findings": [finding.as_json() for finding in shown],
        }

    def to_geojson(self) -> dict[str, Any]:
        """Return the findings that have a place as a FeatureCollection in WGS84."""
        features = []
        for finding in self.findings:
            shape = finding.geometry
            if shape is None and finding.lon is not None and finding.lat is not None:
                shape = shapely.Point(finding.lon, finding.lat)
            if shape is not None:
                geometry = json.loads(shapely.to_geojson(shape))
                properties = finding.as_json()
                features.append({"type": "Feature", "geometry": geometry, "properties": properties})
        return {"type": "FeatureCollection", "features": features}

    def to_text(self, language: Language, *, places: int = 10) -> str:
        """Return the report for reading: totals, then each kind with its first places."""
        english = language == "en"
        lines = [self.headline(language), "", *self._about(language), ""]
        for kind, found in self.by_kind().items():
            words = KINDS[kind]
            severity = _SEVERITIES[found[0].severity][english]
            title, advice = (
                (words.title_en, words.advice_en) if english else (words.title_zh, words.advice_zh)
            )
            colon = ": " if english else "："
            lines.append(f"[{severity}] {title}{colon}{len(found)}{_total(found, language)}")
            lines.extend(f"    {_line(finding, language)}" for finding in found[:places])
            if len(found) > places:
                more = len(found) - places
                lines.append(f"    ... {more} more" if english else f"    …… 另有 {more} 处")
            lines.extend((f"    -> {advice}", ""))
        if not self.findings:
            lines.append("Nothing wrong was found." if english else "没有发现问题。")
        return "\n".join(lines).rstrip() + "\n"

    def to_html(self, language: Language, *, places: int = 1000) -> str:
        """Return the report as one page without any outside resource."""
        text = html.escape(self.to_text(language, places=places))
        title = html.escape(self.headline(language))
        tag = "en" if language == "en" else "zh-CN"
        return (
            f'<!doctype html><html lang="{tag}"><meta charset="utf-8"><title>{title}</title>'
            '<body style="margin:2rem;max-width:80rem"><pre style="white-space:pre-wrap;'
            f'font:14px/1.6 system-ui,sans-serif">{text}</pre></body></html>\n'
        )

    def _about(self, language: Language) -> list[str]:
        english = language == "en"
        file, crs = self.source.get("file", "-"), self.source.get("crs", "-")
        declared = self.source.get("declared_crs")
        if declared not in (None, crs):
            crs += f" (declared: {declared})" if english else f"（文件声明 {declared}）"
        counts = ("  " if english else " ").join(
            f"{_COUNTS[key][english]} {value}" for key, value in self.counts.items()
        )
        return [
            f"file {file}, coordinates {crs}" if english else f"文件 {file}，坐标系 {crs}",
            counts,
            *_evidence_lines(self.crs_evidence, language),
        ]


_VERDICTS: Final[dict[str, tuple[str, str]]] = {
    "unknown": ("证据不足，无法判断", "not enough known places to tell"),
    "fits": ("与已知位置相符", "fits the known places"),
    "doubtful": ("可能另有更合适的坐标系", "another may fit better"),
    "loses": ("明显不符", "clearly loses"),
}


def _evidence_lines(evidence: dict[str, Any] | None, language: Language) -> list[str]:
    """Return what known places say about the coordinate system, with the rates of each."""
    if evidence is None:
        return []
    english = language == "en"
    verdict, declared = _VERDICTS[evidence["verdict"]][english], evidence["declared"]
    places = evidence["places"]
    head = (
        f"coordinate system {declared}: {verdict} ({places} known places)"
        if english
        else f"坐标系 {declared}：{verdict}（{places} 个已知位置）"
    )
    shown = []
    for score in evidence["scores"]:
        title = score["title_en" if english else "title_zh"]
        if score["outline_m"] is not None:
            shown.append(f"{title} {score['outline_m']:,.0f} m")
        elif score["rate"] is not None:
            shown.append(f"{title} {score['rate']:.1%}")
    return [head, "    " + "  ".join(shown)] if shown else [head]


def _total(found: list[Finding], language: Language) -> str:
    areas_m2 = [finding.facts["area_m2"] for finding in found if "area_m2" in finding.facts]
    if not areas_m2:
        return ""
    whole = sum(areas_m2)
    if not whole:
        return ""
    if whole < HECTARE_M2:
        return f" ({whole:,.2f} m2 in all)" if language == "en" else f"（合计 {whole:,.2f} 平方米）"
    hectares = f"{whole / HECTARE_M2:,.2f}"
    return f" ({hectares} ha in all)" if language == "en" else f"（合计 {hectares} 公顷）"


def _line(finding: Finding, language: Language) -> str:
    english = language == "en"
    parts = []
    if finding.row is not None:
        parts.append(f"row {finding.row}" if english else f"第 {finding.row} 行")
    if finding.code:
        parts.append(finding.code)
    parts.append(finding.reason_en if english else finding.reason_zh)
    if finding.lon is not None and finding.lat is not None:
        parts.append(f"@ {finding.lon:.6f}, {finding.lat:.6f}")
    return "  ".join(parts)
