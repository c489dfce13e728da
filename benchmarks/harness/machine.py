"""Where figures come from: the machine, without its name, and the versions."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = (
    "httpx", "httpcore", "h2", "httpx-retry-transport", "httpx-retries", "httpx-hedged",
    "tenacity", "stamina", "backoff", "retryhttp", "requests", "urllib3", "aiohttp",
    "aiohttp-retry", "botocore",
)  # fmt: skip


def machine() -> dict[str, object]:
    """The processor, its cores, the system and the Python that runs."""
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return platform.processor() or "unknown"
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or "unknown")


def versions() -> dict[str, str]:
    """Of everything that is compared, and of what it stands on."""
    return {name: found for name in PACKAGES if (found := _version(name))}


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""
