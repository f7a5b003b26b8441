"""Who signed commits and tags: git's own verification, its exit status, and keys that the Run file names.

An unknown key of ssh is still said to be "Good" by what verifies it; so nothing that is printed is believed.
A signature counts when git ends with 0 under ``gpg.minTrustLevel=fully``, which for ssh takes a principal of
the allowed signers, and for gpg a key of the one keyring, made for the call.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from providers.git.command import GitCommand
from providers.git.signers import without_keys
from reconciler.fault import ProviderError, Refused
from reconciler.repository import Tag

MAX_COMMITS = 20_000
_BATCH = 50
_TIMEOUT = 120.0
_MAX_AUTHOR = 200
_NONE = "/bin/false"
_ADDRESS = re.compile(r".*<([^<>\s]{1,254})>")
_GPG = "batch\nno-tty\nno-autostart\ntrust-model always\nno-auto-key-retrieve\n"


@dataclass(frozen=True, slots=True)
class Keys:
    """Files with the keys that count: allowed signers as ssh-keygen(1) reads them, gpg's public keys.
    ``without``: keys of ssh, as ``public_keys`` gives them, whose lines do not count."""

    allowed_signers: Path | None = None
    gpg_keys: Path | None = None
    without: frozenset[str] = field(default=frozenset(), kw_only=True)


@dataclass(frozen=True, slots=True)
class Unverified:
    """A commit that nobody whom the keys name has signed. ``author`` is as written: anybody's text."""

    commit: str
    author: str
    reason: str


