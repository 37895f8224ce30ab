"""The server process: is it there, start it, stop it.

A pid alone proves nothing (it may have been given to another program since), so a process counts
as ours only when it runs a program called ``postgres`` inside the data directory. That needs
Linux's ``/proc``.
"""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

from gis.errors import ClusterProblem

if TYPE_CHECKING:
    from collections.abc import Callable

    from gis.cluster.binaries import Binaries
    from gis.cluster.layout import Layout

_LOG = logging.getLogger(__name__)
_POLL_S = 0.02
_START_S = 600  # crash recovery of a large city; normally well below a second
_STOP_S = 60
_ORPHANS_S = 10
_LOG_KEPT_BYTES = 10 * 1024 * 1024


def running(layout: Layout) -> int | None:
    """Return the pid of this cluster's server process, None when it is not there."""
    pid = _recorded_pid(layout.data)
    return pid if pid is not None and _is_server_of(layout.data, pid) else None


def ready(layout: Layout) -> bool:
    """Return whether the server says that it takes connections."""
    lines = _pid_file_lines(layout.data)
    return len(lines) >= 8 and lines[7].strip() == "ready"


def start(layout: Layout, binaries: Binaries) -> None:
    """Start the server and wait until it takes connections, crash recovery included.

    The caller holds the start lock. Traces of a server that was killed are removed first, but only
    after every process of it has ended: two servers on one data directory would ruin it.
    """
    _end_orphans(layout)
    for trace in (layout.data / "postmaster.pid", *layout.sockets.glob(".s.PGSQL.*")):
        trace.unlink(missing_ok=True)
    if layout.log.exists() and layout.log.stat().st_size > _LOG_KEPT_BYTES:
        layout.log.replace(layout.log.with_suffix(".log.1"))
    command = [str(binaries.bin / "pg_ctl"), "start", "-D", str(layout.data)]
    command += ["-l", str(layout.log), "-w", "-s", "-t", str(_START_S)]
    log_before = layout.log.stat().st_size if layout.log.exists() else 0
    try:
        done = layout.server_user.run(command, timeout_s=_START_S + 10)
    except subprocess.TimeoutExpired:
        raise start_failure(layout, log_before, "") from None
    if done.returncode != 0:
        raise start_failure(layout, log_before, done.stderr)


def await_ready(layout: Layout) -> bool:
    """Wait for a server that somebody else started; False when it ends instead (or is ending)."""
    _wait(lambda: ready(layout) or running(layout) is None or _stopping(layout), _START_S)
    return ready(layout) and running(layout) is not None


def stop(layout: Layout) -> None:
    """Stop the server: sessions are ended, everything is on disk; return when it is gone."""
    pid = running(layout)
    if pid is None:
        return
    _signal(pid, signal.SIGINT)  # PostgreSQL's "fast shutdown"
    if not _wait(lambda: not _is_server_of(layout.data, pid), _STOP_S):
        _LOG.warning(
            "数据库未按时停止，改为立即停止 / the database is slow to stop; stopping it now"
        )
        _signal(pid, signal.SIGQUIT)  # "immediate": recovery at the next start, nothing lost
        _wait(lambda: not _is_server_of(layout.data, pid), _STOP_S)


def start_failure(layout: Layout, log_before: int, stderr: str) -> ClusterProblem:
    """Return why PostgreSQL did not start, in its own last words, with what to do."""
    said = stderr
    if layout.log.exists():
        with layout.log.open("rb") as log:
            log.seek(log_before)
            said += log.read().decode("utf-8", "replace")
    return explain(said, log=layout.log)


