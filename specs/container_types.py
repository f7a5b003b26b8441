"""The types of the words about one container (``service_words.py``).

What would reach beyond the container is refused by the types themselves, so a text that never passed the
loader is held to the same rules.
"""

from __future__ import annotations

import ipaddress
import posixpath
import re
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from specs.model import Mode, Model, Size, Text

AbsolutePath = Annotated[str, StringConstraints(pattern=r"^/[^\x00:]*$", max_length=4096)]


def refuse_descriptors(folder: str) -> str:
    """A folder below /proc can be a descriptor that the container's own start left open, and so lead out of
    it (CVE-2024-21626). Raises ValueError."""
    if f"{posixpath.normpath(folder)}/".lstrip("/").startswith("proc/"):
        raise ValueError("expected a folder of the container, not one below /proc")
    return folder


WorkingFolder = Annotated[AbsolutePath, AfterValidator(refuse_descriptors)]
HOST_GATEWAY: Final = "host-gateway"
LOG_DRIVERS: Final = ("fluentd", "gelf", "journald", "json-file", "local", "none", "syslog")
_SYSCTL = re.compile(
    r"net(?:\.[A-Za-z0-9_-]{1,64}){1,8}|kernel\.(?:sem|shm[a-z_]{2,20}|msg[a-z]{2,10})|fs\.mqueue\.[a-z_]{2,30}"
)
_CAPABILITY = re.compile(r"[A-Z_]{2,40}")
_RUNTIME_NOTES: Final = ("org.systemd.property", "run.oci.", "io.katacontainers.", "io.kubernetes.cri")
_HOST_NAME = re.compile(r"(?!.*\.\.)[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,251}[A-Za-z0-9])?")
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_NAMES = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_FILE_OPTION = re.compile(r"-(?:ca-)?(?:cert|key|capath)$")


def read_capability(name: str) -> str:
    """``cap_net_raw`` -> ``NET_RAW``. Raises ValueError."""
    plain = name.upper().removeprefix("CAP_")
    if not _CAPABILITY.fullmatch(plain):
        raise ValueError("expected a capability such as NET_RAW, or ALL")
    return plain


def sort_once(words: tuple[str, ...]) -> tuple[str, ...]:
    """The words of a list whose order means nothing: sorted, each once."""
    return tuple(sorted(set(words)))


def refuse_shared_sysctl(name: str) -> str:
    """Only settings that the kernel keeps for each container's own namespaces. Raises ValueError."""
    if not _SYSCTL.fullmatch(name):
        raise ValueError(
            "expected a setting of the container's own namespaces: net.*, kernel.sem, kernel.shm*, "
            "kernel.msg* or fs.mqueue.*; every other one is the host's"
        )
    return name


def read_address(text: str) -> str:
    """An IP address, without brackets. Raises ValueError."""
    try:
        return str(ipaddress.ip_address(text.removeprefix("[").removesuffix("]")))
    except ValueError:
        raise ValueError("expected an IP address such as 10.0.0.2") from None


def read_host_address(text: str) -> str:
    """An IP address or ``host-gateway``. Raises ValueError."""
    if text == HOST_GATEWAY:
        return text
    try:
        return read_address(text)
    except ValueError:
        raise ValueError(f"expected an IP address, or {HOST_GATEWAY}") from None


def refuse_odd_host_name(name: str) -> str:
    """A name that a hosts file can hold. Raises ValueError."""
    if not _HOST_NAME.fullmatch(name):
        raise ValueError("expected a host name such as db.internal")
    return name


def refuse_odd_names(name: str) -> str:
    """DNS labels with dots between them, 63 characters at most, which is what the kernel holds. Raises
    ValueError."""
    if len(name) > 63 or not _NAMES.fullmatch(name):
        raise ValueError("expected DNS labels with dots between them, at most 63 characters")
    return name


def refuse_runtime_note(name: str) -> str:
    """Annotations that programs of the host obey are no notes. Raises ValueError."""
    if not name or len(name) > 256 or "=" in name or "\x00" in name:
        raise ValueError("expected a name without '='")
    if name.startswith(_RUNTIME_NOTES):
        raise ValueError("expected an annotation that no runtime or init system of the host obeys")
    return name


