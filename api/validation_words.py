"""What pydantic found wrong, said in the caller's language and without the caller's values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from gis.errors import Language

WORDS: Final[dict[str, tuple[str, str]]] = {
    "missing": ("缺少此项", "is missing"),
    "extra_forbidden": ("不认识此项", "is not known here"),
    "json_type": ("应为 JSON", "must be JSON"),
    "string_type": ("应为文本", "must be text"),
    "string_too_short": ("至少 {min_length} 个字符", "must have at least {min_length} characters"),
    "string_too_long": ("至多 {max_length} 个字符", "must have at most {max_length} characters"),
    "string_pattern_mismatch": ("格式应符合 {pattern}", "must match {pattern}"),
    "int_type": ("应为整数", "must be an integer"),
    "int_parsing": ("应为整数", "must be an integer"),
    "int_parsing_size": ("整数过大", "is too large an integer"),
    "int_from_float": ("应为整数", "must be an integer"),
    "float_type": ("应为数字", "must be a number"),
    "float_parsing": ("应为数字", "must be a number"),
    "finite_number": ("应为有限的数字", "must be a finite number"),
    "bool_type": ("应为 true 或 false", "must be true or false"),
    "bool_parsing": ("应为 true 或 false", "must be true or false"),
    "greater_than": ("应大于 {gt}", "must be greater than {gt}"),
    "greater_than_equal": ("应不小于 {ge}", "must be at least {ge}"),
    "less_than": ("应小于 {lt}", "must be less than {lt}"),
    "less_than_equal": ("应不大于 {le}", "must be at most {le}"),
    "multiple_of": ("应为 {multiple_of} 的倍数", "must be a multiple of {multiple_of}"),
    "literal_error": ("应为以下之一：{expected}", "must be one of {expected}"),
    "enum": ("应为以下之一：{expected}", "must be one of {expected}"),
    "list_type": ("应为数组", "must be a list"),
    "too_long": ("至多 {max_length} 项", "must have at most {max_length} items"),
    "too_short": ("至少 {min_length} 项", "must have at least {min_length} items"),
    "dict_type": ("应为对象", "must be an object"),
    "model_type": ("应为对象", "must be an object"),
    "model_attributes_type": ("应为对象", "must be an object"),
    "datetime_type": ("应为 RFC 3339 时间", "must be an RFC 3339 time"),
    "datetime_parsing": ("应为 RFC 3339 时间", "must be an RFC 3339 time"),
    "datetime_from_date_parsing": ("应为 RFC 3339 时间", "must be an RFC 3339 time"),
    "datetime_object_invalid": ("不是有效的时间", "is no valid time"),
    "timezone_aware": ("时间应带时区偏移", "must be a time with an offset"),
    "date_type": ("应为日期", "must be a date"),
    "date_parsing": ("应为日期", "must be a date"),
    "date_from_datetime_parsing": ("应为日期", "must be a date"),
    "date_from_datetime_inexact": ("应为日期，不带时刻", "must be a date without a time"),
    "uuid_type": ("应为 UUID", "must be a UUID"),
    "uuid_parsing": ("应为 UUID", "must be a UUID"),
    "union_tag_invalid": (
        "{discriminator} 应为以下之一：{expected_tags}",
        "{discriminator} must be one of {expected_tags}",
    ),
    "union_tag_not_found": ("缺少 {discriminator}", "{discriminator} is missing"),
    "value_error": ("{error}", "{error}"),
    "nul_character": ("含有空字符", "holds a NUL character"),
}
"""pydantic's error type -> the words, which may name what pydantic's context holds."""

OTHERWISE: Final = ("值无效（{type}）", "is not valid ({type})")

_KINDS: Final[tuple[tuple[type, str], ...]] = (
    (bool, "boolean"),
    (int, "integer"),
    (float, "number"),
    (str, "string"),
    (bytes, "bytes"),
    (list, "array"),
    (dict, "object"),
)


def errors_in_words(
    errors: Iterable[Mapping[str, Any]], language: Language
) -> list[dict[str, str]]:
    """Return a line per error: where (``in``, ``path``), ``code``, ``message``, ``value_kind``.

    The offending value itself is never shown, only its kind.
    """
    return [_line(error, 0 if language == "zh" else 1) for error in errors]


def _line(error: Mapping[str, Any], language: int) -> dict[str, str]:
    place, *path = [str(part) for part in error["loc"]] or [""]
    kind = str(error["type"])
    context = {"type": kind, **error.get("ctx", {})}
    template = WORDS.get(kind, OTHERWISE)[language]
    try:
        message = template.format_map(context)
    except KeyError:
        message = OTHERWISE[language].format_map(context)
    return {
        "in": place,
        "path": ".".join(path),
        "code": kind,
        "message": message,
        "value_kind": "none" if kind == "missing" else _kind(error.get("input")),
    }


def _kind(value: object) -> str:
    if value is None:
        return "null"
    return next((name for kind, name in _KINDS if isinstance(value, kind)), "object")
