"""Outputs in files that anybody could have written: bounded, no links, and held to their models."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NoReturn

from reconciler.cli.envelope import Stop, failure
from reconciler.cli.exits import ERROR
from reconciler.desired import Json
from reconciler.outputs.read import Output, read_outputs, verb_of
from reconciler.strict_json import read_object

_MOST: Final = 16 << 20
"""Characters of one file."""
_MOST_FILES: Final = 50
_NAME: Final = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


@dataclass(frozen=True, slots=True)
class PostedFile:
    """One file: what it holds, and the environment that its name says it is about; none where it is called
    like a verb."""

    value: dict[str, Json]
    outputs: tuple[Output, ...]
    environment: str


def read_files(paths: Sequence[str], verbs: Sequence[str]) -> list[PostedFile]:
    """Each file, with the outputs in it; all are of one of these verbs. Raises Stop."""
    if len(paths) > _MOST_FILES:
        _refuse("post", f"{len(paths)} files", f"at most {_MOST_FILES}")
    return [_read(Path(path), verbs) for path in paths]


def _read(path: Path, verbs: Sequence[str]) -> PostedFile:
    try:
        value = read_object(_content(path), _MOST)
        if verb_of(value) not in verbs:
            _refuse(path.name, "it is no output of these", f"--json of {' or '.join(verbs)}")
        outputs = read_outputs(value)
    except ValueError as error:
        _refuse(path.name, str(error), "an output as --json prints it")
    stem = path.name.partition(".")[0]
    is_named = _NAME.fullmatch(stem) is not None and stem not in verbs
    return PostedFile(value, tuple(outputs), stem if is_named else "")


def _content(path: Path) -> str:
    """Raises ValueError; a link is not followed."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        raise ValueError(f"it cannot be read ({os.strerror(error.errno or 0)})") from None
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise ValueError("it is no file")
    with open(handle, "rb") as stream:
        content = stream.read(_MOST + 1)
    if len(content) > _MOST:
        raise ValueError(f"it is longer than {_MOST} bytes")
    return content.decode("utf-8")


def _refuse(where: str, seen: str, expected: str) -> NoReturn:
    raise Stop(ERROR, (failure("FORGE005", where, seen, expected),))
