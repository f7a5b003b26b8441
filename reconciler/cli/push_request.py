"""What a hook says of a push: who, what is to be updated, and where its objects lie until then."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from providers.git.ref import is_full_id

MAX_REFS: Final = 50
MAX_REQUEST: Final = 2 << 20
HEADS: Final = "refs/heads/"
TAGS: Final = "refs/tags/"
_QUARANTINES: Final = ("tmp_objdir-incoming-", "incoming-")
_FAN_OUT: Final = 8 + 255 * 4
"""Where the index of a pack says how many objects it has, after its own eight bytes."""


@dataclass(frozen=True, slots=True)
class Update:
    """One ref that is to move. An id is full; all zeros for none."""

    old: str
    new: str
    ref: str

    @property
    def is_new(self) -> bool:
        """The ref is not there yet."""
        return not self.old.strip("0")

    @property
    def is_deletion(self) -> bool:
        """The ref is to go."""
        return not self.new.strip("0")


@dataclass(frozen=True, slots=True)
class PushRequest:
    """A push, as a hook tells of it. An empty ``pusher_name`` is the loop's own user."""

    pusher_name: str
    options: frozenset[str]
    quarantine: Path | None
    updates: tuple[Update, ...]

    @property
    def pushed(self) -> dict[str, str]:
        """The refs as they will be."""
        return {update.ref: update.new for update in self.updates if not update.is_deletion}


def read_request(body: bytes, folder: Path) -> PushRequest:
    """Read a hook's lines. Raises ValueError for what no hook of ours says, as for a quarantine that is
    none of this repository's."""
    words: dict[str, list[str]] = {"pusher": [], "option": [], "quarantine": [], "update": []}
    for line in body.decode("utf-8", "replace").split("\n"):
        word, _, value = line.partition(" ")
        if word in words:
            words[word].append(value)
        elif line:
            raise ValueError("a line that no hook writes")
    if len(words["pusher"]) != 1 or len(words["quarantine"]) > 1:
        raise ValueError("one pusher, and at most one quarantine")
    where = "".join(words["quarantine"])
    return PushRequest(
        words["pusher"][0],
        frozenset(words["option"]),
        _quarantine(Path(where), folder) if where else None,
        tuple(_updates(words["update"])),
    )


def _updates(lines: list[str]) -> Iterator[Update]:
    for line in lines:
        parts = line.split(" ", 2)
        if len(parts) != 3 or not is_full_id(parts[0]) or not is_full_id(parts[1]):
            raise ValueError("an update is two ids and a ref")
        if not parts[2].startswith("refs/") or not parts[2].isprintable():
            raise ValueError("an update is about a ref")
        yield Update(*parts)


def _quarantine(path: Path, folder: Path) -> Path:
    """The folder, if git made it for a push to this repository. Raises ValueError."""
    objects = (folder / "objects").resolve()
    resolved = path.resolve()
    is_ours = resolved.parent == objects and resolved.name.startswith(_QUARANTINES)
    if not is_ours or not resolved.is_dir() or path.is_symlink():
        raise ValueError("the objects lie elsewhere than git puts them")
    return resolved


def quarantine_variables(quarantine: Path | None, folder: Path) -> tuple[tuple[str, str], ...]:
    """What lets git read objects that are not taken yet (git-receive-pack(1))."""
    if quarantine is None:
        return ()
    return (
        ("GIT_OBJECT_DIRECTORY", str(quarantine)),
        ("GIT_ALTERNATE_OBJECT_DIRECTORIES", str((folder / "objects").resolve())),
        ("GIT_QUARANTINE_PATH", str(quarantine)),
    )


def count_objects(quarantine: Path) -> int:
    """How many objects lie there, as the indexes of the packs say. Raises OSError."""
    total = 0
    for index in quarantine.glob("pack/*.idx"):
        with index.open("rb") as stream:
            stream.seek(_FAN_OUT)
            total += int.from_bytes(stream.read(4), "big")
    loose = (entry for entry in quarantine.glob("??/*") if entry.is_file())
    return total + sum(1 for _ in loose)
