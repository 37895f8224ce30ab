"""Everything that can be wrong with a request, in words: one small class each.

A raise site passes *facts*; the class holds the words, Chinese and English. Only ``api.problems``
knows HTTP: it maps the five families (:class:`NotFound` 404, :class:`Conflict` 409,
:class:`Rejected` 422, :class:`Unavailable` 503, :class:`Forbidden` 403, :class:`NotSignedIn` 401,
:class:`TooMany` 429) to a status and ``code`` to the problem's ``type``.
"""

from __future__ import annotations

from typing import Any, ClassVar, Literal

Language = Literal["zh", "en"]


class GovernanceError(Exception):
    """Base of every expected error.

    Subclasses set ``code`` (kebab-case, stable: clients match on it), a title and a ``detail``
    template for both languages. A template may name any fact: ``"找不到区域 {code}"``.

    >>> AreaUnknown(code="341102").detail("en")
    'There is no area 341102 at that time. Check the code, or ask without `at` for today.'
    """

    code: ClassVar[str]
    title_zh: ClassVar[str]
    title_en: ClassVar[str]
    detail_zh: ClassVar[str]
    detail_en: ClassVar[str]

    def __init__(self, **facts: Any) -> None:  # noqa: ANN401 - facts are whatever JSON can carry
        self.facts = facts
        super().__init__(self.detail("en"))

    def title(self, language: Language) -> str:
        """Return the short human title."""
        return self.title_zh if language == "zh" else self.title_en

    def detail(self, language: Language) -> str:
        """Return the sentence that says what is wrong and what to do."""
        template = self.detail_zh if language == "zh" else self.detail_en
        return template.format_map(self.facts)


class NotFound(GovernanceError):
    """The thing asked for does not exist."""


class Conflict(GovernanceError):
    """The request is right, the present state does not allow it."""


class Rejected(GovernanceError):
    """The input is wrong; nothing was written."""


class Unavailable(GovernanceError):
    """A part that is needed does not answer now; the same call may succeed later."""


class Forbidden(GovernanceError):
    """Signed in, but this is not theirs to do."""


class NotSignedIn(GovernanceError):
    """No valid sign-in came with the request."""


class TooMany(GovernanceError):
    """More requests than one caller may send."""


# --- areas and positions ------------------------------------------------------------------------


class AreaUnknown(NotFound):
    """No area of that code at that time."""

    code = "area-unknown"
    title_zh, title_en = "没有这个区域", "No such area"
    detail_zh = "该时点没有编码为 {code} 的区域。请核对编码，或去掉 at 查询今天的区域。"
    detail_en = (
        "There is no area {code} at that time. Check the code, or ask without `at` for today."
    )


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
        "定位精度 {accuracy_m} 无效。应为不小于 0 的米数(68% 半径);0 或不填表示按点位精确匹配。"
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
        "尚未发布任何边界版本。请先运行 gridward demo load,或 gridward import areas … --publish。"
    )
    detail_en = (
        "No boundary revision is published yet. Run `gridward demo load`, or "
        "`gridward import areas ... --publish`, first."
    )


# --- categories, deadlines ----------------------------------------------------------------------


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


class CityAlreadyThere(Conflict):
    """The demo city goes into an empty database only."""

    code = "city-already-there"
    title_zh, title_en = "数据库中已有城市", "There is a city already"
    detail_zh = (
        "数据库中已有区域边界({title}),未写入任何内容。示范城市只能装入空库:"
        "请另设 GRIDWARD_HOME,或先运行 gridward db reset。"
    )
    detail_en = (
        "The database already has boundaries ({title}); nothing was written. The demo city goes "
        "into an empty database: use another GRIDWARD_HOME, or run `gridward db reset` first."
    )


# --- database -----------------------------------------------------------------------------------


class DatabaseUnavailable(Unavailable):
    """The database does not answer, or answered that it is overloaded."""

    code = "database-unavailable"
    title_zh, title_en = "数据库暂不可用", "Database unavailable"
    detail_zh = "数据库暂时没有应答，未写入任何内容。请稍后重试。"
    detail_en = (
        "The database does not answer at the moment; nothing was written. Try again shortly."
    )


