"""A git server on loopback that both loops fetch from, and a clone to commit in."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from git_http import GitHttp

_AUTHOR = ("-c", "user.name=bench", "-c", "user.email=bench@example.com")


class Forge:
    """One repository: a bare one that is served, and a clone to commit in."""

    def __init__(self, folder: Path) -> None:
        self.bare, self.clone = folder / "served" / "shop.git", folder / "clone"
        git(folder, "init", "-q", "--bare", "-b", "main", str(self.bare))
        git(folder, "clone", "-q", str(self.bare), str(self.clone))
        git(self.clone, "symbolic-ref", "HEAD", "refs/heads/main")
        self._server = GitHttp(self.bare.parent)

    @property
    def url(self) -> str:
        """Where it is served."""
        return f"{self._server.address}/shop.git"

    def __enter__(self) -> Self:
        self._server.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.__exit__()

    def push(self, files: Mapping[str, str]) -> str:
        """Commit these files and push them; the commit."""
        for name, text in files.items():
            path = self.clone / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        git(self.clone, "add", ".")
        git(self.clone, *_AUTHOR, "commit", "-q", "-m", "change")
        git(self.clone, "push", "-q", "origin", "main")
        return git(self.clone, "rev-parse", "HEAD").strip()


def git(folder: Path, *words: str) -> str:
    """Output of git; CalledProcessError when it fails."""
    return subprocess.run(["git", *words], cwd=folder, check=True, capture_output=True, text=True).stdout
