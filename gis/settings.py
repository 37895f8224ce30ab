"""What an operator can set: one field each, read from ``GRIDWARD_*`` environment variables.

Nothing is read at import: whoever needs settings calls :func:`load` once (the command line, a
test) and passes the object on. Every field carries its title in both languages, so that
``gridward settings`` can list them without a second table.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal, NamedTuple, Self

from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from gis.errors import SettingInvalid

PREFIX = "GRIDWARD_"

_PASSWORD_IN_AUTHORITY = re.compile(r"(?P<head>//[^/?#@:]*):[^/?#]*@")
_PASSWORD_IN_QUERY = re.compile(r"(?P<head>[?&](?:password|sslpassword)=)[^&#]*", re.IGNORECASE)
_POSTGRES_SCHEME = re.compile(r"^postgres(?:ql)?(?:\+psycopg)?://")


class Title(NamedTuple):
    """The human title of a setting, as metadata of its annotation."""

    zh: str
    en: str


class SettingRow(NamedTuple):
    """One line of ``gridward settings``; ``value`` never shows a password."""

    variable: str
    value: str
    default: str
    title_zh: str
    title_en: str


def redacted(url: str) -> str:
    """Return a database URL with its password replaced, fit for logs and listings.

    Everything between the first colon of the authority and its last ``@`` counts as password, so
    one that contains an unescaped ``@`` or ``:`` is hidden whole.

    >>> redacted("postgresql://map:s3cr@t@db/city?sslpassword=x&sslmode=require")
    'postgresql://map:***@db/city?sslpassword=***&sslmode=require'
    >>> redacted("postgresql://db/city")
    'postgresql://db/city'
    """
    hidden = _PASSWORD_IN_AUTHORITY.sub(r"\g<head>:***@", url)
    return _PASSWORD_IN_QUERY.sub(r"\g<head>***", hidden)


class Settings(BaseSettings):
    """The settings of one process; immutable.

    ``Settings()`` raises pydantic's own error; :func:`load` turns it into
    :class:`gis.errors.SettingInvalid`. Error texts never quote the input (it may hold a password).
    """

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_ignore_empty=True,
        frozen=True,
        hide_input_in_errors=True,
        extra="forbid",
    )

    database_url: Annotated[
        str | None,
        Title(
            "PostgreSQL（含 PostGIS）的连接地址；不设则使用私有数据库",
            "URL of a PostgreSQL with PostGIS; unset: the private cluster",
        ),
    ] = None
    database_owner_url: Annotated[
        str | None,
        Title(
            "可执行数据库迁移的登录地址；不设则与上一项相同",
            "URL of a login that may run migrations; unset: the same as database_url",
        ),
    ] = None
    home: Annotated[
        Path,
        Title("私有数据库和缓存的目录", "folder of the private cluster and of caches"),
    ] = Path(".gridward")
    host: Annotated[str, Title("监听地址", "address to listen on")] = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535), Title("监听端口", "port to listen on")] = 8000
    workers: Annotated[
        int, Field(ge=1, le=256), Title("服务进程数", "number of server processes")
    ] = 1
    job_workers: Annotated[
        int,
        Field(ge=0, le=64),
        Title(
            "随服务启动的后台任务进程数（0：另行运行 gridward work）",
            "job workers started with the server (0: run `gridward work` yourself)",
        ),
    ] = 1
    pool_size: Annotated[
        int,
        Field(ge=1, le=500),
        Title("每个进程的数据库连接数", "database connections of each process"),
    ] = 8
    pool_timeout_s: Annotated[
        float,
        Field(gt=0),
        Title("等待空闲连接的秒数", "seconds to wait for a free connection"),
    ] = 5.0
    statement_timeout_s: Annotated[
        float,
        Field(gt=0),
        Title("单条 SQL 的最长秒数", "seconds that one SQL statement may take"),
    ] = 30.0
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"], Title("日志级别", "log level")
    ] = "info"
    log_format: Annotated[Literal["json", "text"], Title("日志格式", "log format")] = "text"
    public_read: Annotated[
        bool,
        Title(
            "公开图层、地图和区域查询是否免登录",
            "public layers, maps and area look-ups without sign-in",
        ),
    ] = True
    session_hours: Annotated[
        float, Field(gt=0, le=24 * 31), Title("登录有效小时数", "hours that a sign-in lasts")
    ] = 12.0
    cookie_secure: Annotated[
        bool,
        Title(
            "仅通过 HTTPS 发送会话 Cookie(在 TLS 之后请打开)",
            "send the session cookie over HTTPS only (set it behind TLS)",
        ),
    ] = False
    basemap_url: Annotated[
        str,
        Title(
            "底图 XYZ 模板（{z}/{x}/{y}）；空为无底图",
            "XYZ template of a base map ({z}/{x}/{y}); empty: none",
        ),
    ] = ""
    basemap_attribution: Annotated[
        str, Title("底图署名（含审图号）", "attribution of the base map")
    ] = ""
    language: Annotated[Literal["zh-CN", "en"], Title("默认语言", "default language")] = "zh-CN"
    max_upload_mb: Annotated[
        int, Field(ge=1, le=4096), Title("上传文件上限（MB）", "largest upload in MB")
    ] = 64
    tile_cache_mb: Annotated[
        int,
        Field(ge=0, le=1_000_000),
        Title(
            "瓦片缓存在磁盘上的上限（MB）；0：不写磁盘", "tiles kept on disk in MB at most; 0: none"
        ),
    ] = 1024
    stream_listeners: Annotated[
        int,
        Field(ge=0, le=100_000),
        Title("每个进程的实时推送连接上限", "listeners to the stream of each process at most"),
    ] = 500
    webhook_hosts: Annotated[
        str,
        Title(
            "允许推送的主机、后缀（.例）或网段，逗号分隔；空为管理员登记的任何主机（不含本机）",
            "hosts, .suffixes or networks that webhooks may go to, comma-separated; "
            "empty: any that an administrator registers, except this machine",
        ),
    ] = ""
    auto_threshold: Annotated[
        float,
        Field(gt=0.5, le=1.0),
        Title(
            "自动派单所需的最低概率（尚无校准数据时）",
            "probability from which an event routes itself, before answers tell a better one",
        ),
    ] = 0.935
    auto_precision: Annotated[
        float,
        Field(ge=0.5, lt=1.0),
        Title(
            "自动派单应达到的准确率（有校准数据后据此定门槛）",
            "wanted precision of what routes itself; counted answers turn it into a threshold",
        ),
    ] = 0.995

    @field_validator("database_url", "database_owner_url")
    @classmethod
    def _postgres_by_psycopg(cls, url: str | None) -> str | None:
        """Accept ``postgres://`` and ``postgresql://``; name the one driver that is installed."""
        if url is None:
            return None
        if not _POSTGRES_SCHEME.match(url):
            raise ValueError("must begin with postgresql://")
        return _POSTGRES_SCHEME.sub("postgresql+psycopg://", url)

    @field_validator("home")
    @classmethod
    def _absolute(cls, home: Path) -> Path:
        """Pin a relative folder to the working directory of now: a later chdir moves nothing."""
        return home.expanduser().resolve()

    @field_validator("basemap_url")
    @classmethod
    def _xyz_template(cls, template: str) -> str:
        missing = [part for part in ("{z}", "{x}", "{y}") if template and part not in template]
        if missing:
            raise ValueError("must contain {z}, {x} and {y}")
        return template

    @model_validator(mode="after")
    def _owner_defaults_to_database(self) -> Self:
        if self.database_owner_url is None and self.database_url is not None:
            # the model is frozen: this is its own construction, not a later change
            object.__setattr__(self, "database_owner_url", self.database_url)
        if self.database_url is None and self.database_owner_url is not None:
            raise ValueError("GRIDWARD_DATABASE_OWNER_URL needs GRIDWARD_DATABASE_URL")
        return self

    @property
    def max_upload_bytes(self) -> int:
        """Return the largest request body in bytes (1 MB = 1,048,576 bytes)."""
        return self.max_upload_mb * 1024 * 1024

    def rows(self) -> list[SettingRow]:
        """Return every setting as a line for people, in the order of declaration."""
        return [
            SettingRow(
                variable=PREFIX + name.upper(),
                value=_shown(getattr(self, name)),
                default=_shown(field.default),
                title_zh=title.zh,
                title_en=title.en,
            )
            for name, field in type(self).model_fields.items()
            for title in field.metadata
            if isinstance(title, Title)
        ]

    def __repr_args__(self) -> list[tuple[str | None, object]]:
        return [
            (name, redacted(value) if name and name.endswith("_url") and value else value)
            for name, value in super().__repr_args__()
        ]


def load() -> Settings:
    """Read the settings of this process from its environment.

    Raises
    ------
    gis.errors.SettingInvalid
        A variable holds something that it cannot mean; the first one is named.
    """
    try:
        return Settings()
    except ValidationError as problem:
        first = problem.errors(include_url=False, include_input=False, include_context=False)[0]
        field = ".".join(str(part) for part in first["loc"]) or "database_owner_url"
        raise SettingInvalid(variable=PREFIX + field.upper(), reason=first["msg"]) from None


def _shown(value: object) -> str:
    if value is None:
        return ""
    return redacted(value) if isinstance(value, str) else str(value)
