"""Events, their categories and deadlines."""

from __future__ import annotations

from gis.errors.families import NotFound, Rejected, Unavailable


class CategoryRowInvalid(Rejected):
    """A row of a category file that cannot be read; nothing of the file was taken."""

    code = "category-row-invalid"
    title_zh, title_en = "类别文件有误", "Invalid category file"
    detail_zh = (
        "类别文件第 {line} 行 {column} 列的值“{value}”无效：应为{expected_zh}。未写入任何内容。"
    )
    detail_en = (
        "Line {line} of the category file, column {column}: {value!r} is not {expected_en}. "
        "Nothing was written."
    )


class CategoryUnknown(NotFound):
    """No category of that key."""

    code = "category-unknown"
    title_zh, title_en = "没有这个类别", "No such category"
    detail_zh = "没有类别 {key}。可用类别见类别表。"
    detail_en = "There is no category {key}. The list of categories names those that exist."


class LimitInvalid(Rejected):
    """A deadline that cannot be counted."""

    code = "limit-invalid"
    title_zh, title_en = "时限无效", "Invalid limit"
    detail_zh = (
        "时限 {amount} {unit} 无效。请给出 work_hours(工作时)或 urgent_hours(紧急工作时)的正数,"
        "或 work_days(工作日)的正整数，不超过 100000。"
    )
    detail_en = (
        "The limit {amount} {unit} is not valid. Give a positive number of work_hours or "
        "urgent_hours, or a positive whole number of work_days, at most 100000."
    )


class CalendarMissing(Unavailable):
    """Nobody has told which days of that year are working days."""

    code = "calendar-missing"
    title_zh, title_en = "缺少该年节假日安排", "No calendar for that year"
    detail_zh = (
        "没有 {year} 年的国务院节假日安排，无法计算时限。"
        "请升级 chinesecalendar 或录入该年的放假通知。"
    )
    detail_en = (
        "The State Council's holidays of {year} are not known, so no deadline can be counted. "
        "Upgrade the package chinesecalendar, or supply that year's notice."
    )


class SourceUnknown(Rejected):
    """An event from a source that nobody declared."""

    code = "source-unknown"
    title_zh, title_en = "来源未登记", "Unknown source"
    detail_zh = "来源 {source} 未登记。可用：{known}。"
    detail_en = "The source {source} is not known. Use one of: {known}."


class EventCategoryInvalid(Rejected):
    """An event of a category that the city does not use."""

    code = "event-category-invalid"
    title_zh, title_en = "类别无效", "Invalid category"
    detail_zh = "没有类别 {category}，事件未受理。可用类别见 GET /v1/categories。"
    detail_en = (
        "There is no category {category}; the event was not taken in. GET /v1/categories lists "
        "the categories."
    )


class EventUnknown(NotFound):
    """No event of that id, or not in the area of the one who asks."""

    code = "event-unknown"
    title_zh, title_en = "没有这个事件", "No such event"
    detail_zh = "没有编号为 {id} 的事件，或它不在您的辖区内。"
    detail_en = "There is no event {id}, or it lies outside your area."


class InstantInvalid(Rejected):
    """A text that is no instant with an offset."""

    code = "instant-invalid"
    title_zh, title_en = "时间无效", "Invalid instant"
    detail_zh = "“{value}”不是带时区的时间。请写成 2026-11-23T10:00:00+08:00。"
    detail_en = "“{value}” is not an instant with an offset. Write 2026-11-23T10:00:00+08:00."
