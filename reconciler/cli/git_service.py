"""How git is run for who pushes or fetches: a list that we build, an environment from scratch, with limits.

What such a git reads is hostile. It may use so much memory, processor time and file size and leave no dump,
and neither may the hooks that it runs.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

Service = Literal["git-receive-pack", "git-upload-pack"]
SERVICES: Final[tuple[Service, ...]] = ("git-receive-pack", "git-upload-pack")
MAX_PUSH: Final = 512 << 20
"""Bytes of one push, as they come."""
MAX_OBJECTS: Final = 200_000
PUSHER: Final = "RECONCILER_PUSHER"
"""The variable that tells the hooks who pushes; without it, it is the loop's own user."""
_PROTOCOL: Final = re.compile(r"version=[012](:version=[012])?")
_BLOCK: Final = 512
_SETTINGS: Final = (
    "core.fsmonitor=false",
    "core.attributesFile=/dev/null",
    "protocol.allow=never",
    "gc.auto=0",
    "maintenance.auto=false",
    "pack.threads=1",
)


def read_service(text: str) -> Service | None:
    """One of the two, by its name."""
    match text:
        case "git-receive-pack":
            return "git-receive-pack"
        case "git-upload-pack":
            return "git-upload-pack"
        case _:
            return None


@dataclass(frozen=True, slots=True)
class Limits:
    """What one child and its children may use, each: seconds of a processor, bytes."""

    cpu: int = 600
    memory: int = 8 << 30
    file: int = 4 << 30


def limited(words: Sequence[str], limits: Limits) -> list[str]:
    """The command under these limits."""
    script = " && ".join(
        (
            "ulimit -c 0",
            f"ulimit -t {limits.cpu}",
            f"ulimit -v {limits.memory >> 10}",
            f"ulimit -f {limits.file // _BLOCK}",
            'exec "$@"',
        )
    )
    return ["/bin/sh", "-c", script, "sh", *words]


def service_words(service: Service, folder: Path, options: Sequence[str] = ()) -> list[str]:
    """The command that serves one repository."""
    settings = [part for setting in _SETTINGS for part in ("-c", setting)]
    words = ["git", *settings, service.removeprefix("git-"), *options, "--", str(folder)]
    return limited(words, Limits())


def service_environment(pusher_name: str, protocol: str = "") -> Mapping[str, str]:
    """All that git and its hooks get of an environment. ``protocol`` is what the client says of it."""
    given = {"GIT_PROTOCOL": protocol} if _PROTOCOL.fullmatch(protocol) else {}
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "LC_ALL": "C",
        "HOME": "/nonexistent",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_GRAFT_FILE": "/nonexistent/grafts",
        PUSHER: pusher_name,
        **given,
    }
