"""Photos 照片: what a file really is, what its EXIF says about place and time, what may be shown.

The bytes as they came in are kept as evidence and never shown. What is shown is drawn anew from
the pixels: upright, at most :data:`SHOWN_PX` on the longer side, without any metadata, so neither
the place nor the camera of the one who reported travels with it.
"""

from __future__ import annotations

import hashlib
import io
import math
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from gis.errors import PhotoHeic, PhotosTooMany, PhotoTooLarge, PhotoUnreadable
from gis.governance.reasons import Reason
from gis.services.match_request import Location

SHANGHAI: Final = ZoneInfo("Asia/Shanghai")
FORMATS: Final[dict[str, str]] = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp"}
"""Pillow's name of a format -> media type: what is taken in."""

PHOTOS_AT_ONCE: Final = 9
PHOTO_MB: Final = 15
MEGAPIXELS: Final = 64
SHOWN_PX: Final = 2048
THUMBNAIL_PX: Final = 320
SHOWN_TYPE: Final = "image/jpeg"
EXIF_ACCURACY_M: Final = 30.0
"""68 % radius of a photo's own position that does not tell its error: a phone in a street."""

_HEIC: Final = {b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1", b"avif"}
_SUSPECT_ACCURACY_M: Final = 100_000.0


@dataclass(frozen=True, slots=True)
class PhotoPlace:
    """Where a photo says that it was taken: WGS84 degrees, 68 % radius in metres."""

    lon: float
    lat: float
    accuracy_m: float
    taken_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Photo:
    """A photo that was looked into: the bytes as they came, what may be shown, what it tells."""

    content: bytes
    sha256: bytes
    media_type: str
    file_name: str | None
    shown: bytes
    thumbnail: bytes
    width: int
    height: int
    place: PhotoPlace | None
    taken_at: datetime | None
    facts: Mapping[str, Any]


def read_photos(files: Sequence[tuple[str | None, bytes]]) -> list[Photo]:
    """Look into uploaded files, (name, content) each; the same content twice counts once.

    Raises
    ------
    gis.errors.PhotosTooMany, gis.errors.PhotoUnreadable, gis.errors.PhotoHeic
    gis.errors.PhotoTooLarge
        More than :data:`PHOTO_MB` or :data:`MEGAPIXELS`; told from the header, before any pixel
        is unpacked.
    """
    if len(files) > PHOTOS_AT_ONCE:
        raise PhotosTooMany(count=len(files), limit=PHOTOS_AT_ONCE)
    found: dict[bytes, Photo] = {}
    for number, (name, content) in enumerate(files, start=1):
        photo = read_photo(content, name=name, number=number)
        found.setdefault(photo.sha256, photo)
    return list(found.values())


def best_place(photos: Sequence[Photo]) -> PhotoPlace | None:
    """Return the surest position that photos tell (ties: the first), None where none does."""
    places = [photo.place for photo in photos if photo.place is not None]
    return min(places, key=lambda place: place.accuracy_m, default=None)


def told_by_photos(
    photos: Sequence[Photo], *, beside_pin: bool
) -> tuple[Location | None, tuple[Reason, ...]]:
    """Return the surest position in photos, None where none tells, and what is to be said of it.

    Beside a pin it is evidence that matching weighs and speaks of itself: what a person set wins.
    """
    place = best_place(photos)
    if place is None:
        return None, ()
    pin = Location(place.lon, place.lat, "WGS84", place.accuracy_m, fixed_at=place.taken_at)
    if beside_pin:
        return pin, ()
    why = Reason(
        "position-from-photo",
        f"没有标注位置，采用照片自带的定位（WGS84，误差约 {place.accuracy_m:.0f} 米）。",
        "No pin was set; the position in the photo was taken (WGS84, good to about "
        f"{place.accuracy_m:.0f} m).",
        {"accuracy_m": place.accuracy_m},
    )
    return pin, (why,)


def read_photo(content: bytes, *, name: str | None = None, number: int = 1) -> Photo:
    """Look into one file; see :func:`read_photos`."""
    if len(content) > PHOTO_MB * 1024 * 1024:
        raise PhotoTooLarge(number=number, limit_mb=PHOTO_MB, limit_mpixel=MEGAPIXELS)
    if content[4:8] == b"ftyp" and content[8:12] in _HEIC:
        raise PhotoHeic(number=number)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of Pillow about size and tags: both are judged here
            return _looked_into(content, name, number)
    except UnidentifiedImageError as error:
        raise PhotoUnreadable(number=number, reason="unknown format") from error
    except (OSError, SyntaxError, ValueError, EOFError, Image.DecompressionBombError) as error:
        raise PhotoUnreadable(number=number, reason=type(error).__name__) from error


def _looked_into(content: bytes, name: str | None, number: int) -> Photo:
    with Image.open(io.BytesIO(content), formats=list(FORMATS)) as image:
        media_type = FORMATS[image.format or ""]
        width, height = image.size
        if width * height > MEGAPIXELS * 1_000_000:
            raise PhotoTooLarge(number=number, limit_mb=PHOTO_MB, limit_mpixel=MEGAPIXELS)
        exif = image.getexif()
        place, taken_at, facts = _told(exif)
        image.draft("RGB", (SHOWN_PX, SHOWN_PX))  # a JPEG is unpacked small where that is enough
        image.load()
        upright = ImageOps.exif_transpose(image)
        shown = _flat(upright)
    turned = exif.get(ExifTags.Base.Orientation) in {5, 6, 7, 8}
    shown.thumbnail((SHOWN_PX, SHOWN_PX))
    small = shown.copy()
    small.thumbnail((THUMBNAIL_PX, THUMBNAIL_PX))
    if place is not None:
        place = replace(place, taken_at=taken_at)
    return Photo(
        content=content,
        sha256=hashlib.sha256(content).digest(),
        media_type=media_type,
        file_name=_plain_name(name),
        shown=_jpeg(shown, 88),
        thumbnail=_jpeg(small, 80),
        width=height if turned else width,
        height=width if turned else height,
        place=place,
        taken_at=taken_at,
        facts=facts,
    )


def _flat(image: Image.Image) -> Image.Image:
    """Return the picture in plain RGB, what is transparent on white, without its metadata."""
    if image.mode in {"RGBA", "LA", "PA"} or "transparency" in image.info:
        layer = image.convert("RGBA")
        flat = Image.new("RGB", layer.size, "white")
        flat.paste(layer, mask=layer.getchannel("A"))
        return flat
    if image.mode.startswith("I;16") or image.mode == "I":
        image = image.convert("I").point(lambda value: value / 256).convert("L")
    plain = image.convert("RGB")
    plain.info.clear()
    return plain


def _jpeg(image: Image.Image, quality: int) -> bytes:
    written = io.BytesIO()
    image.save(written, "JPEG", quality=quality, optimize=True)
    return written.getvalue()


def _plain_name(name: str | None) -> str | None:
    """Return the last part of a file's name, printable and at most 120 characters."""
    if name is None:
        return None
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    return "".join(c for c in last if c.isprintable())[:120] or None


def _told(exif: Image.Exif) -> tuple[PhotoPlace | None, datetime | None, dict[str, Any]]:
    """Return place, time and what else of the EXIF the case may keep."""
    facts: dict[str, Any] = {}
    try:
        position = dict(exif.get_ifd(ExifTags.IFD.GPSInfo))
        detail = dict(exif.get_ifd(ExifTags.IFD.Exif))
    except (ValueError, TypeError, KeyError, OSError, SyntaxError):
        return None, None, {"exif": "unreadable"}
    place = _place(position)
    if place is not None:
        facts["lon"], facts["lat"], facts["accuracy_m"] = place.lon, place.lat, place.accuracy_m
        facts["accuracy_told"] = ExifTags.GPS.GPSHPositioningError in position
        direction = _number(position.get(ExifTags.GPS.GPSImgDirection))
        if direction is not None and 0 <= direction <= 360:
            facts["direction_deg"] = round(direction, 1)
    taken_at, certain = _taken_at(exif, detail, position)
    if taken_at is not None:
        facts["taken_at"], facts["offset_told"] = taken_at.isoformat(), certain
    return place, taken_at, facts


def _place(tags: Mapping[int, Any]) -> PhotoPlace | None:
    """Return the position (EXIF is WGS84), None where there is none that can be believed."""
    if tags.get(ExifTags.GPS.GPSStatus) in {"V", b"V"}:  # void: the receiver had no fix
        return None
    lat = _degrees(tags.get(ExifTags.GPS.GPSLatitude), tags.get(ExifTags.GPS.GPSLatitudeRef), "NS")
    lon = _degrees(
        tags.get(ExifTags.GPS.GPSLongitude), tags.get(ExifTags.GPS.GPSLongitudeRef), "EW"
    )
    if lon is None or lat is None or abs(lat) > 90 or abs(lon) > 180 or (lon == 0 and lat == 0):
        return None
    error = _number(tags.get(ExifTags.GPS.GPSHPositioningError))
    told = error is not None and 0 < error <= _SUSPECT_ACCURACY_M
    return PhotoPlace(lon, lat, float(error) if told and error is not None else EXIF_ACCURACY_M)


def _degrees(parts: object, reference: object, sides: str) -> float | None:
    if not isinstance(parts, tuple | list) or not 1 <= len(parts) <= 3:
        return None
    side = reference.decode("ascii", "ignore") if isinstance(reference, bytes) else reference
    side = str(side or "").strip("\x00 ").upper()[:1]
    numbers = [_number(part) for part in parts]
    if side not in sides or not side or any(n is None or n < 0 for n in numbers):
        return None
    value: float = sum((n or 0.0) / 60.0**power for power, n in enumerate(numbers))
    return -value if side == sides[1] else value


def _number(value: object) -> float | None:
    try:
        number = float(value)  # type: ignore[arg-type] # a rational of Pillow, or anything
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    return number if math.isfinite(number) else None


def _taken_at(
    exif: Image.Exif, detail: Mapping[int, Any], position: Mapping[int, Any]
) -> tuple[datetime | None, bool]:
    """Return when the photo was taken, and whether the offset is told or China's is assumed.

    The receiver's own time (UTC) goes first, then the camera's with its offset, then without.
    """
    day, clock = (position.get(ExifTags.GPS.GPSDateStamp), position.get(ExifTags.GPS.GPSTimeStamp))
    try:
        if isinstance(day, str) and isinstance(clock, tuple | list) and len(clock) == 3:
            start = datetime.strptime(day.strip("\x00 "), "%Y:%m:%d").replace(tzinfo=UTC)
            seconds = sum(
                float(part) * unit for part, unit in zip(clock, (3600, 60, 1), strict=True)
            )
            return _believable(start + timedelta(seconds=seconds)), True
        said = detail.get(ExifTags.Base.DateTimeOriginal) or exif.get(ExifTags.Base.DateTime)
        if not isinstance(said, str):
            return None, False
        offset = detail.get(ExifTags.Base.OffsetTimeOriginal)
        text = said.strip("\x00 ")
        if isinstance(offset, str) and offset.strip("\x00 "):
            told = datetime.strptime(text + offset.strip("\x00 "), "%Y:%m:%d %H:%M:%S%z")
            return _believable(told), True
        local = datetime.strptime(text, "%Y:%m:%d %H:%M:%S").replace(tzinfo=SHANGHAI)
        return _believable(local), False
    except (ValueError, TypeError, OverflowError, ZeroDivisionError):
        return None, False


def _believable(instant: datetime) -> datetime | None:
    return instant if 1990 <= instant.year <= 2999 else None
