"""What the command line says, typed."""

from __future__ import annotations

from argparse import Namespace
from dataclasses import dataclass

DEFAULT_TIMEOUT = 15 * 60.0


@dataclass(frozen=True, slots=True)
class Options:
    """One command line. Fields that its verb does not know keep their defaults."""

    verb: str
    environment: str = ""
    service: str = ""
    """The service that ``why`` and ``retry`` are about; empty means every one."""
    repo: str = "."
    ref: str | None = None
    path: str = "specs"
    services: tuple[str, ...] = ()
    """The ``--service`` selection; empty means all."""
    as_json: bool = False
    markdown: bool = False
    worktree: bool = False
    exit_code: bool = False
    strict: bool = False
    off_branch: bool = False
    backwards: bool = False
    allow_prune: str | None = None
    confirm: str | None = None
    logs: bool = False
    timeout: float = DEFAULT_TIMEOUT
    config: str | None = None
    """The Run file of ``run``."""
    secrets: str | None = None
    """The secrets folder; None is the usual one."""
    socket: str | None = None
    """Where the loop listens, for ``hook``."""
    reason: str | None = None
    until: float | None = None
    """Seconds from now after which ``suspend`` ends by itself."""
    limit: int = 20
    """How many entries ``history`` shows."""

    @classmethod
    def read(cls, namespace: Namespace) -> Options:
        """From what argparse found."""
        given = {name: value for name, value in vars(namespace).items() if value is not None}
        given["services"] = tuple(given.get("services", ()))
        return cls(**given)
