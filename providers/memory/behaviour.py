"""How the containers of an image behave: all that a test needs to say of a program."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended, and what it wrote."""

    code: int
    out: bytes = b""
    err: bytes = b""


Program = Callable[[Mapping[str, bytes], bytes], "Ended | None"]
"""What a command makes of the files that it sees and of its whole input; None: a signal ends it."""


@dataclass(frozen=True, slots=True)
class Behaviour:
    """What the main process of an image does after each start. Times are seconds since the start."""

    healthy_after: float | None = 1.0
    """The health check passes from here on; None: it never does."""
    unhealthy_after: float | None = None
    """The health check fails from here on."""
    flaps_every: float | None = None
    """The health check passes for so long, then fails for as long, and so on."""
    exits_after: float | None = None
    exit_code: int = 1
    exit_times: int | None = None
    """It exits so often in one container's life, then stays up; None: after every start."""
    out_of_memory: bool = False
    no_healthcheck: bool = False
    """The image has no HEALTHCHECK; a service's own one counts all the same."""
    ignores_term: bool = False
    """A stop lasts the whole grace and ends in SIGKILL."""
    start_error: str = ""
    """The engine refuses to start it, for this reason."""
    start_exit_code: int = 127
    log: tuple[str, ...] = ()
    """What it writes at each start."""
    runs: Mapping[tuple[str, ...], Program] = field(default_factory=dict)
    """The commands that one can run in its containers."""
    shows: tuple[str, ...] = ()
    """Paths of files whose content it writes at each start."""
    answers_after: float = 0.0
    """It answers requests from here on."""
    stops_answering_after: float | None = None
    """It answers none from here on, and runs on."""
    fails_under_load: float | None = None
    """So long after slots lead to it, it answers no more, until none leads to it."""
    hooks: Mapping[tuple[str, ...], Behaviour] = field(default_factory=dict)
    """What its hooks do, by command; one that is not named succeeds after a second."""


DEFAULT = Behaviour()
HOOK = Behaviour(exits_after=1.0, exit_code=0, no_healthcheck=True)
