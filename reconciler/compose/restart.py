"""``restart``: which services are jobs, and what the others do when they end."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from reconciler.compose.tree import Tree, listed, mapping, text_of
from reconciler.compose.work import ServiceWork

_ONCE: Final = re.compile(
    r"(?i)(?:^|[-_])(?:init|migrate|migrations?|migrator|setup|seed|bootstrap|createbuckets?|provision)(?:$|[-_])"
)
_ENDS: Final = re.compile(r"(?i)exit 0;?\s*$|manage\.py migrate|db:migrate|--cluster create|alembic upgrade")


def find_jobs(services: Mapping[str, Tree]) -> frozenset[str]:
    """Services that run to their end: others wait for that, or their own words say so."""
    awaited = {
        name
        for service in services.values()
        for name, words in mapping(service.get("depends_on")).items()
        if mapping(words).get("condition") == "service_completed_successfully"
    }
    return frozenset(
        name for name, service in services.items() if name in awaited or _ends(name, service, services)
    )


def _ends(name: str, service: Tree, services: Mapping[str, Tree]) -> bool:
    policy = _policy(service)
    if policy in ("always", "unless-stopped") or service.get("ports") or service.get("healthcheck"):
        return False
    if any(name in mapping(other.get("depends_on")) for other in services.values()):
        return False
    line = " ".join(text_of(part) for word in ("entrypoint", "command") for part in listed(service.get(word)))
    return bool(_ONCE.search(name) or _ENDS.search(line)) or (policy == "no" and "restart" in service)


def _policy(service: Tree) -> str:
    """What Compose does: ``no`` unless something else is written."""
    condition = text_of(mapping(mapping(service.get("deploy")).get("restart_policy")).get("condition"))
    swarm = {"any": "always", "on-failure": "on-failure", "none": "no"}.get(condition, "")
    written = service.get("restart")
    return swarm or ("no" if written in (None, "", False) else text_of(written))


def convert_restart(work: ServiceWork) -> None:
    """The restart policy. Reconciler keeps services running; Compose, without the word, does not."""
    policy = _policy(work.service)
    policy = work.flat(policy)
    if work.compose_name in work.whole.jobs:
        work.spec["restart"] = policy if policy.startswith("on-failure") else "no"
        work.note("job", "runs to its end, once for each version, instead of at each start")
    elif policy in ("always", "unless-stopped"):
        if policy != "unless-stopped":
            work.spec["restart"] = policy
    elif work.service.get("restart") is None and policy == "no":
        work.note("restart", "is kept running (unless-stopped), while Compose without restart lets it end")
    else:
        work.note("restart", f"restart {policy} is for jobs here: it is kept running (unless-stopped)")
