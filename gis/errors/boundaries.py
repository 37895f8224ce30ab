"""Drafts, publications, retired codes, exceptions."""

from __future__ import annotations

from gis.errors.families import Conflict, NotFound, Rejected


class ValidFromTooEarly(Rejected):
    """A publication that would be in force before the one it follows."""

    code = "valid-from-too-early"
    title_zh, title_en = "生效时间过早", "Valid too early"
    detail_zh = "生效时间 {valid_from} 必须晚于现行边界版本的生效时间 {earliest}，未写入。"
    detail_en = (
        "The boundaries cannot be valid from {valid_from}: it must be later than {earliest}, from "
        "which the present revision is. Nothing was written."
    )


class ValidFromPast(Rejected):
    """A publication that would change answers which were already given."""

    code = "valid-from-past"
    title_zh, title_en = "生效时间已过", "Valid in the past"
    detail_zh = (
        "生效时间 {valid_from} 早于现在。已有边界在用，过去时点的查询结果不能改变，未写入。"
        "请不填生效时间（立即生效）或填写将来的时间。"
    )
    detail_en = (
        "{valid_from} lies in the past. Boundaries are in force, and answers about the past stay "
        "as they are; nothing was written. Leave the date out (now) or name a future one."
    )


class DraftUnknown(NotFound):
    """No open draft of that number."""

    code = "draft-unknown"
    title_zh, title_en = "没有这个草稿", "No such draft"
    detail_zh = "没有编号为 {draft_id} 的未发布草稿。"
    detail_en = "There is no unpublished draft {draft_id}."


class DraftOutdated(Conflict):
    """The published boundaries moved on where a draft draws."""

    code = "draft-outdated"
    title_zh, title_en = "草稿已过时", "The draft is out of date"
    detail_zh = (
        "草稿 {draft_id} 基于边界版本 {base}，现已发布到 {revision}，其间 {listed} 已变动，与草稿"
        "冲突，未写入。请作废该草稿，按现行边界重新绘制后再导入。"
    )
    detail_en = (
        "Draft {draft_id} was made on revision {base}; revision {revision} is published by now and "
        "changed {listed}, which the draft collides with. Nothing was written. Discard the draft "
        "and draw it again on the present boundaries."
    )


class DraftRefused(Rejected):
    """A file of boundaries with errors; the findings are in the facts."""

    code = "draft-refused"
    title_zh, title_en = "文件有错误", "The file has errors"
    detail_zh = "文件 {file} 有 {errors} 处错误，未写入任何内容。逐条见 facts.report.findings。"
    detail_en = (
        "The file {file} has {errors} errors; nothing was written. facts.report.findings lists "
        "them."
    )


class CodeRetired(Conflict):
    """A draft uses a code that is retired; codes are never used again."""

    code = "code-retired"
    title_zh, title_en = "编码已停用", "The code is retired"
    detail_zh = "编码 {listed} 已停用，不得再次使用，未写入。请换用新编码。"
    detail_en = (
        "The code {listed} is retired and is never used again; nothing was written. Choose a new "
        "one."
    )


class ParentRetired(Conflict):
    """Areas would stand below one that is retired."""

    code = "parent-retired"
    title_zh, title_en = "上级区域将停用", "The parent is retired"
    detail_zh = (
        "区域 {listed} 的上级已停用或将停用，未写入。请将其一并停用，或在草稿中改归别的上级。"
    )
    detail_en = (
        "{listed} would stand below an area that is retired; nothing was written. Retire them as "
        "well, or give them another parent in the draft."
    )


class RetirementInvalid(Rejected):
    """A code that cannot retire."""

    code = "retirement-invalid"
    title_zh, title_en = "不能停用", "Cannot be retired"
    detail_zh = "{listed} 不能停用：{reason_zh}。未写入。"
    detail_en = "{listed} cannot be retired: {reason_en}. Nothing was written."


class RedrawImpossible(Rejected):
    """Grids that cannot be redrawn as asked for."""

    code = "redraw-impossible"
    title_zh, title_en = "无法重划网格", "The grids cannot be redrawn so"
    detail_zh = "{area}：{reason_zh}。未写入。"
    detail_en = "{area}: {reason_en}. Nothing was written."


class ExceptionInvalid(Rejected):
    """A boundary exception that cannot be."""

    code = "exception-invalid"
    title_zh, title_en = "边界例外无效", "Invalid boundary exception"
    detail_zh = "{reason_zh}。未写入。"
    detail_en = "{reason_en}. Nothing was written."


class ExceptionUnknown(NotFound):
    """No live boundary exception of that number."""

    code = "exception-unknown"
    title_zh, title_en = "没有这条边界例外", "No such boundary exception"
    detail_zh = "没有编号为 {exception_id} 的有效边界例外。"
    detail_en = "There is no boundary exception {exception_id} in force."


class CityAlreadyThere(Conflict):
    """The demo city goes into an empty database only."""

    code = "city-already-there"
    title_zh, title_en = "数据库中已有城市", "There is a city already"
    detail_zh = (
        "数据库中已有区域边界（{title}），未写入任何内容。示范城市只能装入空库："
        "请另设 GRIDWARD_HOME，或先运行 gridward db reset。"
    )
    detail_en = (
        "The database already has boundaries ({title}); nothing was written. The demo city goes "
        "into an empty database: use another GRIDWARD_HOME, or run `gridward db reset` first."
    )
