"""Coverage, siting and maps."""

from __future__ import annotations

from gis.errors.families import Conflict, NotFound, Rejected, Unavailable


class RadiusInvalid(Rejected):
    """A reach that is no distance, or farther than any station serves."""

    code = "radius-invalid"
    title_zh, title_en = "半径无效", "Invalid radius"
    detail_zh = "半径 {radius_m} 米无效：必须大于 0 且不超过 {largest_m} 米。"
    detail_en = "A radius of {radius_m} m is not valid: it must be above 0 and at most {largest_m}."


class NetworkMissing(Unavailable):
    """Reach along roads in a city that has none."""

    code = "network-missing"
    title_zh, title_en = "没有路网", "No road network"
    detail_zh = (
        "尚未导入道路，无法按路网计算。请先运行 gridward import roads，或改用 reach=straight。"
    )
    detail_en = (
        "No roads were imported, so nothing can be reached along them. Run gridward import roads "
        "first, or ask with reach=straight."
    )


class RoadsThere(Conflict):
    """A second network where there is one."""

    code = "roads-there"
    title_zh, title_en = "已有路网", "There is a road network already"
    detail_zh = "城市已有路网，未写入。要以此文件整体替换，请加 --replace。"
    detail_en = (
        "The city has a road network; nothing was written. Use --replace to put this file in its "
        "place as a whole."
    )


class ScenarioUnknown(NotFound):
    """No scenario of that number that the caller may see."""

    code = "scenario-unknown"
    title_zh, title_en = "没有这个方案", "No such scenario"
    detail_zh = "没有编号为 {id} 的方案，或不在您的权限范围内。"
    detail_en = "There is no scenario {id}, or it lies outside your area."


class DemandUnknown(Rejected):
    """A way of placing people that there is not."""

    code = "demand-unknown"
    title_zh, title_en = "没有这种人口口径", "No such count of people"
    detail_zh = "没有名为 {name} 的人口口径。可用：{known}。"
    detail_en = "There is no count of people named {name}. Known: {known}."


class PlanningInvalid(Rejected):
    """A planning question with a value that has no meaning."""

    code = "planning-invalid"
    title_zh, title_en = "规划参数无效", "Invalid planning question"
    detail_zh = "参数 {what} 的值 {value} 无效。可用：{fit}。"
    detail_en = "The value {value} of {what} does not fit. What fits: {fit}."


class StationUnknown(NotFound):
    """A station that the city does not have open."""

    code = "station-unknown"
    title_zh, title_en = "没有这个站点", "No such station"
    detail_zh = "没有编码为 {code} 的在用站点（或不属于所选类别）。"
    detail_en = "No open station of the kinds asked for has the code {code}."


class SitingInvalid(Rejected):
    """A siting question with a value that has no meaning."""

    code = "siting-invalid"
    title_zh, title_en = "选址参数无效", "Invalid siting question"
    detail_zh = "选址参数 {what} 的值 {value} 无效。可用：{fit}。"
    detail_en = "The value {value} of {what} does not fit a siting question. What fits: {fit}."


class NoPlan(Rejected):
    """No choice of sites does what was asked for."""

    code = "no-plan"
    title_zh, title_en = "没有可行方案", "No plan fits"
    detail_zh = (
        "在所给候选点中选 {k} 个，无法满足 {objective} 及所设的预算、公平或可达要求"
        "（或在限时内未找到）。请增加 k、候选点、预算或时限，或降低要求。"
    )
    detail_en = (
        "No {k} of the candidates do what {objective} and its limits ask for, or none were found "
        "in time. Allow more sites, candidates, budget or seconds, or ask for less."
    )


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