class ClusterProblem(Unavailable):
    """The private PostgreSQL cannot be started or used."""

    code = "cluster-problem"
    title_zh, title_en = "私有数据库无法启动", "The private database cannot start"
    detail_zh = "{reason_zh} {advice_zh}"
    detail_en = "{reason_en} {advice_en}"


class IndexFileInvalid(Unavailable):
    """A saved cell index is of another version, damaged or cut off."""

    code = "index-file-invalid"
    title_zh, title_en = "空间索引文件不可用", "The cell index file cannot be used"
    detail_zh = "空间索引文件 {path} 不可用：{reason_zh}。请删除后重新生成。"
    detail_en = "The cell index file {path} is unusable: {reason_en}. Delete it and build it anew."


# --- settings -----------------------------------------------------------------------------------


class SettingInvalid(Rejected):
    """An environment variable holds something that it cannot mean."""

    code = "setting-invalid"
    title_zh, title_en = "设置无效", "Invalid setting"
    detail_zh = "环境变量 {variable} 无效：{reason}。运行 gridward settings 可查看全部设置。"
    detail_en = (
        "The environment variable {variable} is not valid: {reason}. "
        "`gridward settings` lists all settings."
    )


# --- sign-in and requests -----------------------------------------------------------------------


class SignInRequired(NotSignedIn):
    """The route needs a sign-in, and none came."""

    code = "sign-in-required"
    title_zh, title_en = "需要登录", "Sign-in required"
    detail_zh = (
        "此操作需要登录。请在请求头中提供 Authorization: Bearer <令牌>,或打开 /sign-in 登录。"
    )
    detail_en = (
        "This needs a sign-in. Send `Authorization: Bearer <token>`, or open /sign-in in a browser."
    )


class CredentialInvalid(NotSignedIn):
    """A token or session that is unknown, expired or revoked; which of them is not told."""

    code = "credential-invalid"
    title_zh, title_en = "登录凭证无效", "Invalid credential"
    detail_zh = "令牌或会话无效、已过期或已被吊销。请重新登录，或用 gridward token 签发新令牌。"
    detail_en = (
        "The token or session is unknown, expired or revoked. Sign in again, or issue a new token "
        "with `gridward token`."
    )


class LinkInvalid(NotSignedIn):
    """A one-time sign-in link that is unknown, expired or was used before."""

    code = "link-invalid"
    title_zh, title_en = "登录链接无效", "Invalid sign-in link"
    detail_zh = "登录链接只能使用一次，此链接无效、已过期或已使用。请用令牌登录，或索取新的链接。"
    detail_en = (
        "A sign-in link works once; this one is unknown, expired or was used. Sign in with a "
        "token, or ask for a new link."
    )


class RoleNotAllowed(Forbidden):
    """Signed in with a role that may not do this."""

    code = "role-not-allowed"
    title_zh, title_en = "角色无权限", "Not allowed for this role"
    detail_zh = "当前角色 {role} 无权执行此操作。有权限的角色：{allowed}。"
    detail_en = "The role {role} may not do this. Roles that may: {allowed}."


class OutsideScope(Forbidden):
    """The thing lies outside the area that the sign-in is limited to."""

    code = "outside-scope"
    title_zh, title_en = "超出管辖范围", "Outside your area"
    detail_zh = "当前登录仅限区域 {scope}，不能操作 {code}。请使用相应区域的账号。"
    detail_en = "This sign-in acts only inside {scope}, not in {code}. Use a sign-in of that area."


class CrossSiteRequest(Forbidden):
    """A write with the console's cookie that did not come from the console."""

    code = "cross-site-request"
    title_zh, title_en = "跨站请求被拒绝", "Cross-site request refused"
    detail_zh = (
        "使用会话 Cookie 的写操作必须来自本站页面并带有 X-CSRF-Token 请求头。"
        "请刷新页面后重试；程序调用请改用令牌。"
    )
    detail_en = (
        "A write with the session cookie must come from a page of this site and carry the header "
        "X-CSRF-Token. Reload the page and try again; programs use a token."
    )


class TooManyAttempts(TooMany):
    """Failed sign-ins, too many in a short time."""

    code = "too-many-attempts"
    title_zh, title_en = "尝试次数过多", "Too many attempts"
    detail_zh = "登录失败次数过多。请 {retry_after_s} 秒后再试。"
    detail_en = "Too many failed sign-ins. Try again in {retry_after_s} seconds."


