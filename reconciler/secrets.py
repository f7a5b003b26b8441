"""Secret values: where they are looked up, and their digest (contracts, section 6). Reads files and the
process's environment; nothing here prints a value."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from reconciler.ownership import Owner

DEFAULT_FOLDER: Final = Path("/run/secrets")
MAX_SECRET: Final = 64 << 10
"""Bytes of one value."""
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")


class SecretUnreadable(Exception):
    """A secret is there and cannot be read. ``where`` is its place, ``reason`` never holds its value."""

    def __init__(self, where: str, reason: str) -> None:
        super().__init__(f"{where}: {reason}")
        self.where = where
        self.reason = reason


def secrets_folder(environ: Mapping[str, str]) -> Path:
    """The folder in which secrets lie: the service's credentials directory, else ``/run/secrets``."""
    directory = environ.get("CREDENTIALS_DIRECTORY")
    return Path(directory) if directory else DEFAULT_FOLDER


def variable_name(owner: Owner, secret_name: str) -> str:
    """The variable that is read where there is no file. Its three parts are parted by ``__``."""
    parts = (owner.project, owner.environment, secret_name)
    return "RECONCILER_SECRET_" + "__".join(part.upper().replace("-", "_") for part in parts)


@dataclass(slots=True)
class SecretStore:
    """The values of one owner's secrets. Digests cost 20 ms each and are kept for the process's life."""

    owner: Owner
    folder: Path
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ, repr=False)
    _digests: dict[tuple[str, bytes], str] = field(default_factory=dict, repr=False)

    def value(self, secret_name: str) -> str | None:
        """The value, without one line end at its end; None where there is none. Raises SecretUnreadable."""
        if not _NAME.fullmatch(secret_name):
            raise SecretUnreadable("secret", "its name is no DNS label")
        found = self._from_file(secret_name)
        return self.environ.get(variable_name(self.owner, secret_name)) if found is None else found

    def values(self, secret_names: Collection[str]) -> dict[str, str]:
        """The values that there are, by name. Raises SecretUnreadable."""
        found = {name: self.value(name) for name in sorted(secret_names)}
        return {name: value for name, value in found.items() if value is not None}

    def digest(self, secret_name: str) -> str | None:
        """``s1:<hex>`` of the value; None where there is none. Raises SecretUnreadable."""
        value = self.value(secret_name)
        return None if value is None else self.digest_value(secret_name, value)

    def digest_value(self, secret_name: str, value: str) -> str:
        """``s1:<hex>`` of a value."""
        key = (secret_name, hashlib.sha256(value.encode()).digest())
        if key not in self._digests:
            self._digests[key] = digest_secret(self.owner, secret_name, value)
        return self._digests[key]

    def digests(self, secret_names: Collection[str]) -> dict[str, str | None]:
        """The digests by name, None where there is no value. Raises SecretUnreadable."""
        return {name: self.digest(name) for name in sorted(secret_names)}

    def _from_file(self, secret_name: str) -> str | None:
        where = f"{self.owner}/{secret_name}"
        path = self.folder / self.owner.project / self.owner.environment / secret_name
        try:
            inside = self.folder.resolve() / self.owner.project / self.owner.environment
            resolved = path.resolve(strict=True)
            if not resolved.is_relative_to(inside):
                raise SecretUnreadable(where, "its file leads out of its environment's folder")
            if not resolved.is_file():
                raise SecretUnreadable(where, "it is no regular file")
            with resolved.open("rb") as file:
                content = file.read(MAX_SECRET + 1)
        except FileNotFoundError:
            return None
        except (OSError, RuntimeError) as error:
            raise SecretUnreadable(where, type(error).__name__) from None
        return _decode(where, content)


def _decode(where: str, content: bytes) -> str:
    if len(content) > MAX_SECRET:
        raise SecretUnreadable(where, f"it has more than {MAX_SECRET >> 10} KiB")
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        raise SecretUnreadable(where, "it is not UTF-8 text") from None
    return text.removesuffix("\n").removesuffix("\r")


def digest_secret(owner: Owner, secret_name: str, value: str) -> str:
    """``s1:`` and scrypt of a value: the same everywhere, with no key to keep, and slow to guess."""
    salt = f"{owner}/{secret_name}".encode()
    return "s1:" + hashlib.scrypt(value.encode(), salt=salt, n=2**14, r=8, p=1, dklen=32).hex()
