"""How a remote is logged in to: with which files, and nothing else of whoever runs this."""

from __future__ import annotations

import os
import shlex
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from providers.git.url import RemoteUrl

_OWN_SSH = "ssh -oBatchMode=yes -oStrictHostKeyChecking=yes -oConnectTimeout=20"
_PINNED_SSH = (
    *("ssh", "-F", "none", "-oBatchMode=yes", "-oIdentitiesOnly=yes", "-oIdentityAgent=none"),
    *("-oStrictHostKeyChecking=yes", "-oGlobalKnownHostsFile=/dev/null", "-oUpdateHostKeys=no"),
    "-oConnectTimeout=20",
)


@dataclass(frozen=True, slots=True)
class SshFiles:
    """A private key, and the host keys that count; no other configuration, agent or key is used."""

    identity: Path
    known_hosts: Path


@dataclass(frozen=True, slots=True)
class Access:
    """The login for one remote. Without any, ssh is the user's own, and nothing else of the user is asked.

    ``credential`` is a file as git-credential-store(1) reads it; it is read only. ``token`` goes with the
    user name ``x-access-token`` over http; ``account`` says whose it is, since tokens change.
    """

    credential: Path | None = None
    ssh: SshFiles | None = None
    token: str | None = field(default=None, repr=False)
    account: str = ""

    @property
    def name(self) -> str:
        """What tells one login from another: two of them never share a clone."""
        if self.ssh is not None:
            return f"ssh {self.ssh.identity}"
        return self.account or str(self.credential or "")


ANYBODY = Access()


@contextmanager
def login_settings(remote: RemoteUrl, access: Access) -> Iterator[list[str]]:
    """Options of git that log in; good until the block ends. A token is in no argument and no variable."""
    settings = ["-c", "credential.helper=", "-c", f"core.sshCommand={_ssh_line(access.ssh)}"]
    if access.token is None:
        yield [*settings, *(_helper(access.credential) if access.credential else ())]
        return
    with tempfile.TemporaryDirectory(prefix="reconciler-git-") as folder:
        path = Path(folder) / "login"
        host = remote.host if remote.port is None else f"{remote.host}:{remote.port}"
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(descriptor, "w") as stream:
            stream.write(f"{remote.protocol}://x-access-token:{quote(access.token, safe='')}@{host}\n")
        yield [*settings, *_helper(path)]


def _helper(path: Path) -> list[str]:
    # Only ever asked: after a 401 git has its helpers erase the login, and a passing one would cost the file.
    ask = f"git credential-store --file={shlex.quote(str(path.absolute()))} get"
    return ["-c", f'credential.helper=!f() {{ test "$1" != get || {ask}; }}; f']


def _ssh_line(files: SshFiles | None) -> str:
    if files is None:
        return _OWN_SSH
    named = (("IdentityFile", files.identity), ("UserKnownHostsFile", files.known_hosts))
    # ssh splits a value at spaces and expands "%" by itself, after the shell.
    words = [f'-o{word}="{str(path).replace("%", "%%")}"' for word, path in named]
    return shlex.join([*_PINNED_SSH, *words])
