"""Where the clusters of tests live: in memory where there is room for them, else on the disk.

Making a file costs a disk more than filling it, and a database is some 700 files: in memory a clone
takes 0.02 s instead of 0.6. What PostgreSQL promises when a process is killed holds there as well.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Final

from gis.cluster.configuration import memory_bytes

_MEMORY: Final = Path("/dev/shm")  # noqa: S108 - only folders with random names are made there
_ROOM_BYTES: Final = 2 * 1024**3


def _root(memory: Path = _MEMORY) -> Path | None:
    """Return the folder of the machine's memory, None for the usual temporary one.

    Containers often have a small one, or less memory of their own than it claims.
    """
    if not (memory.is_dir() and os.access(memory, os.W_OK) and memory.stat().st_mode & 0o001):
        return None
    state = os.statvfs(memory)
    is_roomy = state.f_frsize * state.f_bavail >= _ROOM_BYTES
    return memory if is_roomy and memory_bytes() >= 3 * _ROOM_BYTES else None


def new_home(prefix: str) -> Path:
    """Make a folder that an unprivileged server may reach; its path is short enough for sockets."""
    folder = Path(tempfile.mkdtemp(prefix=prefix, dir=_root()))
    folder.chmod(0o755)
    return folder
