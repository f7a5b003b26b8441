"""Keys of ssh and gpg, made for a test, and commits and tags that are signed with them by git itself."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from git_repository import WrittenRepository


@dataclass(frozen=True)
class SshSigner:
    """A key pair in a folder of its own."""

    folder: Path
    name: str

    @classmethod
    def make(cls, folder: Path, name: str) -> SshSigner:
        folder.mkdir(parents=True, exist_ok=True)
        line = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(folder / name)]
        subprocess.run(line, check=True, capture_output=True)
        return cls(folder, name)

    @property
    def allowed_line(self) -> str:
        """The line of this signer in an allowed signers file."""
        return f'{self.name}@example.com namespaces="git" {self.public}\n'

    @property
    def public(self) -> str:
        return " ".join((self.folder / f"{self.name}.pub").read_text().split()[:2])

    @property
    def options(self) -> tuple[str, ...]:
        """Options of git with which it signs."""
        return ("-c", "gpg.format=ssh", "-c", f"user.signingKey={self.folder / self.name}")


@dataclass(frozen=True)
class GpgSigner:
    """A key in a home of its own."""

    home: Path
    name: str

    @classmethod
    def make(cls, home: Path, name: str) -> GpgSigner:
        home.mkdir(parents=True, mode=0o700)
        signer = cls(home, name)
        signer.gpg("--passphrase", "", "--quick-gen-key", f"{name}@example.com", "ed25519", "sign", "never")
        wrapper = home / "gpg"
        wrapper.write_text(f'#!/bin/sh\nexec gpg --homedir {home} "$@"\n')
        wrapper.chmod(0o755)
        return signer

    def gpg(self, *words: str) -> bytes:
        line = ["gpg", "--homedir", str(self.home), "--batch", "--quiet", *words]
        return subprocess.run(line, check=True, capture_output=True).stdout

    def export(self, path: Path) -> Path:
        path.write_bytes(self.gpg("--export"))
        return path

    def end(self) -> None:
        """Its agent."""
        subprocess.run(
            ["gpgconf", "--kill", "all"], env={**os.environ, "GNUPGHOME": str(self.home)}, check=False
        )

    @property
    def options(self) -> tuple[str, ...]:
        program = str(self.home / "gpg")
        key = f"{self.name}@example.com"
        return ("-c", "gpg.format=openpgp", "-c", f"gpg.program={program}", "-c", f"user.signingKey={key}")


def signed_commit(
    repository: WrittenRepository, signer: SshSigner | GpgSigner, files: dict[str, str] | None = None
) -> str:
    """A commit of everything, signed; its id."""
    repository.write(files or {})
    repository.git("add", "-A")
    repository.git(*signer.options, "commit", "-q", "--allow-empty", "-S", "-m", "signed")
    return repository.git("rev-parse", "HEAD")


def signed_tag(
    repository: WrittenRepository, signer: SshSigner | GpgSigner, tag_name: str, commit: str = "HEAD"
) -> None:
    repository.git(*signer.options, "tag", "-s", "-m", tag_name, tag_name, commit)
