"""Processes that a command starts end with it, however it ends: nobody else would end them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from multiprocessing import parent_process


def end_with_parent(end: Callable[[], object]) -> None:
    """Call ``end``, in a thread, when the process that started this one is gone.

    One that is killed can tell nobody: its processes would wait for work, or serve, for ever.
    Nothing happens in a process that no other one of Python started.
    """
    parent = parent_process()
    if parent is None:
        return

    def wait() -> None:
        parent.join()
        end()

    threading.Thread(target=wait, name="parent", daemon=True).start()
