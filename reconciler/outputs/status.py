"""Outputs that say how things are: ``status``, ``why``, ``history``, ``doctor``, ``logs``."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, JsonValue

from reconciler.outputs.parts import DiffPart, Envelope, InstancePart, Name, Part, Time


class LoopPart(Part):
    """The loop that keeps the environment."""

    by: str
    settled_at: Time | None


class SuspensionPart(Part):
    """Hands off, since somebody said so."""

    reason: str
    until: Time | None
    by: str | None


class ReplicasPart(Part):
    """How many there are to be, and how many are ready."""

    desired: int
    ready: int


class CountdownsPart(Part):
    """Seconds that are left; null: not counting."""

    ready: float | None
    progress: float | None
    drain: float | None
    monitor: float | None


class LivingPart(Part):
    """One instance."""

    host: str
    id: str
    name: str
    health: str
    version: str
    started_at: Time | None


class RoutePart(Part):
    """How requests reach a service."""

    hosts: list[str]
    path: str
    urls: list[str]
    inside: str | None
    maintenance: bool
    share: list[dict[str, JsonValue]] | None = Field(description="null: the proxies cannot be asked.")
    draining: list[dict[str, JsonValue]]
    canary: dict[str, JsonValue] | None


class ServicePart(Part):
    """How one service is."""

    service: Name
    state: Literal["settled", "progressing", "waiting", "blocked", "held", "unstable", "suspended", "unknown"]
    commit: str | None
    pin: str | None
    image: str | None
    digest: str | None
    since: Time | None
    replicas: ReplicasPart
    reason: str | None
    suspended: SuspensionPart | None
    countdowns: CountdownsPart
    instances: list[LivingPart]
    route: RoutePart | None


class StatusOutput(Envelope):
    """``reconciler status ENV --json``; with ``--watch`` one a line."""

    loop: LoopPart | None
    suspended: SuspensionPart | None
    observed_at: Time
    services: list[ServicePart]


class ChangePart(Part):
    """One input of an image; null: it was, or is, not there."""

    input: str
    before: str | None
    after: str | None


class RunningPart(Part):
    """What runs."""

    commit: str | None
    input: str
    digest: str | None


class WhyOutput(Envelope):
    """``reconciler why ENV SERVICE --json``."""

    service: Name
    running: RunningPart | None
    inputs: list[ChangePart]
    fields: list[DiffPart]
    last: dict[str, JsonValue] | None


class EntryPart(Part):
    """One thing that happened; of a damaged journal what could be read."""

    at: JsonValue
    commit: JsonValue
    trigger: str | None
    actor: str | None
    result: JsonValue
    duration_s: JsonValue
    services: list[JsonValue]


class HistoryOutput(Envelope):
    """``reconciler history ENV --json``, the newest first."""

    complete: bool
    entries: list[EntryPart]


class CheckPart(Part):
    """One thing that was tried."""

    part: str
    name: str | None
    result: Literal["ok", "warning", "problem"]
    seen: str
    remedy: str | None
    code: str | None


class DoctorOutput(Envelope):
    """``reconciler doctor ENV --json``."""

    checks: list[CheckPart]


class LogsOutput(Part):
    """One line of ``reconciler logs ENV --json``; at the end an envelope, where something failed."""

    output: Literal["reconciler/logs/v1"] = Field(alias="schema")
    service: str
    instance: InstancePart
    number: int | None
    stream: Literal["stdout", "stderr"]
    at: str = Field(description="RFC 3339 in UTC, to the nanosecond.")
    line: str