class RoleUnknown(Rejected):
    """A role that does not exist."""

    code = "role-unknown"
    title_zh, title_en = "没有这个角色", "No such role"
    detail_zh = "没有角色 {role}。可用：{roles}。"
    detail_en = "There is no role {role}. Roles: {roles}."


class IdempotencyKeyInvalid(Rejected):
    """An Idempotency-Key that is empty, too long or not plain ASCII."""

    code = "idempotency-key-invalid"
    title_zh, title_en = "Idempotency-Key 无效", "Invalid Idempotency-Key"
    detail_zh = "Idempotency-Key 应为 1 到 255 个可见 ASCII 字符，例如 UUID。"
    detail_en = "An Idempotency-Key is 1 to 255 visible ASCII characters, a UUID for example."


class IdempotencyKeyReused(Conflict):
    """The same key with another request."""

    code = "idempotency-key-reused"
    title_zh, title_en = "Idempotency-Key 已用于其他请求", "Idempotency-Key used before"
    detail_zh = "此 Idempotency-Key 已用于内容不同的请求，未写入。新的请求请使用新的值。"
    detail_en = (
        "This Idempotency-Key came with another request before; nothing was written. A new "
        "request needs a new key."
    )


# --- planning: coverage and maps ------------------------------------------------------------------


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


# --- web assets ---------------------------------------------------------------------------------


class AssetUnknown(NotFound):
    """A path below /assets/ that is not declared."""

    code = "asset-unknown"
    title_zh, title_en = "没有这个文件", "No such asset"
    detail_zh = "没有文件 {path}。"
    detail_en = "There is no asset {path}."


class AssetsMissing(Unavailable):
    """A declared script or style is not installed."""

    code = "assets-missing"
    title_zh, title_en = "网页资源未安装", "Web assets are not installed"
    detail_zh = "缺少网页资源 {file}。请运行 make setup。"
    detail_en = "The web asset {file} is missing. Run `make setup`."


# --- readiness ----------------------------------------------------------------------------------


class PostgisMissing(Unavailable):
    """The database has no PostGIS."""

    code = "postgis-missing"
    title_zh, title_en = "数据库缺少 PostGIS", "PostGIS is missing"
    detail_zh = "数据库未安装 PostGIS 扩展。请安装后运行 gridward db migrate。"
    detail_en = "The database has no PostGIS extension. Install it, then run `gridward db migrate`."


class SchemaBehind(Unavailable):
    """The database's schema is not the one that this code works with."""

    code = "schema-behind"
    title_zh, title_en = "数据库结构版本不符", "Schema is not current"
    detail_zh = "数据库结构版本为 {current}，程序需要 {head}。请运行 gridward db migrate。"
    detail_en = (
        "The database's schema is at {current}, this code needs {head}. Run `gridward db migrate`."
    )


class NotReady(Unavailable):
    """Some part that the service needs is not there yet."""

    code = "not-ready"
    title_zh, title_en = "服务尚未就绪", "Not ready"
    detail_zh = "以下部分尚未就绪：{parts}。原因见 facts.reasons。"
    detail_en = "These parts are not ready: {parts}. facts.reasons says why."


# --- events -------------------------------------------------------------------------------------


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


class OutOfScope(Forbidden):
    """The place lies outside the area that the sign-in is limited to."""

    code = "out-of-scope"
    title_zh, title_en = "超出辖区", "Outside your area"
    detail_zh = "您的权限限于区域 {area}，而该位置属于 {grid}。未写入任何内容。"
    detail_en = "Your sign-in is limited to the area {area}; this place lies in {grid}."


class EvidenceMissing(Rejected):
    """Nothing to match: neither a position nor an address."""

    code = "evidence-missing"
    title_zh, title_en = "缺少位置信息", "No location and no address"
    detail_zh = "location 和 address 至少要有一项。"
    detail_en = "Give at least one of `location` and `address`."


