"""Public keys of ssh: those of an allowed signers file and of a private key; such a file without some."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Collection
from pathlib import Path

from reconciler.fault import ProviderError, Refused

_KEY = re.compile(rb"(?:^|\s)((?:ssh|ecdsa|sk)-[A-Za-z0-9@.-]+)\s+([A-Za-z0-9+/]+=*)")
_TIMEOUT = 20.0
_MAX_FILE = 1 << 20


def public_keys(file: Path) -> frozenset[str]:
    """Every key of an allowed signers file, as base64. Raises Refused (POL021) where it cannot be read."""
    return frozenset(match[2].decode() for match in _KEY.finditer(_read(file)))


def without_keys(file: Path, keys: Collection[str]) -> bytes:
    """The lines of an allowed signers file that name none of the keys. Raises Refused (POL021)."""
    gone = {key.encode() for key in keys}
    lines = _read(file).splitlines(keepends=True)
    return b"".join(line for line in lines if not any(m[2] in gone for m in _KEY.finditer(line)))


def public_key(private: Path) -> str:
    """The public key of a private one, as a line of ``.pub`` has it. Raises Refused (POL021)."""
    variables = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"}
    try:
        done = subprocess.run(
            ["ssh-keygen", "-y", "-P", "", "-f", str(private)],
            env=variables,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_TIMEOUT,
            check=False,
        )
    except FileNotFoundError:
        raise _no_key("ssh-keygen", "not installed, or not in PATH", "install an ssh client") from None
    except (OSError, subprocess.TimeoutExpired):
        raise ProviderError("POL021", str(private), "ssh-keygen could not read it") from None
    found = _KEY.search(done.stdout)
    if done.returncode or found is None:
        seen = "it is no private key of ssh, has a passphrase, or may be read by others"
        raise _no_key(str(private), seen, "ssh-keygen -t ed25519 -N '' -f FILE; chmod 600 FILE")
    return f"{found[1].decode()} {found[2].decode()}"


def _read(file: Path) -> bytes:
    try:
        with file.open("rb") as stream:
            return stream.read(_MAX_FILE)
    except OSError as error:
        seen = error.strerror or "it cannot be read"
        raise _no_key(str(file), seen, "correct the Run file") from None


def _no_key(where: str, seen: str, remedy: str) -> Refused:
    return Refused("POL021", where, seen, "a key of ssh that can be read", remedy)
