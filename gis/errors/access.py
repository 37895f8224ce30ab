"""Sign-in, roles, scope, idempotency."""

from __future__ import annotations

from gis.errors.families import Conflict, Forbidden, NotSignedIn, Rejected, TooMany


class SignInRequired(NotSignedIn):
    """The route needs a sign-in, and none came."""

    code = "sign-in-required"
    title_zh, title_en = "需要登录", "Sign-in required"
    detail_zh = (
        "此操作需要登录。请在请求头中提供 Authorization: Bearer <令牌>，或打开 /sign-in 登录。"
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
    detail_zh = "当前角色{role_zh}无权执行此操作。有权限的角色：{allowed_zh}。"
    detail_en = "The role {role_en} may not do this. Roles that may: {allowed_en}."


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


class PersonUnknown(Rejected):
    """A token for a person who is not registered."""

    code = "person-unknown"
    title_zh, title_en = "没有这个人员", "No such person"
    detail_zh = "没有代码或编号为 {person} 的人员。请先用 gridward import duty 导入值守人员。"
    detail_en = (
        "Nobody has the code or number {person}. Import the team with `gridward import duty`."
    )