# --- files --------------------------------------------------------------------------------------


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
    detail_zh = "文件 {path} 自带的坐标系({declared})没有 EPSG 编号。请用 --crs 指定坐标系。"
    detail_en = (
        "The coordinate system that {path} declares ({declared}) has no EPSG number. Name the "
        "system with --crs."
    )


class ValidFromTooEarly(Rejected):
    """A publication that would be in force before the one it follows."""

    code = "valid-from-too-early"
    title_zh, title_en = "生效时间过早", "Valid too early"
    detail_zh = "生效时间 {valid_from} 必须晚于现行边界版本的生效时间 {earliest},未写入。"
    detail_en = (
        "The boundaries cannot be valid from {valid_from}: it must be later than {earliest}, from "
        "which the present revision is. Nothing was written."
    )


class DraftUnknown(NotFound):
    """No open draft of that number."""

    code = "draft-unknown"
    title_zh, title_en = "没有这个草稿", "No such draft"
    detail_zh = "没有编号为 {draft_id} 的未发布草稿。"
    detail_en = "There is no unpublished draft {draft_id}."


class InstantInvalid(Rejected):
    """A text that is no instant with an offset."""

    code = "instant-invalid"
    title_zh, title_en = "时间无效", "Invalid instant"
    detail_zh = "“{value}”不是带时区的时间。请写成 2026-11-23T10:00:00+08:00。"
    detail_en = "“{value}” is not an instant with an offset. Write 2026-11-23T10:00:00+08:00."


class ValidFromPast(Rejected):
    """A publication that would change answers which were already given."""

    code = "valid-from-past"
    title_zh, title_en = "生效时间已过", "Valid in the past"
    detail_zh = (
        "生效时间 {valid_from} 早于现在。已有边界在用,过去时点的查询结果不能改变,未写入。"
        "请不填生效时间(立即生效)或填写将来的时间。"
    )
    detail_en = (
        "{valid_from} lies in the past. Boundaries are in force, and answers about the past stay "
        "as they are; nothing was written. Leave the date out (now) or name a future one."
    )


class DraftOutdated(Conflict):
    """The published boundaries moved on where a draft draws."""

    code = "draft-outdated"
    title_zh, title_en = "草稿已过时", "The draft is out of date"
    detail_zh = (
        "草稿 {draft_id} 基于边界版本 {base},现已发布到 {revision},其间 {listed} 已变动,与草稿"
        "冲突,未写入。请作废该草稿,按现行边界重新绘制后再导入。"
    )
    detail_en = (
        "Draft {draft_id} was made on revision {base}; revision {revision} is published by now and "
        "changed {listed}, which the draft collides with. Nothing was written. Discard the draft "
        "and draw it again on the present boundaries."
    )


class CodeRetired(Conflict):
    """A draft uses a code that is retired; codes are never used again."""

    code = "code-retired"
    title_zh, title_en = "编码已停用", "The code is retired"
    detail_zh = "编码 {listed} 已停用,不得再次使用,未写入。请换用新编码。"
    detail_en = (
        "The code {listed} is retired and is never used again; nothing was written. Choose a new "
        "one."
    )


class ParentRetired(Conflict):
    """Areas would stand below one that is retired."""

    code = "parent-retired"
    title_zh, title_en = "上级区域将停用", "The parent is retired"
    detail_zh = "区域 {listed} 的上级已停用或将停用,未写入。请将其一并停用,或在草稿中改归别的上级。"
    detail_en = (
        "{listed} would stand below an area that is retired; nothing was written. Retire them as "
        "well, or give them another parent in the draft."
    )


class RetirementInvalid(Rejected):
    """A code that cannot retire."""

    code = "retirement-invalid"
    title_zh, title_en = "不能停用", "Cannot be retired"
    detail_zh = "{listed} 不能停用:{reason_zh}。未写入。"
    detail_en = "{listed} cannot be retired: {reason_en}. Nothing was written."


class DraftRefused(Rejected):
    """A file of boundaries with errors; the findings are in the facts."""

    code = "draft-refused"
    title_zh, title_en = "文件有错误", "The file has errors"
    detail_zh = "文件 {file} 有 {errors} 处错误,未写入任何内容。逐条见 facts.report.findings。"
    detail_en = (
        "The file {file} has {errors} errors; nothing was written. facts.report.findings lists "
        "them."
    )


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
