"""Files in and out."""

from __future__ import annotations

from gis.errors.families import Rejected


class FileMissing(Rejected):
    """A file that is not there, or that may not be read."""

    code = "file-missing"
    title_zh, title_en = "文件不存在", "No such file"
    detail_zh = "找不到或无法打开文件 {path}。请核对路径和权限。"
    detail_en = "The file {path} is not there or cannot be opened. Check its path and permissions."


class FormatUnknown(Rejected):
    """A file ending that nobody here reads or writes."""

    code = "format-unknown"
    title_zh, title_en = "不支持的文件格式", "Unknown file format"
    detail_zh = "不支持文件 {path} 的格式。可用的扩展名：{known}。"
    detail_en = "The format of {path} is not known. Endings that are: {known}."


class FileUnreadable(Rejected):
    """A file whose content is not what its ending says."""

    code = "file-unreadable"
    title_zh, title_en = "文件无法读取", "The file cannot be read"
    detail_zh = "无法读取文件 {path}：{reason}"
    detail_en = "The file {path} cannot be read: {reason}"


class LayerUnclear(Rejected):
    """A file of several layers, and none or a wrong one named."""

    code = "layer-unclear"
    title_zh, title_en = "请指定图层", "Which layer?"
    detail_zh = "文件 {path} 中有图层：{layers}。请用 --layer 指定其中一个。"
    detail_en = "The file {path} has the layers: {layers}. Name one of them with --layer."


class ColumnMissing(Rejected):
    """A column that the file does not have."""

    code = "column-missing"
    title_zh, title_en = "没有这一列", "No such column"
    detail_zh = "文件 {path} 没有列 {column}。现有的列：{columns}。"
    detail_en = "The file {path} has no column {column}. It has: {columns}."


class GeometryMissing(Rejected):
    """A table without geometry, and without columns that could be one."""

    code = "geometry-missing"
    title_zh, title_en = "文件没有几何信息", "The file has no geometry"
    detail_zh = "文件 {path} 没有几何，也没有可识别的经纬度列或 WKT 列。现有的列：{columns}。"
    detail_en = (
        "The file {path} has no geometry and no column of longitude, latitude or WKT that is "
        "recognised. It has: {columns}."
    )


class CrsUndeclared(Rejected):
    """The file's own frame has no name here, and none was given."""

    code = "crs-undeclared"
    title_zh, title_en = "请指定坐标系", "Which coordinate system?"
    detail_zh = "文件 {path} 自带的坐标系（{declared}）没有 EPSG 编号。请用 --crs 指定坐标系。"
    detail_en = (
        "The coordinate system that {path} declares ({declared}) has no EPSG number. Name the "
        "system with --crs."
    )


class FileRowInvalid(Rejected):
    """A row of a table that cannot be taken; nothing of the file was."""

    code = "file-row-invalid"
    title_zh, title_en = "文件中有无效的行", "A row of the file is not valid"
    detail_zh = "第 {line} 行 {column} 列的值“{value}”无效：应为{expected_zh}。未写入任何内容。"
    detail_en = "Line {line}, column {column}: {value!r} is not {expected_en}. Nothing was written."
