"""The command, killed by itself at a moment of a switch: ``python dying_command.py MOMENT apply dev``.

It is the real one; only what the operating system does for it ends with a kill -9, before or after the deed.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from typing import Any

SLOT = "50"
"""In the middle of the files of a table."""


def die(*_: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def after(deed: Callable[..., Any], is_it: Callable[..., bool]) -> Callable[..., Any]:
    """The deed, and then death when it was the one."""

    def do(*words: Any, **more: Any) -> Any:
        found = deed(*words, **more)
        if is_it(*words, **more):
            die()
        return found

    return do


def is_link(*words: Any, **_: object) -> bool:
    return any(str(word).startswith("current.") for word in words[:2])


def is_slot(name: Any, *_: object, **__: object) -> bool:
    return str(name) == SLOT


MOMENTS: dict[str, Callable[[], None]] = {
    "half written": lambda: setattr(os, "open", after(os.open, is_slot)),
    "not turned": lambda: setattr(os, "symlink", after(os.symlink, is_link)),
    "turned": lambda: setattr(os, "replace", after(os.replace, is_link)),
}


if __name__ == "__main__":
    MOMENTS[sys.argv.pop(1)]()
    from reconciler.cli.start import main

    sys.exit(main())
