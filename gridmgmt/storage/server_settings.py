"""Settings of the private server, chosen for short transactions on a machine shared with the application.

After the documentation of PostgreSQL 15, chapter 20. Nothing here is needed for correctness, except that
``durable`` must stay True wherever data matter.
"""

import contextlib
import os
from pathlib import Path


def server_settings(socket_dir: Path, port: int, *, durable: bool, memory_bytes: int) -> str:
    """The text of our settings file.

    Parameters
    ----------
    durable : False switches off all that only matters when the machine itself crashes.
    memory_bytes : of the machine or its control group; an eighth goes to shared buffers (128 MiB to 2 GiB).
    """
    memory_mib = memory_bytes // 2**20
    settings: dict[str, object] = {
        "listen_addresses": "",
        "unix_socket_directories": socket_dir,
        "unix_socket_permissions": "0700",
        "port": port,
        "max_connections": 100,
        "shared_buffers": f"{min(max(memory_mib // 8, 128), 2048)}MB",
        "effective_cache_size": f"{max(memory_mib // 2, 256)}MB",
        "work_mem": "16MB",
        "maintenance_work_mem": "128MB",
        # Solid-state storage: an index lookup costs about as much as reading on.
        "random_page_cost": 1.1,
        "effective_io_concurrency": 32,
        # A new installation fills fast: plans made for empty tables must not outlive its first minute.
        "autovacuum_naptime": "10s",
        # Compiling a query costs more than our short ones take.
        "jit": "off",
        "timezone": "UTC",
        "log_timezone": "UTC",
        "log_checkpoints": "off",
        "checkpoint_timeout": "15min",
    }
    if durable:
        settings |= {
            "fsync": "on",
            "synchronous_commit": "on",
            "full_page_writes": "on",
            "min_wal_size": "256MB",
            "max_wal_size": "2GB",
            # Backups take a base and receive WAL through a slot; one whose receiver died for good must not
            # fill the disk: beyond this the next backup begins anew.
            "wal_level": "replica",
            "max_wal_senders": 10,
            "max_slot_wal_keep_size": "8GB",
        }
    else:
        settings |= {
            "fsync": "off",
            "synchronous_commit": "off",
            "full_page_writes": "off",
            "shared_buffers": "128MB",
            "wal_level": "minimal",
            "max_wal_senders": 0,
            "min_wal_size": "32MB",
            "max_wal_size": "512MB",
        }
    lines = [f"{name} = '{value}'" for name, value in settings.items()]
    return "\n".join(
        ["# Written by gridmgmt at each start: put yours into a file that sorts later.", *lines, ""]
    )


def memory_bytes() -> int:
    """Answer the memory of this machine, or of our control group where that is smaller."""
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    with contextlib.suppress(OSError, ValueError):
        total = min(total, int(Path("/sys/fs/cgroup/memory.max").read_text()))
    return total
