"""A cell index in a file: plain arrays, mapped into memory.

The file is a line of magic, the lengths and checksum of a JSON head, the head (version, kind and
place of each array, size and checksums of everything after it), and the arrays, each on a
boundary of 64 bytes. Numbers lie as this machine's processor has them; the head says which.
"""

from __future__ import annotations

import json
import mmap
import os
import sys
import tempfile
import zlib
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from gis.errors import IndexFileInvalid
from gis.geometry.cell_layout import Layout

_MAGIC: Final = b"gridward cell index\n"
_VERSION: Final = 1
_ALIGNED: Final = 64
_START: Final = len(_MAGIC) + 8
_KEYS: Final = "keys"


def write(path: Path, layout: Layout, keys: Sequence[str]) -> int:
    """Write a file in one step; return its size."""
    texts = "\0".join(keys).encode()
    if sum(key.count("\0") for key in keys):
        raise ValueError("a key holds a zero character")
    arrays: dict[str, npt.NDArray[Any]] = {
        field.name: getattr(layout, field.name) for field in fields(layout)
    }
    arrays[_KEYS] = np.frombuffer(texts, dtype=np.uint8)
    described, blocks, sums, place = {}, list[Any](), [], 0
    for name, array in arrays.items():
        described[name] = {"dtype": array.dtype.str, "shape": array.shape, "at": place}
        # Not copied whole: an index may fill a third of the memory.
        flat = np.ascontiguousarray(array).reshape(-1).view(np.uint8)
        whole = len(flat) // 8 * 8
        rest = flat[whole:].tobytes()
        rest += bytes(-(whole + len(rest)) % _ALIGNED)
        blocks += [flat[:whole].data, rest]
        sums += [_sums(flat[:whole].view(np.uint64)), _sums(np.frombuffer(rest, dtype=np.uint64))]
        place += whole + len(rest)
    head = {
        "version": _VERSION,
        "byteorder": sys.byteorder,
        "number_of_keys": len(keys),
        "arrays": described,
        "bytes": place,
        "sums": [sum(one for one, _ in sums) % 2**64, _xor(two for _, two in sums)],
    }
    text = json.dumps(head).encode()
    text += b" " * (-(_START + len(text)) % _ALIGNED)
    lengths = len(text).to_bytes(4, "little") + zlib.crc32(text).to_bytes(4, "little")
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}-", delete=False) as to:
        try:
            to.writelines([_MAGIC, lengths, text, *blocks])
            to.flush()
            os.fsync(to.fileno())
            Path(to.name).replace(path)
        except BaseException:
            Path(to.name).unlink(missing_ok=True)
            raise
    return _START + len(text) + place


def read(path: Path, *, verify: bool) -> tuple[Layout, list[str]]:
    """Map a file; return its arrays and keys.

    Raises
    ------
    gis.errors.IndexFileInvalid
        The file is of another version, damaged or cut off.
    """
    with path.open("rb") as file:
        head, start = _read_head(path, file.read(_START), file.read)
        size = os.fstat(file.fileno()).st_size
        if size != start + head["bytes"]:
            raise IndexFileInvalid(path=str(path), reason_zh="长度不符", reason_en="wrong length")
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    if verify:
        body = np.frombuffer(mapped, dtype=np.uint64, offset=start)
        if list(_sums(body)) != head["sums"]:
            raise IndexFileInvalid(
                path=str(path), reason_zh="校验和不符", reason_en="wrong checksum"
            )
    arrays = {}
    for name, told in head["arrays"].items():
        count = int(np.prod(told["shape"], dtype=np.int64))
        dtype = np.dtype(told["dtype"])
        flat = (
            np.frombuffer(mapped, dtype=dtype, count=count, offset=start + told["at"])
            if count
            else np.empty(0, dtype=dtype)
        )
        arrays[name] = flat.reshape(told["shape"])
    texts = arrays.pop(_KEYS).tobytes().decode()
    keys = texts.split("\0") if head["number_of_keys"] else []
    return Layout(**arrays), keys


def _read_head(path: Path, begin: bytes, more: Any) -> tuple[dict[str, Any], int]:  # noqa: ANN401
    def invalid(zh: str, en: str) -> IndexFileInvalid:
        return IndexFileInvalid(path=str(path), reason_zh=zh, reason_en=en)

    if not begin.startswith(_MAGIC):
        raise invalid("不是网格索引文件", "not a cell index")
    length = int.from_bytes(begin[len(_MAGIC) : len(_MAGIC) + 4], "little")
    text = more(length)
    if len(text) != length or zlib.crc32(text).to_bytes(4, "little") != begin[-4:]:
        raise invalid("文件头损坏", "its head is damaged")
    head: dict[str, Any] = json.loads(text)
    if head["version"] != _VERSION or head["byteorder"] != sys.byteorder:
        raise invalid("由其他版本或其他机器生成", "made by another version or machine")
    return head, _START + length


def _sums(words: npt.NDArray[np.uint64]) -> tuple[int, int]:
    return int(np.add.reduce(words, dtype=np.uint64)), int(np.bitwise_xor.reduce(words))


def _xor(values: Any) -> int:  # noqa: ANN401
    result = 0
    for value in values:
        result ^= value
    return result