def explain(said: str, *, log: Path | None) -> ClusterProblem:
    """Return the problem that PostgreSQL's output tells of."""
    words = _last_words([line.strip() for line in said.splitlines() if line.strip()])
    advice_zh, advice_en = "请据此排除后重试。", "Mend that and try again."
    if "No space left" in said:
        advice_zh = "磁盘已满：请腾出空间后重试，数据未受影响。"
        advice_en = "The disk is full: free some space and try again; the data are unharmed."
    elif "Permission denied" in said:
        advice_zh = "目录权限不对：请核对 GRIDWARD_HOME 的属主和权限。"
        advice_en = "A folder's permissions forbid it: check owner and mode of GRIDWARD_HOME."
    elif "could not map anonymous shared memory" in said or "Cannot allocate memory" in said:
        advice_zh = "内存不足：请关闭其他程序后重试。"
        advice_en = "Memory is short: close other programs and try again."
    if log is not None:
        advice_zh, advice_en = f"{advice_zh} 日志：{log}", f"{advice_en} Log: {log}"
    return ClusterProblem(
        reason_zh=f"PostgreSQL 报告：{words}。",
        reason_en=f"PostgreSQL says: {words.rstrip('.')}.",
        advice_zh=advice_zh,
        advice_en=advice_en,
    )


def _last_words(lines: list[str]) -> str:
    """Return the line that matters; of a refused configuration also the lines that say why."""
    fatal = [number for number, line in enumerate(lines) if "FATAL:" in line or "PANIC:" in line]
    if not fatal:
        return lines[-1] if lines else "(no output)"
    verdict = lines[fatal[-1]]
    first = max(0, fatal[-1] - 2) if "configuration file" in verdict else fatal[-1]
    # the log's prefix (time, pid) tells the reader nothing here
    return "; ".join(line.split(":  ", 1)[-1] for line in lines[first : fatal[-1] + 1])


def _pid_file_lines(data: Path) -> list[str]:
    try:
        return (data / "postmaster.pid").read_text(errors="replace").splitlines()
    except FileNotFoundError:
        return []


def _recorded_pid(data: Path) -> int | None:
    lines = _pid_file_lines(data)
    return int(lines[0]) if lines and lines[0].strip().isdigit() else None


def _stopping(layout: Layout) -> bool:
    lines = _pid_file_lines(layout.data)
    return len(lines) >= 8 and lines[7].strip() == "stopping"


def _is_server_of(data: Path, pid: int) -> bool:
    """Return whether the process is PostgreSQL in that folder; a zombie or a stranger is not."""
    try:
        program = (Path("/proc") / str(pid) / "comm").read_text().strip()
        folder = (Path("/proc") / str(pid) / "cwd").readlink()
    except OSError:  # gone, or somebody else's
        return False
    # "postmaster" is what some distributions' start scripts call the same program
    return program in {"postgres", "postmaster"} and folder == data.resolve()


def _processes(data: Path) -> list[int]:
    """Return every PostgreSQL process in that folder, children included."""
    pids = (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit())
    return [pid for pid in pids if _is_server_of(data, pid)]


def _end_orphans(layout: Layout) -> None:
    """Wait for the children of a killed server to end; a busy one is told to.

    They notice by themselves, but not while they compute; one that still writes while a new server
    starts would destroy data.
    """
    if _wait(lambda: not _processes(layout.data), _ORPHANS_S if _processes(layout.data) else 0):
        return
    for pid in _processes(layout.data):
        _signal(pid, signal.SIGQUIT)
    if not _wait(lambda: not _processes(layout.data), _ORPHANS_S):
        raise ClusterProblem(
            reason_zh=f"上次运行遗留的 PostgreSQL 进程未结束：{_processes(layout.data)}。",
            reason_en=f"PostgreSQL processes of an earlier run do not end: "
            f"{_processes(layout.data)}.",
            advice_zh="请结束这些进程后重试。",
            advice_en="End them and try again.",
        )


def _signal(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def _wait(met: Callable[[], bool], seconds: float) -> bool:
    """Poll until the condition holds; return whether it does."""
    deadline = time.monotonic() + seconds
    while not met():
        if time.monotonic() >= deadline:
            return False
        time.sleep(_POLL_S)
    return True
