"""What an import can find wrong in a file: one row per kind, with what to do about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from shapely.geometry.base import BaseGeometry

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class FindingKind:
    """A kind of finding: its titles and what to do, in both languages."""

    title_zh: str
    title_en: str
    advice_zh: str
    advice_en: str


_CODE: Final = ("请按编码规则改正编码列。", "Correct the code column by the rules of codes.")
_RING: Final = (
    "请在制图软件中改正该处边界，或加 --mend 由系统修补并逐一报告面积变化。",
    "Correct the boundary there, or use --mend: it is mended and each change of area reported.",
)
_POSITION: Final = (
    "请核对坐标列和 --crs;GCJ-02、BD-09、高斯-克吕格坐标不可当作 WGS84。",
    "Check the coordinates and --crs: GCJ-02, BD-09 and Gauss-Krueger are not WGS84.",
)
_GEOMETRY: Final = ("请补上该行的几何图形。", "Give the row the geometry that it lacks.")
_TILING: Final = (
    "相邻区域应共用同一条边界线：窄的可由 gridward repair grids 起草修复，其余请在源数据中改正。",
    "Neighbours should share one line: narrow ones gridward repair grids mends, others the source.",
)

_VERTEX: Final = (
    "请在制图软件中改正该处顶点。",
    "Correct the vertices there in the source.",
)
_PIECES: Final = (
    "飞地、插花地可能属实；请核对并确认。",
    "It may be meant so: look at the place and confirm.",
)
_PARENT: Final = (
    "请核对上级编码和两级边界。",
    "Check the parent's code and the boundaries of both levels.",
)

_PROPOSED: Final = (
    "这是建议，发布草稿后才生效；请先核对。",
    "A proposal: it takes effect when the draft is published. Look at it first.",
)

KINDS: Final[dict[str, FindingKind]] = {
    "file-empty": FindingKind(
        "文件没有数据行",
        "the file has no rows",
        "请核对文件和图层。",
        "Check the file and its layer.",
    ),
    "crs-suspect": FindingKind(
        "坐标系可能指定错误",
        "probably another coordinate system",
        "请用报告中给出的坐标系重新导入，并比较落入区域的比例。",
        "Import again with the system named, and compare the share inside.",
    ),
    "code-missing": FindingKind("缺少编码", "code missing", *_CODE),
    "code-blank": FindingKind("编码含空白字符", "blanks in the code", *_CODE),
    "code-full-width": FindingKind("编码含全角数字", "full-width digits in the code", *_CODE),
    "code-not-digits": FindingKind("编码不全是数字", "code not all digits", *_CODE),
    "code-length": FindingKind("编码位数不对", "code of a wrong length", *_CODE),
    "code-level": FindingKind("编码不属于该层级", "code of another level", *_CODE),
    "code-parent": FindingKind("编码与上级不符", "code does not fit its parent", *_CODE),
    "code-duplicate": FindingKind(
        "编码重复",
        "code occurs twice",
        "一个编码只能有一行；同一区域的多个部分请先合并为多部件面。",
        "One row per code; merge the parts of one area into a multipolygon first.",
    ),
    "code-taken": FindingKind(
        "编码已属于别的区域",
        "code belongs to another area",
        "该编码已用于其他层级或编码体系，或已停用；编码不得重用，请换用新编码。",
        "The code is used at another level or in another code system, or retired; codes are never "
        "reused, choose a new one.",
    ),
    "address-missing": FindingKind(
        "没有可用的地址",
        "no usable address",
        "请补上道路和门牌号、小区或名称；完整地址列用 --text 指定。",
        "Give road and number, compound or name; --text names a column of full addresses.",
    ),
    "name-missing": FindingKind(
        "缺少名称", "name missing", "请填写名称列。", "Fill the name column."
    ),
    "kind-unknown": FindingKind(
        "类别不认识",
        "unknown kind",
        "请使用系统认识的类别键。",
        "Use one of the keys that the reason lists.",
    ),
    "kind-missing": FindingKind(
        "缺少类别",
        "kind missing",
        "请用 --kind 指定类别列，或用 --default-kind 给出缺省类别。",
        "Name the column with --kind, or give all rows one with --default-kind.",
    ),
    "number-invalid": FindingKind(
        "数值无效", "not a number", "请填写非负整数。", "Give a whole number that is not negative."
    ),
    "value-missing": FindingKind(
        "缺少必填值", "value missing", "请填写该列。", "Fill in the column of the row."
    ),
    "value-invalid": FindingKind(
        "值无效", "value invalid", "请按说明改正该列的值。", "Correct the value, as README says."
    ),
    "building-unknown": FindingKind(
        "楼栋不存在",
        "no such building",
        "请先导入楼栋，或改正楼栋编码。",
        "Import the buildings first, or correct the code.",
    ),
    "area-unknown": FindingKind(
        "区域不存在",
        "no such area",
        "请改正区域编码，或给该行图形。",
        "Correct the code of the area, or give the row a geometry.",
    ),
    "people-differ": FindingKind(
        "人口合计不符",
        "people do not add up",
        "请核对人口与年龄段。",
        "Check residents and age groups.",
    ),
    "parts-dropped": FindingKind(
        "多部分图形",
        "several parts",
        "楼栋应为单个面。",
        "A building should be one polygon.",
    ),
    "not-a-line": FindingKind("不是线", "not a line", *_GEOMETRY),
    "part-apart": FindingKind(
        "与主网不连通",
        "apart from the main network",
        "请核对该处道路是否缺失、断开或被错误标为不可通行。",
        "Look whether a road is missing there, broken, or marked as closed.",
    ),
    "far-off": FindingKind(
        "离路网过远",
        "far from every road",
        "按路网计算时这里无法判定；请补充道路。",
        "Not assessable along roads; add the roads that lead there.",
    ),
    "geometry-missing": FindingKind("缺少几何图形", "no geometry", *_GEOMETRY),
    "not-a-polygon": FindingKind("不是面", "not a polygon", *_GEOMETRY),
    "not-a-point": FindingKind("不是点", "not a point", *_GEOMETRY),
    "position-invalid": FindingKind("坐标不可信", "implausible position", *_POSITION),
    "self-intersection": FindingKind("边界自相交", "boundary crosses itself", *_RING),
    "ring-self-intersection": FindingKind("环自接触", "ring touches itself", *_RING),
    "hole-outside": FindingKind("内环在外", "hole outside its shell", *_RING),
    "nested-holes": FindingKind("内环嵌套", "nested holes", *_RING),
    "nested-shells": FindingKind("部分嵌套", "nested parts", *_RING),
    "interior-disconnected": FindingKind("内部被割断", "interior in pieces", *_RING),
    "duplicate-rings": FindingKind("环重复", "ring twice", *_RING),
    "too-few-points": FindingKind("顶点太少", "too few vertices", *_RING),
    "ring-open": FindingKind("环未闭合", "open ring", *_RING),
    "coordinate-not-finite": FindingKind("坐标不是数", "coordinate not a number", *_POSITION),
    "invalid": FindingKind("几何无效", "invalid geometry", *_RING),
    "mended": FindingKind(
        "已修补的几何",
        "mended geometry",
        "请核对面积变化；确认后在源数据中一并改正。",
        "Check the change of area, and correct the source too.",
    ),
    "gap": FindingKind("缝隙（无人管）", "gap (nobody's)", *_TILING),
    "overlap": FindingKind("重叠（两家管）", "overlap (two owners)", *_TILING),
    "sliver": FindingKind("区域过窄（不足 1 米）", "area under 1 m wide", *_TILING),
    "edge": FindingKind("边界顶点不对应", "edges that do not match", *_TILING),
    "spike": FindingKind("尖刺", "spike", *_VERTEX),
    "duplicate-vertex": FindingKind("重复顶点", "repeated vertices", *_VERTEX),
    "near-vertex": FindingKind("过近的顶点（1 厘米内）", "vertices within 1 cm", *_VERTEX),
    "repaired-gap": FindingKind("已填补的缝隙", "gap that the repair fills", *_PROPOSED),
    "repaired-overlap": FindingKind("已消除的重叠", "overlap that the repair settles", *_PROPOSED),
    "repaired-area": FindingKind("因修复而变动的区域", "area that the repair changes", *_PROPOSED),
    "redrawn-grid": FindingKind("重划的网格", "redrawn grid", *_PROPOSED),
    "island-linked": FindingKind(
        "以连线相接的飞地",
        "island tied to the rest",
        "两处不相邻，按一处计算；请核对是否合适。",
        "Two pieces of ground that do not touch count as neighbours: see whether that suits.",
    ),
    "exclave": FindingKind("飞地", "exclave", *_PIECES),
    "enclave": FindingKind("插花地（被包围）", "enclave", *_PIECES),
    "hole": FindingKind("区域内有空洞", "hole in an area", *_PIECES),
    "outside-parent": FindingKind("超出上级区域", "reaches out of its parent", *_PARENT),
    "parent-differs": FindingKind(
        "上级与位置不符", "mostly in another area than its parent", *_PARENT
    ),
    "dedicated-cross": FindingKind(
        "专属网格相互重叠",
        "dedicated grids that cross",
        "请划清两个专属网格的边界，或合并。",
        "Draw a line between the two, or merge them.",
    ),
    "boundary-exception": FindingKind(
        "边界例外（在用）",
        "boundary exception in force",
        "例外到期自动失效；不再需要时请提前结束，或改画边界。",
        "It expires by itself; end it when it is not needed, or redraw the line.",
    ),
    "boundary-exception-void": FindingKind(
        "边界例外指定的区域已不存在",
        "boundary exception for an area that is gone",
        "该例外不起作用；请结束它，并为新区域重新登记。",
        "It has no effect: end it, and add one for the area that followed.",
    ),
    "code-retired": FindingKind("编码已停用", "retired code", *_CODE),
    "code-sequence": FindingKind(
        "网格顺序码不连续",
        "grid numbers left out",
        "这些顺序码未曾停用，请核对是否漏报。",
        "These numbers were never retired: check whether the list leaves grids out.",
    ),
    "name-duplicate": FindingKind(
        "同一上级下重名",
        "one name twice in a parent",
        "请改名，使同一上级下的名称各不相同。",
        "Rename them, so that names differ within a parent.",
    ),
    "parent-unknown": FindingKind(
        "上级区域尚未入库",
        "parent not imported yet",
        "请先导入上级区域，或核对上级编码列。",
        "Import the level above first, or check the parent column.",
    ),
    "outside-areas": FindingKind(
        "不在任何区域内",
        "in no area",
        "请核对位置；最近的区域和距离见下。",
        "Check the position; the nearest area and its distance are given.",
    ),
    "area-differs": FindingKind(
        "所在区域与填报不符",
        "in another area than labelled",
        "请核对区域列或位置。",
        "Check the area column or the position.",
    ),
    "place-repeated": FindingKind(
        "多行同一坐标",
        "one position for many rows",
        "同一坐标重复多次常是地理编码失败的痕迹，请核对。",
        "A position repeated many times is the trace of a failed geocoding: check it.",
    ),
}
"""Kind key -> words. Sorted by how the report lists them."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong: what, in which row, and where.

    ``row`` counts as the file does (None: not of one row), ``lon lat`` are WGS84 (None where there
    is no place). ``facts`` are what JSON carries: area_m2, width_m, areas, distance_m and the like.
    """

    kind: str
    severity: Severity
    reason_zh: str
    reason_en: str
    row: int | None = None
    code: str | None = None
    lon: float | None = None
    lat: float | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    geometry: BaseGeometry | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the finding without its geometry."""
        return {
            "kind": self.kind,
            "severity": self.severity,
            "row": self.row,
            "code": self.code,
            "lon": self.lon,
            "lat": self.lat,
            "reason_zh": self.reason_zh,
            "reason_en": self.reason_en,
            "facts": dict(self.facts),
        }
