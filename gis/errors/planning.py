"""Coverage, siting and maps."""

from __future__ import annotations

from gis.errors.families import NotFound, Rejected


class RadiusInvalid(Rejected):
    """A reach that is no distance, or farther than any station serves."""

    code = "radius-invalid"
    title_zh, title_en = "半径无效", "Invalid radius"
    detail_zh = "半径 {radius_m} 米无效：必须大于 0 且不超过 {largest_m} 米。"
    detail_en = "A radius of {radius_m} m is not valid: it must be above 0 and at most {largest_m}."


class ReachUnavailable(Rejected):
    """A way of measuring reach that this version does not have."""

    code = "reach-unavailable"
    title_zh, title_en = "暂不支持的到达方式", "Reach not available"
    detail_zh = "到达方式 {reach} 暂不可用，目前只能按直线距离计算：请用 reach=straight。"
    detail_en = (
        "The reach {reach} is not available yet; only straight-line distance is: "
        "use reach=straight."
    )


class SitingInvalid(Rejected):
    """A siting question with a value that has no meaning."""

    code = "siting-invalid"
    title_zh, title_en = "选址参数无效", "Invalid siting question"
    detail_zh = "选址参数 {what} 的值 {value} 无效。可用：{fit}。"
    detail_en = "The value {value} of {what} does not fit a siting question. What fits: {fit}."


class StationKindUnknown(Rejected):
    """A kind of station of which the city has none open."""

    code = "station-kind-unknown"
    title_zh, title_en = "没有这类站点", "No such kind of station"
    detail_zh = "没有正在使用的 {kinds} 类站点。现有类别：{known}。"
    detail_en = "No open station is of the kind {kinds}. Known kinds: {known}."


class LevelTooCoarse(Rejected):
    """Results asked by areas that are larger than the area asked about, or that do not exist."""

    code = "level-too-coarse"
    title_zh, title_en = "统计层级不适用", "Level does not fit"
    detail_zh = "区域 {area} 之内没有层级 {by} 可供统计。可用层级：{levels}。"
    detail_en = "The area {area} holds no area of the level {by}. Levels that fit: {levels}."


class MapUnknown(NotFound):
    """No map of that key."""

    code = "map-unknown"
    title_zh, title_en = "没有这张地图", "No such map"
    detail_zh = "没有名为 {key} 的地图。可用：{known}。"
    detail_en = "There is no map {key}. Maps: {known}."
