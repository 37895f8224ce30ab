"""What a photo really is, what it tells, and what of it may be shown."""

from __future__ import annotations

import io
import struct
import zlib
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from gis.errors import (
    GovernanceError,
    PhotoHeic,
    PhotosTooMany,
    PhotoTooLarge,
    PhotoUnreadable,
)
from gis.services import photos
from gis.services.photos import EXIF_ACCURACY_M, best_place, read_photo, read_photos
from tests.photographs import SERIAL, photograph


def test_position_and_its_error_are_read() -> None:
    photo = read_photo(photograph((118.3172, 32.3019), error_m=7.5))
    assert photo.place is not None
    assert photo.place.lon == pytest.approx(118.3172, abs=1e-8)
    assert photo.place.lat == pytest.approx(32.3019, abs=1e-8)
    assert photo.place.accuracy_m == 7.5
    silent = read_photo(photograph((-58.4, -34.6)))
    assert silent.place is not None
    assert (silent.place.lon, silent.place.lat) == pytest.approx((-58.4, -34.6), abs=1e-8)
    assert silent.place.accuracy_m == EXIF_ACCURACY_M


def test_nowhere_is_no_position() -> None:
    assert read_photo(photograph((0.0, 0.0))).place is None
    assert read_photo(photograph()).place is None


def test_time_keeps_its_offset_and_is_chinas_without_one() -> None:
    told = read_photo(photograph(taken="2026:11:23 09:30:00", offset="+09:00"))
    silent = read_photo(photograph(taken="2026:11:23 09:30:00", offset=None))
    assert told.taken_at == datetime(2026, 11, 23, 0, 30, tzinfo=UTC)
    assert silent.taken_at == datetime(2026, 11, 23, 1, 30, tzinfo=UTC)
    assert (told.facts["offset_told"], silent.facts["offset_told"]) == (True, False)
    assert read_photo(photograph(taken="0000:00:00 00:00:00")).taken_at is None


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_shown_picture_is_upright_and_without_metadata(kind: str, orientation: int) -> None:
    content = photograph((118.3, 32.3), orientation=orientation, kind=kind)
    photo = read_photo(content)
    shown = Image.open(io.BytesIO(photo.shown))
    assert (photo.width, photo.height) == shown.size
    assert shown.size == ((480, 640) if orientation >= 5 else (640, 480))
    corner = {
        1: (0, 0),
        2: (1, 0),
        3: (1, 1),
        4: (0, 1),
        5: (0, 0),
        6: (1, 0),
        7: (1, 1),
        8: (0, 1),
    }
    x, y = corner[orientation]
    at = (int((0.05 + 0.9 * x) * shown.size[0]), int((0.05 + 0.9 * y) * shown.size[1]))
    pixel = shown.getpixel(at)
    assert isinstance(pixel, tuple)
    assert pixel[0] > 200, "the red corner is where a person would see it"
    for made in (photo.shown, photo.thumbnail):
        assert not Image.open(io.BytesIO(made)).getexif()
        assert SERIAL.encode() not in made
        assert b"Exif" not in made
    assert SERIAL.encode() in content
    assert max(Image.open(io.BytesIO(photo.thumbnail)).size) == 320


def test_a_large_photo_is_shown_smaller_and_its_size_is_told() -> None:
    photo = read_photo(photograph(size=(4000, 3000)))
    assert (photo.width, photo.height) == (4000, 3000)
    assert max(Image.open(io.BytesIO(photo.shown)).size) == 2048


def test_what_is_transparent_becomes_white() -> None:
    image = Image.new("RGBA", (50, 50), (0, 0, 0, 0))
    written = io.BytesIO()
    image.save(written, "PNG")
    shown = Image.open(io.BytesIO(read_photo(written.getvalue()).shown))
    assert shown.getpixel((25, 25)) == (255, 255, 255)


def test_content_decides_not_the_name() -> None:
    png = photograph(kind="PNG")
    assert read_photo(png, name="x.jpg").media_type == "image/png"
    for content in (b"", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"GIF89a" + bytes(50),
                    b"%PDF-1.7", png[: len(png) // 2], photograph()[:3000]):  # fmt: skip
        with pytest.raises(PhotoUnreadable):
            read_photo(content, name="photo.jpg")


@pytest.mark.parametrize("brand", [b"heic", b"mif1", b"hevc"])
def test_heic_is_refused_in_words(brand: bytes) -> None:
    with pytest.raises(PhotoHeic) as refused:
        read_photo(struct.pack(">I", 24) + b"ftyp" + brand + bytes(100))
    assert "JPEG" in refused.value.detail("zh")


def bomb(width: int, height: int) -> bytes:
    """A PNG of a few hundred bytes that unpacks to width x height pixels."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(bytes(1000)))
        + chunk(b"IEND", b"")
    )


def test_decompression_bombs_are_refused_from_their_header() -> None:
    with pytest.raises((PhotoTooLarge, PhotoUnreadable)):
        read_photo(bomb(60_000, 60_000))
    with pytest.raises(PhotoTooLarge):
        read_photo(bomb(9_000, 9_000))


def test_bytes_and_number_are_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(PhotosTooMany):
        read_photos([("a.jpg", b"")] * 10)
    monkeypatch.setattr(photos, "PHOTO_MB", 0.01)
    with pytest.raises(PhotoTooLarge):
        read_photo(photograph())


def test_the_same_photo_twice_counts_once_and_the_surest_position_is_taken() -> None:
    far, near = photograph((118.0, 32.0), error_m=50), photograph((118.5, 32.5), error_m=5)
    found = read_photos([("a", far), ("b", near), ("c", far)])
    assert len(found) == 2
    place = best_place(found)
    assert place is not None
    assert place.lon == pytest.approx(118.5, abs=1e-8)
    assert best_place(()) is None


@given(at=st.integers(0, 4000), byte=st.integers(0, 255), kind=st.sampled_from(["JPEG", "PNG"]))
@settings(max_examples=150, deadline=None)
def test_a_damaged_photo_is_read_or_refused_and_nothing_else(at: int, byte: int, kind: str) -> None:
    content = bytearray(photograph((118.3, 32.3), kind=kind, size=(64, 48)))
    content[at % len(content)] = byte
    try:
        photo = read_photo(bytes(content))
    except GovernanceError:
        return
    assert photo.shown
