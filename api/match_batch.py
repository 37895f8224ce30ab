"""``POST /v1/match/batch``: many answers at once, from memory where they can be, in order."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import msgspec
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from api.problems import BodyUnreadable, RequestInvalid, dumped, problem
from api.runtime import Runtime
from api.validation_words import errors_in_words
from gis.errors import GovernanceError, Language
from gis.governance.actors import Actor
from gis.services import matching
from gis.services.match_request import MatchRequest
from gis.services.pin_match import Answer, PinRequest
from gis.services.pin_text import encode
from gis.store.unit_of_work import UnitOfWork

MOST_ITEMS: Final = 10_000


class BatchIn(BaseModel):
    """Requests as ``POST /v1/match`` takes them."""

    model_config = ConfigDict(extra="forbid")

    items: list[Any] = Field(max_length=MOST_ITEMS)


class _Pins(msgspec.Struct, forbid_unknown_fields=True):
    items: list[PinRequest]


class _Items(msgspec.Struct, forbid_unknown_fields=True):
    items: list[msgspec.Raw]


_PINS: Final = msgspec.json.Decoder(_Pins)
_ITEMS: Final = msgspec.json.Decoder(_Items)
_PIN: Final = msgspec.json.Decoder(PinRequest)


@dataclass(frozen=True, slots=True)
class Batch:
    """One batch on its way: who asks, when, in which language, and how an item is read."""

    runtime: Runtime
    actor: Actor
    now: datetime
    language: Language
    path: str
    model: type[BaseModel]

    def answer(self, body: bytes) -> bytes:
        """Return the answers as JSON. Blocks; most of it without the interpreter lock.

        Raises
        ------
        RequestValidationError, BodyUnreadable
            The body holds no list of items. A bad item is no reason: it gets its own problem.
        """
        pins, raw = _read(body)
        matcher = self.runtime.pins.refreshed()
        if matcher is None:
            found: list[Answer] = [None] * len(pins)
        else:
            found = matcher.answers(pins, self.now, self.language)
        texts = [one for one in found if isinstance(one, bytes)]
        if len(texts) < len(found):
            if raw is None:
                raw = _ITEMS.decode(body).items
            with self._full_path() as full:
                texts = [
                    one if isinstance(one, bytes) else full(number, bytes(raw[number]))
                    for number, one in enumerate(found)
                ]
        if not texts:
            return b'{"results":[]}'
        texts[0] = b'{"results":[' + texts[0]  # megabytes: joined once, not copied again
        texts[-1] += b"]}"
        return b",".join(texts)

    @contextmanager
    def _full_path(self) -> Iterator[Any]:
        """Yield what answers one item with the database, all in one transaction."""
        with self.runtime.database.reading(self.actor) as work:

            def full(number: int, raw: bytes) -> bytes:
                try:
                    request = self._request(number, raw)
                    known = self.runtime.pins.whole(request, self.now, self.language)
                    return known or encode(self._answered(work, request))
                except GovernanceError as error:
                    content = problem(error, language=self.language, instance=self.path)
                    return dumped(content)

            yield full

    def _answered(self, work: UnitOfWork, request: MatchRequest) -> dict[str, Any]:
        return matching.answer_in(
            work,
            self.runtime.boundaries,
            request,
            now=self.now,
            threshold=self.runtime.settings.auto_threshold,
            language=self.language,
        )

    def _request(self, number: int, raw: bytes) -> MatchRequest:
        try:
            given: Any = self.model.model_validate(json.loads(raw))
        except ValidationError as error:
            found = [
                {**one, "loc": ("body", "items", number, *one["loc"])} for one in error.errors()
            ]
            words = errors_in_words(found, self.language)
            raise RequestInvalid(count=len(words), errors=words) from error
        request: MatchRequest = given.request()
        return request


def _read(body: bytes) -> tuple[Sequence[PinRequest | None], list[msgspec.Raw] | None]:
    """Return the items that are pins, None for others; and all of them as they came, if known."""
    if b"\\u0000" not in body:
        try:
            pins = _PINS.decode(body).items
            if len(pins) <= MOST_ITEMS:
                return pins, None
        except msgspec.MsgspecError:
            pass
    _check(body)
    raw = [msgspec.Raw(json.dumps(item).encode()) for item in json.loads(body)["items"]]
    return [None if b"\\u0000" in one else _as_pin(bytes(one)) for one in map(bytes, raw)], raw


def _as_pin(raw: bytes) -> PinRequest | None:
    try:
        return _PIN.decode(raw)
    except msgspec.MsgspecError:
        return None


def _check(body: bytes) -> None:
    """Refuse a body that is no batch at all, in the words of every other route."""
    try:
        BatchIn.model_validate(json.loads(body))
    except ValidationError as error:
        found = [{**one, "loc": ("body", *one["loc"])} for one in error.errors()]
        raise RequestValidationError(found) from error
    except (ValueError, RecursionError) as error:
        position = getattr(error, "pos", 0)
        raise BodyUnreadable(
            reason_zh=f"第 {position} 个字符处不是有效的 JSON",
            reason_en=f"it is not valid JSON at character {position}",
            position=position,
        ) from error
