"""``init --secrets FOLDER``: the passwords of a Compose project, each to the file where it is looked up."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from reconciler.cli.envelope import Report, Stop, failure
from reconciler.cli.exits import DONE, ERROR
from reconciler.desired import Json
from reconciler.ownership import Owner


def import_secrets(root: Path, folder: Path, owner: Owner, values: Mapping[str, str | None]) -> Report:
    """Write the values with mode 0600; what is there stays. Raises Stop for a folder in the repository."""
    place = folder.resolve()
    if place == root or root in place.parents:
        remedy = "name a folder outside, such as /run/secrets"
        raise Stop(ERROR, (failure("INIT004", str(folder), "it lies in the repository", remedy=remedy),))
    target = place / owner.project / owner.environment
    lines: list[str] = []
    written: list[Json] = []
    try:
        target.mkdir(parents=True, exist_ok=True, mode=0o700)
        for name, value in sorted(values.items()):
            if value is None:
                lines.append(f"secret {name}: the Compose files hold no value: write it to {target / name}")
            elif (target / name).exists():
                lines.append(f"secret {name}: {target / name} is there already and stays")
            else:
                _write(target / name, value)
                written.append(name)
                lines.append(f"wrote {target / name}")
    except OSError as error:
        raise Stop(
            ERROR, (failure("INIT004", str(target), error.strerror or "it cannot be written"),)
        ) from error
    if not values:
        lines.append("the Compose files hold nothing that looks like a password")
    return Report(DONE, "\n".join(lines) + "\n", {"secrets": written}, owner=owner, mode="worktree")


def _write(path: Path, value: str) -> None:
    """The value; one line end at its end is not part of a secret, so a value that ends with one gets two."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(handle, "w") as stream:
        stream.write(f"{value}\n" if value.endswith("\n") else value)
