"""Photos, systems next door, and those who listen."""

from __future__ import annotations

from gis.errors.families import Conflict, NotFound, Rejected, Unavailable


class StreamFull(Unavailable):
    """As many listen to this process as may."""

    code = "stream-full"
    title_zh, title_en = "实时推送连接已满", "Too many listeners"
    detail_zh = (
        "实时推送连接已达上限 {limit}。请 {retry_after_s} 秒后重试，"
        "或由管理员调整 GRIDWARD_STREAM_LISTENERS。"
    )
    detail_en = (
        "{limit} listeners are connected, as many as may be. Try again in {retry_after_s} seconds, "
        "or have GRIDWARD_STREAM_LISTENERS raised."
    )


class TopicUnknown(Rejected):
    """A topic that nothing is ever sent under."""

    code = "topic-unknown"
    title_zh, title_en = "没有这个主题", "No such topic"
    detail_zh = "没有主题 {topic}。可用：{known}。"
    detail_en = "There is no topic {topic}. Use some of: {known}."


class PhotoUnreadable(Rejected):
    """A file that is no picture of a known kind, whatever its name says."""

    code = "photo-unreadable"
    title_zh, title_en = "照片无法识别", "Not a readable photo"
    detail_zh = "第 {number} 个文件不是完好的 JPEG、PNG 或 WebP 图片（{reason}），未写入任何内容。"
    detail_en = (
        "File {number} is no sound JPEG, PNG or WebP picture ({reason}); nothing was written."
    )


class PhotoHeic(Rejected):
    """A photo as newer iPhones take them."""

    code = "photo-heic"
    title_zh, title_en = "暂不支持 HEIC 照片", "HEIC is not supported"
    detail_zh = (
        "第 {number} 个文件是 HEIC 照片。请转换为 JPEG 后再上传"
        "（iPhone：设置→相机→格式→兼容性最佳），未写入任何内容。"
    )
    detail_en = (
        "File {number} is a HEIC photo. Convert it to JPEG and send it again (iPhone: Settings, "
        "Camera, Formats, Most Compatible); nothing was written."
    )


class PhotoTooLarge(Rejected):
    """More bytes or pixels than a photo may have."""

    code = "photo-too-large"
    title_zh, title_en = "照片过大", "Photo too large"
    detail_zh = "第 {number} 个文件超过上限（每张 {limit_mb} MB、{limit_mpixel} 百万像素）。"
    detail_en = (
        "File {number} is larger than a photo may be ({limit_mb} MB, {limit_mpixel} megapixels)."
    )


class PhotosTooMany(Rejected):
    """More photos than one request or one event may carry."""

    code = "photos-too-many"
    title_zh, title_en = "照片过多", "Too many photos"
    detail_zh = "共 {count} 张照片，最多 {limit} 张。"
    detail_en = "{count} photos are too many; {limit} may be."


class AttachmentUnknown(NotFound):
    """No attachment of that id, or not in the area of the one who asks."""

    code = "attachment-unknown"
    title_zh, title_en = "没有这个附件", "No such attachment"
    detail_zh = "没有编号为 {id} 的附件，或它不在您的辖区内。"
    detail_en = "There is no attachment {id}, or it lies outside your area."


class WebhookUnknown(NotFound):
    """No webhook or no delivery of that id."""

    code = "webhook-unknown"
    title_zh, title_en = "没有这个订阅", "No such webhook"
    detail_zh = "没有编号为 {id} 的订阅或投递记录。"
    detail_en = "There is no webhook or delivery {id}."


class WebhookTargetRefused(Rejected):
    """An address that Gridward does not send to."""

    code = "webhook-target-refused"
    title_zh, title_en = "不允许的推送地址", "Target not allowed"
    detail_zh = (
        "不能向 {host} 推送：{reason_zh}。请使用 http 或 https 地址；"
        "允许的主机由 GRIDWARD_WEBHOOK_HOSTS 设置。"
    )
    detail_en = (
        "Nothing is sent to {host}: {reason_en}. Use an http or https address; "
        "GRIDWARD_WEBHOOK_HOSTS names the hosts that are allowed."
    )


class WebhookDeleted(Conflict):
    """A webhook that was deleted stays so."""

    code = "webhook-deleted"
    title_zh, title_en = "订阅已删除", "Webhook deleted"
    detail_zh = "订阅 {id} 已删除。请重新创建。"
    detail_en = "The webhook {id} was deleted. Create a new one."


class ProfileUnknown(Rejected):
    """No mapping of that name, or a file that is none."""

    code = "profile-unknown"
    title_zh, title_en = "没有这个映射方案", "No such profile"
    detail_zh = "映射方案 {profile} 不可用：{reason}。内置方案：{known}。"
    detail_en = "The profile {profile} cannot be used: {reason}. Built in: {known}."


class OrderRowInvalid(Rejected):
    """A row of a hotline batch that cannot be taken in."""

    code = "order-row-invalid"
    title_zh, title_en = "工单行无效", "Invalid order"
    detail_zh = "字段 {column} 的值“{value}”无效：应为{expected_zh}。"
    detail_en = "The field {column} holds “{value}”; expected is {expected_en}."


class OrdersRefused(Rejected):
    """A batch that is taken whole or not at all, with bad rows in it."""

    code = "orders-refused"
    title_zh, title_en = "批次未受理", "Batch refused"
    detail_zh = "{total} 行中有 {bad} 行无效，未写入任何内容。逐行原因见 facts.rows。"
    detail_en = "{bad} of {total} rows are invalid; nothing was written. facts.rows says why."


class PeriodInvalid(Rejected):
    """A period that ends before it begins, or a month that is none."""

    code = "period-invalid"
    title_zh, title_en = "时段无效", "Invalid period"
    detail_zh = "时段 {period} 无效。月份写作 2026-10；起止时间须先后有序。"
    detail_en = "The period {period} is not valid. Write a month as 2026-10; from before to."


class Open311FormInvalid(Rejected):
    """A posted Open311 form, or the parameters of a query, that cannot be taken."""

    code = "open311-form-invalid"
    title_zh, title_en = "Open311 请求无效", "Invalid Open311 request"
    detail_zh = "字段 {field} 无效：{expected_zh}。"
    detail_en = "The field {field} is not valid: {expected_en}."
