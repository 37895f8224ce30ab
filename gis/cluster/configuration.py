"""What the private cluster runs with: sizes, durability, who may log in.

The three files are written anew before every start, so that a change of the machine or of this
module reaches an existing cluster. An operator's own lines belong in ``local.conf`` in the data
directory, which is read last and never overwritten.
"""

from __future__ import annotations

import os
from pathlib import Path

SUPERUSER = "postgres"
OWNER = "gridward_owner"
APP = "gridward_app"
PORT = 5432  # names the socket file only: there is no TCP port
IDENT_MAP = "gridward"

_MB = 1024 * 1024
_SMALLEST_SHM = 256 * _MB


def memory_bytes(
    meminfo: Path = Path("/proc/meminfo"), limit: Path = Path("/sys/fs/cgroup/memory.max")
) -> int:
    """Return the memory that this process may use: the machine's, or its container's if less."""
    total = next(
        int(line.split()[1]) * 1024
        for line in meminfo.read_text().splitlines()
        if line.startswith("MemTotal:")
    )
    granted = limit.read_text().strip() if limit.exists() else "max"
    return min(total, int(granted)) if granted.isdigit() else total


def _sizes(memory: int, cores: int) -> dict[str, str]:
    """Return modest sizes: the city's server and its workers share the machine."""
    megabytes = memory // _MB
    return {
        "shared_buffers": f"{max(32, min(megabytes // 8, 1024))}MB",
        "effective_cache_size": f"{max(64, megabytes // 2)}MB",
        "work_mem": f"{max(4, min(megabytes // 256, 32))}MB",
        "maintenance_work_mem": f"{max(32, min(megabytes // 16, 512))}MB",
        "max_parallel_workers": str(cores),
        "max_parallel_workers_per_gather": str(min(2, cores // 2)),
        "max_parallel_maintenance_workers": str(min(2, cores // 2)),
    }


def _shared_memory_type(shm: Path = Path("/dev/shm")) -> str:  # noqa: S108 - asked, not written
    """Return where parallel workers meet: containers often have a /dev/shm of 64 MB."""
    if not shm.is_dir():
        return "sysv"
    state = os.statvfs(shm)
    return "posix" if state.f_frsize * state.f_blocks >= _SMALLEST_SHM else "sysv"


def postgresql_conf(sockets: Path, *, memory: int, cores: int) -> str:
    """Return the server's settings.

    Parameters
    ----------
    sockets
        Folder of the unix socket; the only way in.
    memory
        Bytes that the machine or the container has.
    cores
        Processors that may be used.
    """
    values = {
        "listen_addresses": "",
        "unix_socket_directories": str(sockets),
        # the folder is 0700 as well; root passes both
        "unix_socket_permissions": "0700",
        "port": str(PORT),
        "max_connections": "100",
        # nothing answered with 2xx is lost: the defaults, said aloud so that none is turned off
        "fsync": "on",
        "full_page_writes": "on",
        "synchronous_commit": "on",
        "wal_level": "replica",
        "max_wal_size": "2GB",
        "checkpoint_timeout": "10min",
        **_sizes(memory, cores),
        "dynamic_shared_memory_type": _shared_memory_type(),
        "random_page_cost": "1.1",
        # queries here are short; compiling them costs more than it saves
        "jit": "off",
        "timezone": "UTC",
        "log_timezone": "UTC",
        "lc_messages": "C",
        "logging_collector": "off",
        "log_line_prefix": "%m [%p] %u@%d ",
        "log_checkpoints": "off",
        # row values and statement texts hold people's names and phones: not for a log
        "log_error_verbosity": "terse",
        "log_min_error_statement": "panic",
        "log_parameter_max_length_on_error": "0",
    }
    lines = [f"{name} = '{value.replace(chr(39), chr(39) * 2)}'" for name, value in values.items()]
    head = "# Written by Gridward before every start. Your own settings belong in local.conf."
    return "\n".join([head, *lines, "include 'local.conf'", ""])


def pg_hba_conf() -> str:
    """Return the log-in rules: local sockets only, and only whom the kernel vouches for."""
    return f"local all all peer map={IDENT_MAP}\n"


def pg_ident_conf(os_users: set[str]) -> str:
    """Return the map that lets these users of the machine log in as the cluster's roles."""
    return "".join(
        f'{IDENT_MAP} "{user}" {role}\n'
        for user in sorted(os_users)
        for role in (SUPERUSER, OWNER, APP)
    )
