"""A private ssh server on loopback, with a client configuration of its own, for one test run.

It is Debian's, unpacked beside the machine's programs. An ssh server wants a user, a folder below /run and a
root account that is not locked; it finds them in a mount namespace of its own, so the machine stays as it is.
"""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import pytest

from debian_packages import GroundError, unpack
from ground import can_be_private

CODENAME = "bookworm"
PACKAGES = (
    *("openssh-server", "libwrap0", "libgssapi-krb5-2", "libkrb5-3", "libk5crypto3", "libkrb5support0"),
    *("libcom-err2", "libkeyutils1", "libaudit1", "libcap-ng0", "libpam0g", "libselinux1", "libpcre2-8-0"),
    *("libsystemd0", "libssl3", "libcrypt1", "zlib1g", "libnsl2", "libtirpc3", "libcap2", "libgcrypt20"),
    *("libgpg-error0", "liblzma5", "libzstd1", "liblz4-1"),
)
_ACCOUNTS = """\
root:x:0:0:root:/root:/bin/sh
nobody:x:65534:65534:nobody:/nonexistent:/bin/sh
sshd:x:65500:65534::/run/sshd:/bin/false
"""
_UNLOCKED = "root:*:19000:0:99999:7:::\nnobody:*:19000:0:99999:7:::\nsshd:*:19000:0:99999:7:::\n"
_START = (
    'mount --bind "$1/passwd" /etc/passwd && mount --bind "$1/shadow" /etc/shadow'
    ' && mount -t tmpfs none /run && mkdir -m 755 /run/sshd && exec env LD_LIBRARY_PATH="$2" "$3" -D -e'
    ' -f "$1/sshd_config"'
)


def need_private_server() -> None:
    """Skip the test on a laptop, which cannot start one; never in CI, where it is promised and must start."""
    if os.environ.get("CI") != "true" and (not can_be_private() or os.geteuid() != 0):
        pytest.skip("this machine starts no private ssh server: it is not Debian, or we are not root on it")


@dataclass
class SshServer:
    """Use it in `with`. `settings` are lines of sshd_config; `port` is where it listens."""

    folder: Path
    settings: Sequence[str] = ()
    port: int = field(init=False)

    def __enter__(self) -> Self:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for name in ("host", "identity", "stranger"):
            if not (self.folder / name).exists():
                _run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(self.folder / name))
        self.port = _free_port()
        self._write()
        self._start()
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text(errors="replace")

    def logins(self) -> int:
        """How often somebody has authenticated."""
        return self.log.count("Accepted publickey")

    def trust(self, name: str = "host") -> None:
        """Let clients know this key as the server's; another than `host` is a wrong one."""
        words = (self.folder / f"{name}.pub").read_text().split()[:2]
        names = ",".join(f"[{host}]:{self.port}" for host in ("127.0.0.1", "localhost"))
        (self.folder / "known_hosts").write_text(f"{names} {' '.join(words)}\n")

    def configure(self, port: int | None = None, identity: str = "identity") -> None:
        """The client's own configuration: the host `engine-1`, reached on `port`."""
        (self.folder / "config").write_text(
            f"Host engine-1\n  HostName 127.0.0.1\n  Port {port or self.port}\n  User root\n"
            f"  HostKeyAlias [127.0.0.1]:{self.port}\n"
            f"Host *\n  IdentityFile {self.folder / identity}\n  IdentitiesOnly yes\n"
            f"  UserKnownHostsFile {self.folder / 'known_hosts'}\n  GlobalKnownHostsFile /dev/null\n"
        )

    def client(self, path: str | None = None) -> Mapping[str, str]:
        """A PATH whose `ssh` reads this configuration instead of the user's (ssh asks the system, not HOME,
        where the user's lies)."""
        program = _which("ssh")
        folder = self.folder / "bin"
        folder.mkdir(exist_ok=True)
        (folder / "ssh").write_text(f'#!/bin/sh\nexec {program} -F {self.folder / "config"} "$@"\n')
        (folder / "ssh").chmod(0o755)
        return {"PATH": f"{folder}:{path or os.environ['PATH']}"}

    def _write(self) -> None:
        (self.folder / "passwd").write_text(_ACCOUNTS)
        (self.folder / "shadow").write_text(_UNLOCKED)
        (self.folder / "authorized_keys").write_text((self.folder / "identity.pub").read_text())
        lines = (
            f"Port {self.port}",
            "ListenAddress 127.0.0.1",
            f"HostKey {self.folder / 'host'}",
            f"AuthorizedKeysFile {self.folder / 'authorized_keys'}",
            "PidFile none",
            "UsePAM no",
            "StrictModes no",
            "PasswordAuthentication no",
            "KbdInteractiveAuthentication no",
            "PermitRootLogin yes",
            "MaxStartups 100",
            *self.settings,
        )
        (self.folder / "sshd_config").write_text("\n".join(lines) + "\n")
        self.trust()
        self.configure()

    def _start(self) -> None:
        root = unpack(CODENAME, PACKAGES, ["usr/sbin/sshd"])
        libraries = [str(path) for part in ("usr/lib", "lib") for path in (root / part).glob("*-linux-gnu*")]
        words = ["sh", "-c", _START, "sh", str(self.folder), ":".join(libraries), str(root / "usr/sbin/sshd")]
        with (self.folder / "log").open("wb") as log:
            self._process = subprocess.Popen(
                ["unshare", "--mount", *words], stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        for _ in range(200):
            if "Server listening" in self.log:
                return
            if self._process.poll() is not None:
                break
            time.sleep(0.02)
        raise GroundError(f"the ssh server does not start:\n{self.log}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def _which(name: str) -> str:
    """The system's own program, not a wrapper of ours."""
    for folder in ("/usr/bin", "/bin", "/usr/local/bin"):
        if os.access(f"{folder}/{name}", os.X_OK):
            return f"{folder}/{name}"
    raise GroundError(f"missing program: {name}; run `make setup`")


def _run(*words: str) -> None:
    subprocess.run(words, check=True, capture_output=True)
