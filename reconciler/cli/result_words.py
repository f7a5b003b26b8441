"""Verdicts as the bodies that forges and receivers of notifications understand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from reconciler.cli.verdicts import Standing, Verdict
from reconciler.cli.version import tool_version
from reconciler.desired import Json
from reconciler.ownership import Owner
from reconciler.render import format_time, short_commit
from specs.run_results import Event, Forge

_STATES: Final[Mapping[str, Mapping[Standing, str]]] = {
    "github": {"pending": "pending", "success": "success", "failure": "failure", "error": "error"},
    "gitlab": {"pending": "running", "success": "success", "failure": "failed", "error": "failed"},
    "gitea": {"pending": "pending", "success": "success", "failure": "failure", "error": "error"},
}


_SUPERSEDED: Final = {"github": "error", "gitlab": "canceled", "gitea": "error"}
"""Of these GitLab alone has a word for what nobody waits for any more."""


def context_of(environment: str, service_name: str) -> str:
    """The name of a status: the environment's, or one of its services'."""
    return f"reconciler/{environment}" + (f"/{service_name}" if service_name else "")


def status_body(forge: Forge, environment: str, verdict: Verdict) -> dict[str, Json]:
    """A commit status in the forge's own words."""
    name = "name" if forge.provider == "gitlab" else "context"
    body: dict[str, Json] = {
        "state": _STATES[forge.provider].get(verdict.standing, _SUPERSEDED[forge.provider]),
        "description": verdict.words,
        name: context_of(environment, verdict.service_name),
    }
    return body if forge.link is None else {**body, "target_url": forge.link}


@dataclass(frozen=True, slots=True)
class News:
    """One event. ``verdicts``: the environment's first, then its services'."""

    event: Event
    repository: str
    owner: Owner | None
    environment: str
    """Empty: all of the repository's."""
    commit: str | None
    trigger: str | None
    verdicts: tuple[Verdict, ...]


def notification(news: News, at: float) -> dict[str, Json]:
    """A notification (docs/loop.md). ``at``: seconds since 1970."""
    whole, owner = news.verdicts[0], news.owner
    about = str(owner) if owner is not None else f"{news.repository} {news.environment}".strip()
    shown = f" at {short_commit(news.commit)}" if news.commit else ""
    services: list[Json] = [
        {"service": v.service_name, "standing": v.standing, "words": v.words} for v in news.verdicts[1:]
    ]
    return {
        "schema": "reconciler/notification/v1",
        "tool": f"gitops-reconciler {tool_version()}",
        "event": news.event,
        "at": format_time(at),
        "repository": news.repository,
        "owner": None if owner is None else {"project": owner.project, "environment": owner.environment},
        "environment": news.environment or None,
        "commit": news.commit,
        "trigger": news.trigger,
        "standing": whole.standing,
        "words": whole.words,
        "services": services,
        "text": f"{about}{shown}: {whole.words}",
    }