def refuse_log_driver(name: str) -> str:
    """Drivers that need no credentials of the host and no plugin. Raises ValueError."""
    if name not in LOG_DRIVERS:
        raise ValueError(
            f"expected one of {', '.join(LOG_DRIVERS)}; the others log in with the host's own credentials, "
            "or need a plugin of the engine"
        )
    return name


def refuse_log_option(name: str) -> str:
    """No option that names a file of the host. Raises ValueError."""
    if not re.fullmatch(r"[a-z0-9][a-z0-9.-]{0,63}", name) or re.search(
        r"-(?:ca-)?(?:cert|key|capath)$", name
    ):
        raise ValueError("expected an option of the driver that names no file of the host")
    return name


def refuse_host_socket(value: str) -> str:
    """No value that makes the engine open a socket or a file of the host. Raises ValueError."""
    if re.match(r"(?:unix|unixgram|file):|/", value):
        raise ValueError("expected a value that names no socket or file of the host")
    return value


def refuse_negative_score(score: int) -> int:
    """0 to 1000. Raises ValueError."""
    if not 0 <= score <= 1000:
        raise ValueError("expected 0 to 1000; below 0 the kernel would kill the host's own processes first")
    return score


Account = Annotated[Text, StringConstraints(pattern=r"^(0|[1-9][0-9]{0,8})$")]


class Ulimit(Model):
    """A resource limit of the process (setrlimit); -1 is unlimited."""

    soft: Annotated[int, Field(ge=-1)]
    hard: Annotated[int, Field(ge=-1)]

    @model_validator(mode="after")
    def _in_order(self) -> Ulimit:
        if self.hard != -1 and not -1 < self.soft <= self.hard:
            raise ValueError("expected a soft limit of at most the hard one")
        return self


class Tmpfs(Model):
    """A file system in memory. ``size`` in bytes; without it, half of the host's memory."""

    size: Annotated[Size, Field(ge=1)] | None = None
    mode: Mode | None = None


LogDriver = Annotated[str, AfterValidator(refuse_log_driver)]
LogOption = Annotated[str, AfterValidator(refuse_log_option)]
LogValue = Annotated[Text, AfterValidator(refuse_host_socket)]


class OwnTmpfs(Tmpfs):
    """The same with an owner. Programs in it can be run only where ``exec`` says so."""

    uid: Account | None = None
    gid: Account | None = None
    exec: bool = False


class Logging(Model):
    """Where the output of the process goes, and how."""

    driver: LogDriver | None = None
    options: dict[LogOption, LogValue] = {}


class ListedFile(Model):
    """A file of the same commit with a NAME=VALUE on each line. ``raw`` takes quotes and dollar signs as
    they are."""

    path: Annotated[str, Field(min_length=1, max_length=4096)]
    required: bool = True
    format: Literal["raw"] | None = None


UlimitName = Literal[
    "core",
    "cpu",
    "data",
    "fsize",
    "locks",
    "memlock",
    "msgqueue",
    "nofile",
    "nproc",
    "rss",
    "rttime",
    "sigpending",
    "stack",
]
"""Those that give no precedence over other processes: not nice, not rtprio."""
Capability = Annotated[str, AfterValidator(read_capability)]
HostName = Annotated[str, AfterValidator(refuse_odd_host_name)]
Names = Annotated[Text, AfterValidator(refuse_odd_names)]
Group = Annotated[Text, StringConstraints(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,31}$")]
Exposed = Annotated[Text, StringConstraints(pattern=r"^[0-9]{1,5}(-[0-9]{1,5})?(/(tcp|udp|sctp))?$")]
SysctlName = Annotated[str, AfterValidator(refuse_shared_sysctl)]
Address = Annotated[str, AfterValidator(read_address)]
HostAddress = Annotated[str, AfterValidator(read_host_address)]
ResolverOption = Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]+(:[0-9]+)?$")]
SearchDomain = Annotated[str, StringConstraints(pattern=r"^(\.|[A-Za-z0-9_.-]{1,253})$")]
Annotation = Annotated[str, AfterValidator(refuse_runtime_note)]
Score = Annotated[int, AfterValidator(refuse_negative_score)]
Cpuset = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,4}(-[0-9]{1,4})?(,[0-9]{1,4}(-[0-9]{1,4})?)*$")]
