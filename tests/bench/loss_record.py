"""What became of each request of the load: one line a request in a file, and back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path


class Kind(Enum):
    """What is sent. An ``EVENTS`` is one stream of server-sent events; ``MESSAGE`` one on a WebSocket."""

    NEW = "new"
    KEPT = "kept"
    SLOW = "slow"
    UPLOAD = "upload"
    MESSAGE = "message"
    EVENTS = "events"


class Outcome(Enum):
    """What became of a request, as its client saw it."""

    OK = "ok"
    CLOSED_CLEANLY = "closed_cleanly"
    """A stream that its server ended in order; what was under way was sent again and answered."""
    CLOSED_IDLE = "closed_idle"
    """Sent on a kept connection that was closed before any byte of an answer."""
    HTTP_5XX = "http_5xx"
    HTTP_OTHER = "http_other"
    REFUSED = "refused"
    RESET = "reset"
    """A new connection was closed before any byte of an answer."""
    TIMEOUT = "timeout"
    TRUNCATED = "truncated"
    """The answer or the stream ended before its end."""
    WRONG_BODY = "wrong_body"


_WHOLE = {Outcome.OK, Outcome.CLOSED_CLEANLY}


@dataclass(slots=True)
class Record:
    """One request. Times are seconds of the monotonic clock."""

    id: str
    kind: Kind
    intended: float
    sent: float = 0.0
    done: float = 0.0
    outcome: Outcome = Outcome.OK
    version: str = "-"
    """Who answered."""
    again: Outcome | None = None
    """What became of it when it was sent once more on a new connection."""

    @property
    def is_lost(self) -> bool:
        """Not answered as it should be, also not when it was sent again."""
        return (self.again or self.outcome) not in _WHOLE

    @property
    def is_lost_unless_repeated(self) -> bool:
        """Not answered as it should be the first time."""
        return self.outcome not in _WHOLE

    @property
    def latency(self) -> float:
        """Seconds from when it was to be sent, however late it was."""
        return self.done - self.intended


def write_line(record: Record) -> str:
    again = record.again.value if record.again else "-"
    times = f"{record.intended:.6f}\t{record.sent:.6f}\t{record.done:.6f}"
    head = f"{record.id}\t{record.kind.value}\t{times}"
    return f"{head}\t{record.outcome.value}\t{record.version}\t{again}\n"


def read_records(path: Path) -> list[Record]:
    """All that ``write_line`` wrote, in the order in which they ended."""
    return list(_read(path.read_text().splitlines()))


def _read(lines: Iterable[str]) -> Iterator[Record]:
    for line in lines:
        name, kind, intended, sent, done, outcome, version, again = line.split("\t")
        times = float(intended), float(sent), float(done)
        second = None if again == "-" else Outcome(again)
        yield Record(name, Kind(kind), *times, Outcome(outcome), version, second)
