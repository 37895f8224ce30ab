"""A request that comes in by Open311: its form becomes an event."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gis.errors import Open311FormInvalid
from gis.governance import service_attributes
from gis.services.intake import Report
from gis.services.match_request import Location, MatchRequest
from gis.services.photos import Photo, told_by_photos
from gis.store import open311
from gis.store.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """A posted form, its empty fields left out."""

    fields: Mapping[str, str]
    attributes: Mapping[str, Sequence[str]] = field(default_factory=dict)
    photos: Sequence[Photo] = ()


def report_of(form: Form) -> Report:
    """Return the event of a form.

    Raises
    ------
    gis.errors.Open311FormInvalid
        A field that is needed is missing, or holds what it cannot.
    """
    said = form.fields
    service = said.get("service_code")
    if service is None:
        raise Open311FormInvalid(
            field="service_code", expected_zh="必填", expected_en="it is required"
        )
    pin = _pin(said)
    photo, reasons = told_by_photos(form.photos, beside_pin=pin is not None)
    address = said.get("address_string")
    if pin is None and photo is None and address is None and "address_id" not in said:
        raise Open311FormInvalid(
            field="lat, long, address_string",
            expected_zh="须给出 lat 和 long，或 address_string",
            expected_en="give lat and long, or address_string",
        )
    attributes = _answers(service, form.attributes)
    extras = {
        "attributes": attributes,
        "media_url": _web_address(said.get("media_url")),
        **{key: said.get(key) for key in ("address_id", "account_id", "device_id")},
        "reporter_email": said.get("email"),
    }

    def also(work: UnitOfWork, event_id: uuid.UUID) -> None:
        open311.add(work, event_id, extras)

    return Report(
        request=MatchRequest(
            location=pin,
            photo=photo,
            address=address or said.get("address_id"),
            category=service,
            at=None,
            source="open311",
        ),
        title=None,
        description=said.get("description"),
        reporter=_reporter(said),
        photos=form.photos,
        reasons=reasons,
        also=also,
    )


def _reporter(said: Mapping[str, str]) -> dict[str, str] | None:
    name = f"{said.get('last_name', '')}{said.get('first_name', '')}"
    if name.isascii():
        name = f"{said.get('first_name', '')} {said.get('last_name', '')}".strip()
    found = {"name": name or None, "phone": said.get("phone"), "email": said.get("email")}
    kept = {key: value for key, value in found.items() if value}
    return kept or None


def _pin(said: Mapping[str, str]) -> Location | None:
    if "lat" not in said and "long" not in said:
        return None
    lat, lon = _number(said, "lat"), _number(said, "long")
    accuracy = _number(said, "accuracy_m") if "accuracy_m" in said else None
    return Location(lon, lat, said.get("crs", "WGS84"), accuracy)


def _number(said: Mapping[str, str], name: str) -> float:
    try:
        number = float(said[name])
    except (KeyError, ValueError):
        number = float("nan")
    if not -1e9 < number < 1e9:
        raise Open311FormInvalid(field=name, expected_zh="应为数字", expected_en="it is a number")
    return number


def _answers(service: str, given: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    known = {attribute.code: attribute for attribute in service_attributes.of_service(service)}
    for code in given:
        if code not in known:
            raise Open311FormInvalid(
                field=f"attribute[{code}]",
                expected_zh="该服务没有这个属性",
                expected_en="the service has no such attribute",
            )
    found: dict[str, Any] = {}
    for code, attribute in known.items():
        try:
            answer = attribute.answer(given.get(code, ()))
        except ValueError as error:
            raise Open311FormInvalid(
                field=f"attribute[{code}]",
                expected_zh=f"应为 {error}",
                expected_en=f"expected is {error}",
            ) from error
        if answer is None and attribute.required:
            raise Open311FormInvalid(
                field=f"attribute[{code}]", expected_zh="必填", expected_en="it is required"
            )
        if answer is not None:
            found[code] = answer
    return found


def _web_address(text: str | None) -> str | None:
    if text is None:
        return None
    if len(text) > 500 or not text.startswith(("http://", "https://")) or not text.isprintable():
        raise Open311FormInvalid(
            field="media_url",
            expected_zh="应为 http 或 https 网址",
            expected_en="it is an http or https address",
        )
    return text
