"""A container in memory: what it is, and how its process lives."""

from __future__ import annotations

from dataclasses import dataclass, field

from providers.memory.behaviour import Behaviour
from reconciler.desired import Json, ServiceForm
from reconciler.observed import Health, Phase
from specs.privilege import Attachment

_FIRST_DELAY, _LAST_DELAY, _LONG_LIFE = 0.1, 60.0, 10.0
_ALIVE = {Phase.RUNNING, Phase.PAUSED, Phase.RESTARTING}


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A container's place in a network; it outlives the network."""

    network: str
    """The network's name."""
    aliases: tuple[str, ...] = ()
    place: Attachment = Attachment()
    """Its own addresses there."""


@dataclass
class Container:
    """One container. Everything about its process follows from ``behaviour`` and the clock."""

    id: str
    name: str
    image: str
    labels: dict[str, str]
    behaviour: Behaviour
    created_at: float
    restart: str = "no"
    has_check: bool = False
    form: ServiceForm | None = None
    """What its spec label says; None when that cannot be read or it has none."""
    fields: dict[str, Json] = field(default_factory=dict)
    joins: dict[str, str] = field(default_factory=dict)
    """Service whose namespace it shares -> id of that service's container."""
    networks: dict[str, Endpoint] = field(default_factory=dict)
    """By network id; the network may be gone."""
    volumes: dict[str, str] = field(default_factory=dict)
    """Path in the container -> volume's object name."""
    ports: frozenset[int] = frozenset()
    files: dict[str, bytes] = field(default_factory=dict)
    """Files that it sees at their paths: secrets, and Configs as they were at the last start."""
    log: list[str] = field(default_factory=list)
    written: list[float] = field(default_factory=list)
    """When each line of the log was written."""
    phase: Phase = Phase.CREATED
    started_at: float | None = None
    finished_at: float | None = None
    exit_code: int | None = None
    out_of_memory: bool = False
    error: str = ""
    restarts: int = 0
    forced_health: Health | None = None
    _deaths: int = 0
    _stopped: bool = False
    """Somebody stopped it: no restart policy starts it before the engine itself starts again."""
    _delay: float = 0.0
    _probed_since: float = 0.0
    _restart_at: float | None = None

    @property
    def alive(self) -> bool:
        """It runs, is paused, or waits for its restart."""
        return self.phase in _ALIVE

    @property
    def exits(self) -> int:
        """Exits since the last start that was not the restart policy's."""
        return self.restarts + (self.phase in {Phase.EXITED, Phase.DEAD})

    def start(self, now: float) -> None:
        """Start by hand or by us: counts begin again."""
        self.restarts, self._deaths, self._delay, self._stopped = 0, 0, 0.0, False
        self._begin(now)

    def refuse_start(self, reason: str, exit_code: int) -> None:
        """The engine could not start it: it stays as it was, with an error."""
        self.error, self.exit_code = reason, exit_code

    def stop(self, now: float, exit_code: int) -> None:
        """Ended by a stop or a kill through the engine: no policy restarts it."""
        self._stopped = True
        # Between two starts there is no process to stop: it ended as it did.
        own = self.exit_code if self.phase is Phase.RESTARTING else None
        self._end(now, exit_code if own is None else own)

    def die(self, now: float, exit_code: int) -> None:
        """Ended by itself: the restart policy decides what follows."""
        self._deaths += 1
        self._end(now, exit_code)
        if self._will_restart(exit_code):
            lived = now - (self.started_at or now)
            self._delay = _FIRST_DELAY if lived > _LONG_LIFE or not self._delay else self._delay * 2
            self._delay = min(self._delay, _LAST_DELAY)
            self.phase, self.restarts = Phase.RESTARTING, self.restarts + 1
            self._restart_at = now + self._delay

    def pause(self) -> None:
        """Freeze it; the health check stops, which reads as unhealthy."""
        self.phase = Phase.PAUSED

    def unpause(self, now: float) -> None:
        """Let it run on; the health check begins anew."""
        self.phase, self._probed_since = Phase.RUNNING, now

    def outlive_engine(self, now: float) -> None:
        """The engine stopped and started: who runs afterwards?"""
        was_alive = self.alive
        if was_alive:
            self._end(now, 143)
        revives = self.restart == "always" or self.restart.startswith("on-failure")
        stays = self.restart == "unless-stopped" and was_alive and not self._stopped
        if self.started_at is not None and (revives or stays):
            self._begin(now)

    def elapse(self, now: float) -> None:
        """Let everything happen that the behaviour says of the time until ``now``."""
        while (at := self._next_event()) is not None and at <= now:
            if self.phase is Phase.RESTARTING:
                self._begin(at)
            else:
                self.out_of_memory = self.behaviour.out_of_memory
                self.die(at, self.behaviour.exit_code)

    def health(self, now: float) -> tuple[Health, float | None]:
        """The health at ``now`` and since when it is healthy."""
        if not self.has_check or self.started_at is None:
            return Health.NONE, None
        if self.phase is not Phase.RUNNING:
            return Health.UNHEALTHY, None
        verdict = self.forced_health or self._verdict(now - self._probed_since)
        age, does = now - self._probed_since, self.behaviour
        since = self._probed_since + max(does.healthy_after or 0.0, _last_turn(age, does.flaps_every))
        return verdict, since if verdict is Health.HEALTHY else None

    def failing(self, now: float) -> bool:
        """Whether its last probes failed: now, or when it ended."""
        if not self.has_check or self.started_at is None:
            return False
        end = now if self.phase is Phase.RUNNING or self.finished_at is None else self.finished_at
        return (self.forced_health or self._verdict(end - self._probed_since)) is Health.UNHEALTHY

    def _verdict(self, age: float) -> Health:
        does = self.behaviour
        if does.flaps_every is not None and age // does.flaps_every % 2:
            return Health.UNHEALTHY
        if does.unhealthy_after is not None and age >= does.unhealthy_after:
            return Health.UNHEALTHY
        if does.healthy_after is not None and age >= does.healthy_after:
            return Health.HEALTHY
        return Health.STARTING

    def _begin(self, at: float) -> None:
        self.phase, self.started_at, self._probed_since = Phase.RUNNING, at, at
        self.error, self.exit_code, self._restart_at = "", None, None
        self.out_of_memory, self.forced_health = False, None
        self.log.extend(self.behaviour.log)
        for path in self.behaviour.shows:
            content = self.files.get(path)
            text = f"{path}: no such file" if content is None else content.decode(errors="replace")
            self.log.extend(text.splitlines())
        self.written.extend([at] * (len(self.log) - len(self.written)))

    def _end(self, at: float, exit_code: int) -> None:
        self.phase, self.finished_at, self.exit_code = Phase.EXITED, at, exit_code
        self._restart_at = None

    def _next_event(self) -> float | None:
        if self.phase is Phase.RESTARTING:
            return self._restart_at
        does = self.behaviour
        spent = does.exit_times is not None and self._deaths >= does.exit_times
        if self.phase is not Phase.RUNNING or does.exits_after is None or spent or self.started_at is None:
            return None
        return max(self.started_at + does.exits_after, self._probed_since)

    def _will_restart(self, exit_code: int) -> bool:
        if self.restart.startswith("on-failure"):
            limit = self.restart.partition(":")[2]
            return exit_code != 0 and (not limit or self.restarts < int(limit))
        return self.restart in {"always", "unless-stopped"}


def _last_turn(age: float, flaps_every: float | None) -> float:
    """The age at which its health last turned."""
    return age // flaps_every * flaps_every if flaps_every is not None else 0.0
