"""Bodies that are JSON or a form with files: read here, checked by the same models."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar
from urllib.parse import parse_qsl

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError
from starlette.datastructures import FormData, UploadFile

Model = TypeVar("Model", bound=BaseModel)

MOST_FIELDS: Final = 1000
JSON_PART: Final = ("event", "body", "json", "data")
"""A part of one of these names holds the whole body as JSON."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A body as it came: its values, and its files as (name, content)."""

    values: Mapping[str, Any]
    files: list[tuple[str | None, bytes]] = field(default_factory=list)


def is_form(request: Request) -> bool:
    """Tell whether the body is a form."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    return kind in {"multipart/form-data", "application/x-www-form-urlencoded"}


async def form_of(request: Request) -> FormData:
    """Return the form of a request; call it as often as needed.

    A form without files is read here, as UTF-8: the framework takes bytes that a client did not
    escape (``curl -d 'description=冒烟'``) for Latin letters.
    """
    kind = request.headers.get("content-type", "")
    if not kind.lower().startswith("application/x-www-form-urlencoded"):
        return await request.form()
    text = (await request.body()).decode("utf-8", "replace")
    try:
        found = parse_qsl(text, keep_blank_values=True, max_num_fields=MOST_FIELDS)
    except ValueError as error:
        raise RequestValidationError([{"type": "dict_type", "loc": ("body",)}]) from error
    fields: list[tuple[str, str | UploadFile]] = [*found]
    return FormData(fields)


@asynccontextmanager
async def opened_form(request: Request) -> AsyncIterator[FormData]:
    """Give the form of a request; its files are closed afterwards."""
    form = await form_of(request)
    try:
        yield form
    finally:
        await form.close()


async def sent_by_form(form: FormData) -> Sent:
    """Return the values and files of a form.

    A part ``event`` (or ``body``) holds all values as JSON; otherwise each field is one value.
    Empty fields count as absent; a file field without a file, too.
    """
    values: dict[str, Any] = {}
    files: list[tuple[str | None, bytes]] = []
    whole: Any = None
    for name, part in form.multi_items():
        if not isinstance(part, UploadFile):
            if name in JSON_PART:
                whole = loaded(part, name)
            elif part:
                values[name] = part
            continue
        content = await part.read()
        await part.seek(0)  # whoever hashes the request reads it again
        if name in JSON_PART and (part.content_type or "").startswith("application/json"):
            whole = loaded(content.decode("utf-8", "replace"), name)
        elif content or part.filename:
            files.append((part.filename, content))
    return Sent(values if whole is None else whole, files)


def loaded(text: str, name: str) -> Any:  # noqa: ANN401 - any JSON
    """Return the JSON of a form's field; the refusal names the field."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        found = {"type": "json_type", "loc": ("body", name), "msg": "not JSON", "input": None}
        raise RequestValidationError([found]) from error


async def sent_either_way(request: Request) -> AsyncIterator[Sent]:
    """Give a body as it was sent, JSON or a form with photos (a FastAPI dependency)."""
    if not is_form(request):
        yield Sent(await json_of(request))
        return
    async with opened_form(request) as form:
        yield await sent_by_form(form)


async def json_of(request: Request) -> Any:  # noqa: ANN401 - any JSON
    """Return the JSON body of a request.

    Raises
    ------
    fastapi.exceptions.RequestValidationError
        It is none; with the position, as the framework itself tells it.
    """
    raw = await request.body()
    if not raw:
        raise RequestValidationError([{"type": "missing", "loc": ("body",), "input": None}])
    try:
        return json.loads(raw)
    except RecursionError as error:
        raise RequestValidationError([_no_json(0)]) from error
    except ValueError as error:
        raise RequestValidationError([_no_json(getattr(error, "pos", 0))]) from error


def _no_json(position: int) -> dict[str, Any]:
    return {"type": "json_invalid", "loc": ("body", position), "msg": "JSON", "input": None}


def checked(model: type[Model], values: Any) -> Model:  # noqa: ANN401 - whatever came in
    """Return the values as a model, or refuse the request with the path of each error."""
    try:
        return model.model_validate(values)
    except ValidationError as error:
        found = [
            {**item, "loc": ("body", *item["loc"])} for item in error.errors(include_url=False)
        ]
        raise RequestValidationError(found) from error


def two_forms(model: type[BaseModel], part: str = "event") -> dict[str, Any]:
    """Return what the interface's description says of a body that is JSON or a form with photos.

    ``part`` is the field of the form that holds the JSON, one of :data:`JSON_PART`.
    """
    schema = model.model_json_schema()
    schema = _inlined(schema, schema.pop("$defs", {}))
    files = {"type": "array", "items": {"type": "string", "format": "binary"}}
    form = {
        "type": "object",
        "required": [part],
        "properties": {part: {"type": "string", "description": "JSON"}, "photos": files},
    }
    return {
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {"schema": schema},
                "multipart/form-data": {"schema": form},
            },
        }
    }


def _inlined(schema: Any, parts: Mapping[str, Any]) -> Any:  # noqa: ANN401 - a JSON schema
    """Return a schema with its references replaced by what they name."""
    if isinstance(schema, list):
        return [_inlined(item, parts) for item in schema]
    if not isinstance(schema, dict):
        return schema
    name = str(schema.get("$ref", "")).rpartition("/")[2]
    if name in parts:
        return _inlined(parts[name], parts)
    return {key: _inlined(value, parts) for key, value in schema.items()}
