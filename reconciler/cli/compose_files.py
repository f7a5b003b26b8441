"""The repository's files for ``init``: nothing outside of it, no symlink, nothing too large."""

from __future__ import annotations

import os
import stat
import subprocess
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path

from reconciler.compose.places import is_outside
from reconciler.compose.tree import ComposeError
from reconciler.compose.yaml_file import MAX_BYTES

_MAX_LISTED = 200_000


@dataclass(slots=True)
class RepositoryFiles:
    """Files below a folder. Every part of a path is opened without following links."""

    root: Path
    _kept: frozenset[str] | None = field(default=None)

    def read(self, path: str) -> bytes | None:
        """A file's bytes; None where there is none. Raises ComposeError for a symlink, or one too large."""
        if is_outside(path) or path in ("", "."):
            return None
        handle = self._open(path)
        if handle is None:
            return None
        with os.fdopen(handle, "rb") as stream:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                return None
            content = stream.read(MAX_BYTES + 1)
        if len(content) > MAX_BYTES:
            raise ComposeError(f"{path} is larger than a megabyte")
        return content

    def _open(self, path: str) -> int | None:
        folder = os.open(self.root, os.O_RDONLY | os.O_DIRECTORY)
        try:
            *folders, name = path.split("/")
            for part in folders:
                inner = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=folder)
                os.close(folder)
                folder = inner
            return os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
        except (FileNotFoundError, NotADirectoryError) as error:
            if isinstance(error, NotADirectoryError) and self._has_link(path):
                raise ComposeError(f"{path}: a symlink on the way, which is not followed") from None
            return None
        except OSError:
            raise ComposeError(f"{path}: a symlink, or a file that cannot be opened") from None
        finally:
            os.close(folder)

    def _has_link(self, path: str) -> bool:
        place = self.root
        for part in path.split("/"):
            place = place / part
            if place.is_symlink():
                return True
        return False

    def kept(self) -> Collection[str]:
        """The paths of the files that git tracks or would add; what it ignores is not among them."""
        if self._kept is None:
            self._kept = frozenset(_listed(self.root))
        return self._kept


def _listed(root: Path) -> list[str]:
    if (root / ".git").exists():
        command = ["git", "-C", str(root), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        done = subprocess.run(command, capture_output=True, timeout=30, check=False)
        if done.returncode == 0:
            return [os.fsdecode(name) for name in done.stdout.split(b"\0") if name]
    found: list[str] = []
    for folder, folders, names in os.walk(root):
        folders[:] = [name for name in folders if name != ".git"]
        place = Path(folder).relative_to(root)
        found += [(place / name).as_posix() for name in names]
        if len(found) > _MAX_LISTED:
            break
    return found
