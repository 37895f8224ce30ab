"""Positions, areas, coordinate systems."""

from __future__ import annotations

from gis.errors.families import NotFound, Rejected, Unavailable


class AreaUnknown(NotFound):
    """No area of that code at that time."""

    code = "area-unknown"
    title_zh, title_en = "没有这个区域", "No such area"
    detail_zh = "该时点没有编码为 {code} 的区域。请核对编码，或去掉 at 查询今天的区域。"
    detail_en = (
        "There is no area {code} at that time. Check the code, or ask without `at` for today."
    )


class AliasUnknown(NotFound):
    """No other name of an area with that number."""

    code = "alias-unknown"
    title_zh, title_en = "没有这个别名", "No such other name"
    detail_zh = "没有编号为 {alias_id} 的区域别名。请用 GET /v1/places/aliases 查看。"
    detail_en = "There is no other name {alias_id}. GET /v1/places/aliases lists them."


class AliasInvalid(Rejected):
    """Another name that would not tell one area from another."""

    code = "alias-invalid"
    title_zh, title_en = "别名无效", "That name will not do"
    detail_zh = "“{alias}”不能作为 {name}（{area}）的别名：{reason_zh}"
    detail_en = "“{alias}” cannot be another name of {name} ({area}): {reason_en}"


class CrsUnknown(Rejected):
    """A coordinate system that nobody can convert."""

    code = "crs-unknown"
    title_zh, title_en = "不认识的坐标系", "Unknown coordinate system"
    detail_zh = (
        "不认识坐标系 {crs}。可用：WGS84、CGCS2000、GCJ-02、BD-09，或 EPSG:编号（如 EPSG:4548）。"
    )
    detail_en = (
        "The coordinate system {crs} is not known. Use WGS84, CGCS2000, GCJ-02, BD-09 or "
        "EPSG:<number> (for example EPSG:4548)."
    )


class PositionInvalid(Rejected):
    """Coordinates that cannot be a place."""

    code = "position-invalid"
    title_zh, title_en = "坐标无效", "Invalid position"
    detail_zh = "坐标 ({lon}, {lat}) 按 {crs} 解读无效：{hint_zh}"
    detail_en = "The position ({lon}, {lat}) is not valid in {crs}: {hint_en}"


class AccuracyInvalid(Rejected):
    """An accuracy that is not a radius."""

    code = "accuracy-invalid"
    title_zh, title_en = "定位精度无效", "Invalid accuracy"
    detail_zh = (
        "定位精度 {accuracy_m} 无效。应为不小于 0 的米数（68% 半径）；0 或不填表示按点位精确匹配。"
    )
    detail_en = (
        "The accuracy {accuracy_m} is not valid. Give the 68 % radius in metres, 0 or more; 0 or "
        "none matches the plain point."
    )


class NoPublishedBoundary(Unavailable):
    """Nothing can be matched before the first boundary revision is published."""

    code = "no-published-boundary"
    title_zh, title_en = "尚无已发布的边界", "No published boundary"
    detail_zh = (
        "尚未发布任何边界版本。请先运行 gridward demo load，或 gridward import areas … --publish。"
    )
    detail_en = (
        "No boundary revision is published yet. Run `gridward demo load`, or "
        "`gridward import areas ... --publish`, first."
    )


class EvidenceMissing(Rejected):
    """Nothing to match: neither a position nor an address."""

    code = "evidence-missing"
    title_zh, title_en = "缺少位置信息", "No location and no address"
    detail_zh = "location 和 address 至少要有一项。"
    detail_en = "Give at least one of `location` and `address`."
