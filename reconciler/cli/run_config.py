"""Reads the Run file that a command names."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from reconciler.cli.envelope import Stop, failure
from reconciler.cli.exits import ERROR
from specs.run_file import RunFile, load_run

_MAX_CONFIG: Final = 1 << 20


def read_config(path: Path) -> RunFile:
    """Raises Stop with everything that is wrong with it."""
    try:
        content = path.read_bytes()[: _MAX_CONFIG + 1]
    except OSError as error:
        seen = error.strerror or "it cannot be read"
        raise Stop(ERROR, (failure("CLI040", str(path), seen, "a Run file that can be read"),)) from None
    found, problems = load_run(str(path), content)
    if found is None:
        raise Stop(ERROR, tuple(problems))
    return found
