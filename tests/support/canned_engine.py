"""An engine that gives recorded answers, and fails where it is told to."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

from providers.docker.engine import READ, Engine, Query
from providers.docker.faults import answer_error
from providers.docker.wire import Answer, silent

RECORDED = Path(__file__).parent.parent / "providers/docker/recorded"
VERSIONS = ("20.10", "26.1")


class CannedEngine(Engine):
    """Answers reads from ``answers``, by path; ``failing`` maps a path to a status, 0 for no answer within
    the deadline (which then is a moment)."""

    def __init__(self, answers: dict[str, Any]) -> None:
        super().__init__("/run/canned.sock")
        self.answers = answers
        self.failing: dict[str, int] = {}
        self.asked: list[str] = []

    @classmethod
    def recorded(cls, version: str) -> CannedEngine:
        return cls(json.loads((RECORDED / f"engine-{version}.json").read_text()))

    async def fetch(self, path: str, query: Query | None = None, deadline: float = READ) -> Answer:
        self.asked.append(path)
        await asyncio.sleep(0)
        status = self.failing.get(path, 200 if path in self.answers else 404)
        if status == 0:
            raise silent(self.where, path, deadline)
        if status >= 400:
            raise answer_error(status, path, "no such thing")
        return Answer(status, {}, json.dumps(self.answers[path]).encode())

    def container(self, ending: str) -> dict[str, Any]:
        """The inspected container whose name ends so."""
        found = (
            a for path, a in self.answers.items() if path.endswith("/json") and path != "/containers/json"
        )
        return next(answer for answer in found if str(answer.get("Name", "")).endswith(ending))
