"""Events, their categories and deadlines."""

from __future__ import annotations

from gis.errors.families import Conflict, Forbidden, NotFound, Rejected, Unavailable


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
        "时限 {amount} {unit} 无效。请给出 work_hours（工作时）或 urgent_hours（紧急工作时）"
        "的正数，或 work_days（工作日）、urgent_days（紧急工作日）的正整数，不超过 100000。"
    )
    detail_en = (
        "The limit {amount} {unit} is not valid. Give a positive number of work_hours or "
        "urgent_hours, or a positive whole number of work_days or urgent_days, at most 100000."
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


class WorkOrderUnknown(NotFound):
    """No work order of that code, or not in the area of the one who asks."""

    code = "work-order-unknown"
    title_zh, title_en = "没有这个工单", "No such work order"
    detail_zh = "没有编号为 {code} 的工单，或它不在您的辖区内。"
    detail_en = "There is no work order {code}, or it lies outside your area."


class VersionStale(Conflict):
    """Somebody else changed the thing since the caller looked at it."""

    code = "version-stale"
    title_zh, title_en = "数据已被他人更新", "Changed by somebody else"
    detail_zh = "您看到的是第 {given} 版，现在已是第 {current} 版，未写入。请刷新后再操作。"
    detail_en = (
        "You saw version {given}, it is at version {current} now; nothing was written. "
        "Look again, then act."
    )


class ActionNotAllowed(Conflict):
    """The present state does not allow that action."""

    code = "action-not-allowed"
    title_zh, title_en = "当前状态不允许该操作", "Not possible in this state"
    detail_zh = "当前状态“{state_zh}”不允许“{title_zh}”。您现在可以：{allowed_zh}。"
    detail_en = "“{title_en}” is not possible while it {state_en}. You may now: {allowed_en}."


class ActionNotYours(Forbidden):
    """The state allows the action, but to others."""

    code = "action-not-yours"
    title_zh, title_en = "您不能执行该操作", "Not yours to do"
    detail_zh = "“{title_zh}”须由{who_zh}执行。"
    detail_en = "“{title_en}” is for {who_en}."


class ActorIsHandler(Conflict):
    """Whoever handled a case does not check it."""

    code = "actor-is-handler"
    title_zh, title_en = "处置人不能核查自己办理的案件", "The handler cannot check their own work"
    detail_zh = "您是本案的处置人，“{title_zh}”须由其他人执行。"
    detail_en = "You handled this case; “{title_en}” is for somebody else."


class FieldMissing(Rejected):
    """An action came without something that it needs."""

    code = "field-missing"
    title_zh, title_en = "缺少必填项", "Something is missing"
    detail_zh = "“{title_zh}”须填写 {field}。"
    detail_en = "“{title_en}” needs `{field}`."


class GroundUnknown(Rejected):
    """A return for a reason that is not in the list."""

    code = "ground-unknown"
    title_zh, title_en = "退单理由无效", "Unknown ground"
    detail_zh = "退单理由“{ground}”不在理由表中。可用：{known}。"
    detail_en = "“{ground}” is no ground for a return. Use one of: {known}."


class RulingFinal(Conflict):
    """A case that was ruled on is not sent back for the same reason again."""

    code = "ruling-final"
    title_zh, title_en = "已终审，不得再退", "Already ruled"
    detail_zh = "该处（该类）责任已由{by}裁定：{reason}。不得以“{ground_zh}”再次退单。"
    detail_en = (
        "Who answers here was ruled by {by}: {reason}. It cannot be sent back as “{ground_en}”."
    )


class ExtensionRefused(Conflict):
    """A limit that may not be extended, or not so."""

    code = "extension-refused"
    title_zh, title_en = "不能延期", "No extension"
    detail_zh = "不能延期：{reason_zh}。"
    detail_en = "No extension: {reason_en}."


class TargetInvalid(Rejected):
    """Nobody can be found for what an action names as its target."""

    code = "target-invalid"
    title_zh, title_en = "派遣对象无效", "Nobody to send it to"
    detail_zh = "无法派往 {target}：{reason_zh}"
    detail_en = "It cannot be sent to {target}: {reason_en}"


class ActionUnknown(Rejected):
    """An action that does not exist."""

    code = "action-unknown"
    title_zh, title_en = "没有这个操作", "Unknown action"
    detail_zh = "没有操作 {action}。可用：{known}。"
    detail_en = "There is no action {action}. Use one of: {known}."


class DuplicateInvalid(Rejected):
    """An event that cannot be the first report of another one."""

    code = "duplicate-invalid"
    title_zh, title_en = "重复件对象无效", "Not the first report of it"
    detail_zh = "不能标为 {of} 的重复件：{reason_zh}。"
    detail_en = "It cannot be a duplicate of {of}: {reason_en}."


class SuspensionInvalid(Rejected):
    """A suspension without a day in the future on which somebody looks again."""

    code = "suspension-invalid"
    title_zh, title_en = "挂账期限无效", "Invalid suspension"
    detail_zh = "挂账须给出将来的复核时间 until，而不是 {until}。"
    detail_en = "A suspension needs `until`, an instant in the future, not {until}."


class DeliberationUnknown(NotFound):
    """No matter or proposal of that id, or not for the one who asks."""

    code = "deliberation-unknown"
    title_zh, title_en = "没有这个议事事项", "No such item"
    detail_zh = "没有编号为 {id} 的议事事项，或它不在您的辖区内。"
    detail_en = "There is no item {id}, or it lies outside your area."


class PlaceMissing(Rejected):
    """Something that belongs to an area came without a place in one."""

    code = "place-missing"
    title_zh, title_en = "缺少位置", "No place in the city"
    detail_zh = "请给出辖区内的位置 location，或区域编码 area。"
    detail_en = "Give a `location` inside the city, or the code of an `area`."
