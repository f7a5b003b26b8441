"""What buildx prints while it builds, as steps with their last lines.

Two forms: ``--progress=rawjson`` (buildx 0.13 and later; one JSON object after the other, of which some
versions spread one over many lines) and ``--progress=plain``.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from reconciler.provider import LogLine

LAST_LINES = 20
_MAX_LINE = 2_000
_MIN_MASKED = 4
_MAX_LINES = 10_000
_MAX_OBJECT = 4 << 20
_TERMINAL = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])")
_PLAIN = re.compile(r"#(\d+) (.*)")
_PLAIN_LOG = re.compile(r"\d+\.\d+ ?(.*)")
_PLAIN_STATE = re.compile(
    r"(?:DONE|CACHED|sha256:|transferring|resolve|extracting|exporting|writing|naming|pushing)"
)
_CANCELLED = ("canceled", "cancelled", "CANCELED")


@dataclass(slots=True)
class Step:
    """One step of a build: its name, its last lines, and why it failed."""

    name: str = ""
    error: str = ""
    lines: deque[str] = field(default_factory=lambda: deque(maxlen=LAST_LINES))


@dataclass(slots=True)
class Progress:
    """Takes the output in pieces. Every line goes to ``log``, printable, shortened, without ``secrets``."""

    log: LogLine
    is_json: bool
    secrets: Sequence[str] = field(default=(), repr=False)
    steps: dict[str, Step] = field(default_factory=dict)
    said: deque[str] = field(default_factory=lambda: deque(maxlen=LAST_LINES))
    """The last lines that belong to no step: buildx's own words."""
    _masked: list[str] = field(default_factory=list, repr=False)
    _partial: str = ""
    _object: list[str] = field(default_factory=list)
    _logged: int = 0

    def __post_init__(self) -> None:
        for secret in self.secrets:
            lines = [line for line in secret.splitlines() if len(line) >= _MIN_MASKED]
            self._masked += [secret, *lines] if secret else []

    def feed(self, piece: bytes) -> None:
        """Take the next bytes of standard error."""
        *lines, self._partial = (self._partial + piece.decode("utf-8", "replace")).split("\n")
        for line in lines:
            self._line(line)
        if len(self._partial) > _MAX_OBJECT:
            self._partial = ""

    def end(self) -> None:
        """Take what stood behind the last line end."""
        self._line(self._partial)
        self._partial = ""

    @property
    def failed(self) -> Step | None:
        """The step that failed by itself, not because another one did."""
        failed = [step for step in self.steps.values() if step.error]
        own = [step for step in failed if not step.error.endswith(_CANCELLED)]
        return next(iter(own or failed), None)

    def _line(self, line: str) -> None:
        if not self.is_json:
            self._plain(line)
        elif self._object or line.startswith("{"):
            self._json(line)
        elif line.strip():
            self._say(self.said, line)

    def _json(self, line: str) -> None:
        self._object.append(line)
        if line.startswith(" ") or not line.endswith("}"):
            if sum(map(len, self._object)) > _MAX_OBJECT:
                self._object.clear()
            return
        text = "\n".join(self._object)
        self._object.clear()
        try:
            status = json.loads(text)
        except (ValueError, RecursionError):
            return
        if isinstance(status, dict):
            self._status(status)

    def _status(self, status: Mapping[str, object]) -> None:
        for vertex in _objects(status.get("vertexes")):
            name, error = str(vertex.get("name", "")), vertex.get("error")
            step = self._step(str(vertex.get("digest")), name, "started" in vertex)
            if error:
                step.error = self._clean(str(error))
        for entry in _objects(status.get("logs")):
            try:
                text = base64.b64decode(str(entry.get("data", ""))).decode("utf-8", "replace")
            except (ValueError, binascii.Error):
                continue
            step = self.steps.setdefault(str(entry.get("vertex")), Step())
            for line in text.removesuffix("\n").split("\n"):
                self._say(step.lines, line)

    def _step(self, identity: str, name: str, has_begun: bool) -> Step:
        step = self.steps.setdefault(identity, Step())
        if has_begun and name and not step.name:
            step.name = self._clean(name)
            self._show(step.name)
        return step

    def _plain(self, line: str) -> None:
        match = _PLAIN.fullmatch(line)
        if not match:
            if line.strip():
                self._say(self.said, line)
            return
        identity, text = match.groups()
        if identity not in self.steps:
            self._step(identity, text, True)
        elif text.startswith(("ERROR: ", "CANCELED")):
            self.steps[identity].error = self._clean(text.removeprefix("ERROR: "))
        elif entry := _PLAIN_LOG.fullmatch(text):
            self._say(self.steps[identity].lines, entry[1])
        elif not _PLAIN_STATE.match(text):
            self._say(self.steps[identity].lines, text)

    def _say(self, lines: deque[str], line: str) -> None:
        cleaned = self._clean(line)
        lines.append(cleaned)
        self._show(cleaned)

    def _show(self, line: str) -> None:
        self._logged += 1
        if self._logged <= _MAX_LINES:
            self.log(line)
        elif self._logged == _MAX_LINES + 1:
            self.log(f"… more than {_MAX_LINES} lines; the rest is not shown")

    def _clean(self, line: str) -> str:
        for part in self._masked:
            line = line.replace(part, "***")
        line = _TERMINAL.sub("", line.rpartition("\r")[2] or line.rstrip("\r"))
        line = "".join(c if c.isprintable() else " " for c in line)
        return line if len(line) <= _MAX_LINE else f"{line[:_MAX_LINE]}…"


def _objects(value: object) -> list[Mapping[str, object]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
