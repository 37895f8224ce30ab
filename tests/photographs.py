"""Photos as phones take them, made for tests: EXIF with a position, an orientation, a serial."""

from __future__ import annotations

import io
from datetime import datetime, timedelta, timezone
from fractions import Fraction

import numpy as np
from PIL import ExifTags, Image

GPS = ExifTags.GPS
SERIAL = "SERIAL-0815"


def photograph(
    place: tuple[float, float] | None = None,
    *,
    error_m: float | None = None,
    orientation: int = 1,
    size: tuple[int, int] = (640, 480),
    kind: str = "JPEG",
    seed: int = 1,
    taken: str | None = "now",
    offset: str | None = "+08:00",
) -> bytes:
    """Return the bytes of a photo; its upper left corner is red in the stored orientation."""
    pixels = np.random.default_rng(seed).integers(0, 80, (size[1], size[0], 3), dtype=np.uint8)
    image = Image.fromarray(pixels)
    image.paste((250, 10, 10), (0, 0, size[0] // 4, size[1] // 4))
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    exif[ExifTags.Base.Make] = "Phone maker"
    detail = exif.get_ifd(ExifTags.IFD.Exif)
    detail[ExifTags.Base.BodySerialNumber] = SERIAL
    if taken == "now":
        taken = datetime.now(timezone(timedelta(hours=8))).strftime("%Y:%m:%d %H:%M:%S")
    if taken:
        detail[ExifTags.Base.DateTimeOriginal] = taken
    if offset:
        detail[ExifTags.Base.OffsetTimeOriginal] = offset
    if place is not None:
        position = exif.get_ifd(ExifTags.IFD.GPSInfo)
        lon, lat = place
        position[GPS.GPSLongitudeRef], position[GPS.GPSLongitude] = (
            "E" if lon >= 0 else "W",
            dms(lon),
        )
        position[GPS.GPSLatitudeRef], position[GPS.GPSLatitude] = "N" if lat >= 0 else "S", dms(lat)
        if error_m is not None:
            position[GPS.GPSHPositioningError] = Fraction(error_m).limit_denominator(1000)
    written = io.BytesIO()
    image.save(written, kind, exif=exif, quality=90)
    return written.getvalue()


def dms(degrees: float) -> tuple[Fraction, Fraction, Fraction]:
    degrees = abs(degrees)
    whole = int(degrees)
    minutes = int((degrees - whole) * 60)
    seconds = (degrees - whole - minutes / 60) * 3600
    return (
        Fraction(whole),
        Fraction(minutes),
        Fraction(round(max(seconds, 0) * 1_000_000), 1_000_000),
    )
