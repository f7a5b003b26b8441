"""Where the commands ``reconciler`` and ``gitops-reconciler`` begin.

Imports nothing but the standard library until the verb is known: a command that has nothing to do should
take no longer than the interpreter does.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from reconciler.cli.exits import DONE, ERROR, INTERRUPTED

_SIBLINGS = ("specs", "providers")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; ``argv`` defaults to the process's own arguments."""
    intruder = guard_imports(Path(__file__).resolve().parents[2])
    if intruder:
        print(f"reconciler: {intruder}", file=sys.stderr)
        return ERROR
    # Plugins of a library would be somebody else's Python in our process.
    os.environ["PYDANTIC_DISABLE_PLUGINS"] = "__all__"
    try:
        from reconciler.cli.run import run_command

        try:
            return run_command(sys.argv[1:] if argv is None else argv)
        finally:
            print(end="", flush=True)  # what fails at the interpreter's own end can be answered by nobody
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        # The reader has gone (``| head``): that is no error of ours, and nothing more can be said to it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE


def guard_imports(site: Path) -> str | None:
    """Put our own site directory first on ``sys.path``; the message to stop with when a package of ours would
    come from elsewhere (the names ``specs`` and ``providers`` are generic), else None."""
    sys.path[:] = [str(site), *(entry for entry in sys.path if entry != str(site))]
    for package_name in _SIBLINGS:
        found = _origin(package_name)
        if found is None or found.parent.parent != site:
            return (
                f"the package '{package_name}' comes from {found or 'nowhere'}, "
                f"not from {site / package_name}; "
                "install with `uv tool install gitops-reconciler` or `pipx`, in an environment of its own"
            )
    return None


def _origin(package_name: str) -> Path | None:
    if package_name in sys.modules:
        file = getattr(sys.modules[package_name], "__file__", None)
    else:
        found = importlib.util.find_spec(package_name)
        file = found.origin if found else None
    return Path(file).resolve() if file else None
