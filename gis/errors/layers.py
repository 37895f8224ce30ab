"""Published layers: what can be wrong with a question to them."""

from __future__ import annotations

from gis.errors.families import Malformed, NotFound, Unavailable


class ParameterUnknown(Malformed):
    """A query parameter that the resource does not have."""

    code = "parameter-unknown"
    title_zh, title_en = "没有这个参数", "Unknown parameter"
    detail_zh = "参数 {parameter} 不存在。可用的参数：{known}。"
    detail_en = "There is no parameter {parameter} here. There are: {known}."


class ParameterInvalid(Malformed):
    """A query parameter whose value means nothing."""

    code = "parameter-invalid"
    title_zh, title_en = "参数无效", "Invalid parameter"
    detail_zh = "参数 {parameter} 无效：{reason_zh}。"
    detail_en = "The parameter {parameter} is not valid: {reason_en}."


class PropertyUnknown(Malformed):
    """A property that the layer does not have, or not for the one who asks."""

    code = "property-unknown"
    title_zh, title_en = "没有这个属性", "Unknown property"
    detail_zh = "图层 {layer} 没有属性 {name}。可用的属性：{known}。"
    detail_en = "The layer {layer} has no property {name}. It has: {known}."


class FilterInvalid(Malformed):
    """A filter that is no CQL2, or compares what cannot be compared."""

    code = "filter-invalid"
    title_zh, title_en = "过滤条件无效", "Invalid filter"
    detail_zh = "过滤条件无效：{reason_zh}。写法见 /ogc/conformance 所列的 CQL2。"
    detail_en = "The filter is not valid: {reason_en}. /ogc/conformance lists the CQL2 it may use."


class LayerUnknown(NotFound):
    """No layer of that key."""

    code = "layer-unknown"
    title_zh, title_en = "没有这个图层", "No such layer"
    detail_zh = "没有图层 {layer}。全部图层见 /ogc/collections。"
    detail_en = "There is no layer {layer}. /ogc/collections lists all of them."


class FeatureUnknown(NotFound):
    """No feature of that id in the layer."""

    code = "feature-unknown"
    title_zh, title_en = "没有这个要素", "No such feature"
    detail_zh = "图层 {layer} 中没有编号为 {id} 的要素。"
    detail_en = "The layer {layer} has no feature {id}."


class TileUnknown(NotFound):
    """A tile outside the matrix set or outside the layer's zooms."""

    code = "tile-unknown"
    title_zh, title_en = "没有这个瓦片", "No such tile"
    detail_zh = "没有瓦片 {tile}。可用的层级：{zooms}。"
    detail_en = "There is no tile {tile}. Zooms that there are: {zooms}."


class LayersBusy(Unavailable):
    """More questions at once than the layers' connections can take in time."""

    code = "layers-busy"
    title_zh, title_en = "图层服务繁忙", "Layers are busy"
    detail_zh = "图层服务繁忙，请求在 {waited_s} 秒内未得到处理。请在 {retry_after_s} 秒后重试。"
    detail_en = (
        "The layers are busy; the request was not reached within {waited_s} s. Try again in "
        "{retry_after_s} s."
    )


class LayerQueryTooLong(Unavailable):
    """A question that the database did not finish in its time."""

    code = "layer-query-too-long"
    title_zh, title_en = "查询超时", "The query takes too long"
    detail_zh = "查询超过 {limit_s} 秒仍未完成，已停止。请缩小范围、放大级别或简化过滤条件。"
    detail_en = (
        "The query was stopped after {limit_s} s. Ask for a smaller extent, zoom in, or simplify "
        "the filter."
    )