@dataclass(frozen=True, slots=True)
class Signer:
    """Who signed, as the key files say it: for ssh the principals of the key's line, for gpg the address in
    the key's first name; the key's fingerprint last."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Verifier:
    """git with the keys of one policy and no other."""

    git: GitCommand
    options: tuple[str, ...]

    def first_unverified(self, commits: Sequence[str]) -> Unverified | None:
        """The first of the commits, in this order, that does not verify; None when all do. Raises
        ProviderError."""
        bad = next(self.unverified(commits), None)
        return None if bad is None else self.describe(bad)

    def unverified(self, commits: Sequence[str]) -> Iterator[str]:
        """Those that do not verify, in this order. Raises ProviderError."""
        for at in range(0, len(commits), _BATCH):
            batch = commits[at : at + _BATCH]
            if not self.verifies(*batch):
                yield from (commit for commit in batch if not self.verifies(commit))

    def verifies(self, *commits: str) -> bool:
        """Whether every one of them does. Raises ProviderError."""
        return self._verifies("verify-commit", *commits)

    def signer(self, commit: str) -> Signer | None:
        """Who signed a commit; None for a signature that does not verify, or none. Raises ProviderError."""
        if not self.verifies(commit):
            return None
        line = ("log", "-1", "--no-show-signature", "--format=%GS%x00%GF", commit)
        shown = self.git.read(*self.options, *line, timeout=_TIMEOUT).text.split("\0")
        name, fingerprint = shown[0], shown[-1].strip()
        address = _ADDRESS.fullmatch(name.strip())
        names = [address[1]] if address else name.split(",")
        return Signer(tuple(part.strip() for part in (*names, fingerprint) if part.strip()))

    def is_signed(self, tag: Tag) -> bool:
        """Whether the tag object was signed, for this very name and this very commit: an old signed tag
        under another name says nothing. Raises ProviderError."""
        if tag.oid == tag.commit or not self._verifies("verify-tag", tag.oid):
            return False
        lines = self.git.read("cat-file", "tag", tag.oid).text.split("\n", 3)[:3]
        return lines == [f"object {tag.commit}", "type commit", f"tag {tag.name}"]

    def _verifies(self, verb: str, *oids: str) -> bool:
        return self.git.ask(*self.options, verb, *oids, timeout=_TIMEOUT).status == 0

    def describe(self, commit: str) -> Unverified:
        """Why a commit does not verify. Raises ProviderError."""
        line = ("log", "-1", "--no-show-signature", "--format=%G?%x00%an <%ae>", commit)
        signed, _, author = self.git.read(*self.options, *line, timeout=_TIMEOUT).text.partition("\0")
        reason = "is not signed" if signed == "N" else "is signed by nobody whom the keys name"
        return Unverified(commit, author[:_MAX_AUTHOR], reason)


@contextmanager
def open_verifier(git: GitCommand, keys: Keys) -> Iterator[Verifier]:
    """A verifier while the context lasts. Raises Refused (POL021) for keys that cannot be read, or gpg's
    where there is no gpg."""
    signers = _readable(keys.allowed_signers)
    if signers is not None and shutil.which("ssh-keygen") is None:
        raise _no_keys("ssh-keygen", "not installed, or not in PATH", "install an ssh client")
    settings = {
        "gpg.minTrustLevel": "fully",
        "gpg.ssh.program": "ssh-keygen",
        "gpg.ssh.allowedSignersFile": str(signers or os.devnull),
        "gpg.ssh.revocationFile": os.devnull,
        "gpg.program": _NONE,
        "gpg.openpgp.program": _NONE,
        "gpg.x509.program": _NONE,
    }
    with tempfile.TemporaryDirectory(prefix="reconciler-gpg-") as home:
        if signers is not None and keys.without:
            kept = without_keys(signers, keys.without)
            (Path(home) / "signers").write_bytes(kept)
            settings["gpg.ssh.allowedSignersFile"] = f"{home}/signers"
        if keys.gpg_keys is not None:
            settings["gpg.openpgp.program"] = settings["gpg.program"] = _import(keys.gpg_keys, Path(home))
            git = replace(git, quarantine=(*git.quarantine, ("GNUPGHOME", home)))
        options = tuple(part for name, value in settings.items() for part in ("-c", f"{name}={value}"))
        yield Verifier(git, options)


def commits_since(git: GitCommand, tip: str, before: Sequence[str]) -> list[str]:
    """Every commit that ``tip`` contains and none of ``before`` does, those of merged branches too, parents
    first; of nothing before, the tip alone. Raises ProviderError, Refused for more than 20,000."""
    if not before:
        return [tip]
    line = ("rev-list", "--reverse", "--topo-order", f"--max-count={MAX_COMMITS + 1}", tip)
    found = git.read(*line, *(f"^{commit}" for commit in before)).text.split()
    if len(found) > MAX_COMMITS:
        raise Refused(
            "POL020",
            f"commit {tip[:12]}",
            f"more than {MAX_COMMITS} commits to verify",
            "fewer since the last accepted one",
            "name where the signed history begins: signatures: {since: COMMIT}",
        )
    return found


def _readable(path: Path | None) -> Path | None:
    if path is None:
        return None
    try:
        with path.open("rb"):
            return path
    except OSError as error:
        raise _no_keys(str(path), error.strerror or "it cannot be read", "correct the Run file") from None


def _import(keys: Path, home: Path) -> str:
    """The program, once the keyring holds the keys. Raises Refused."""
    _readable(keys)
    program = shutil.which("gpg")
    if program is None:
        raise _no_keys("gpg", "not installed, or not in PATH", "install gnupg, or use ssh signatures alone")
    (home / "gpg.conf").write_text(_GPG)
    variables = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "GNUPGHOME": str(home)}
    try:
        done = subprocess.run(
            [program, "--quiet", "--import", "--", str(keys)],
            env=variables,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_TIMEOUT,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        raise ProviderError("POL021", str(keys), "gpg could not import it") from None
    if done.returncode:
        raise _no_keys(str(keys), "gpg cannot read keys in it", "write it with gpg --export")
    return program


def _no_keys(where: str, seen: str, remedy: str) -> Refused:
    return Refused("POL021", where, seen, "keys that signatures can be verified with", remedy)
