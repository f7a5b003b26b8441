"""Paths of fields as drift names them: which there are, and which a drift rule means. Pure.

A path is parts with dots between them, as in ``deploy.resources.limits.memory``. In a rule ``*`` stands for
one whole part, and a rule means everything below it too: ``labels`` and ``labels.*`` mean every label.
"""

from __future__ import annotations

from typing import Final

from specs.privilege import Privileges
from specs.suggest import nearest

ANY: Final = "*"
GROUPS: Final = (
    *("annotations", "configs", "environment", "extra_hosts", "labels", "logging.options", "networks"),
    *("ports", "sysctls", "tmpfs", "ulimits", "volumes"),
)
"""Maps: every member is a field of its own, whatever its name."""
_CHECK: Final = "test interval timeout start_period start_interval retries disable"
_LIMITS: Final = "limits.cpus limits.memory limits.pids reservations.memory"
FIELDS: Final = (
    *(name for name in Privileges.model_fields if name not in GROUPS),
    *("cap_drop", "command", "cpu_shares", "cpuset", "dns", "dns_opt", "dns_search", "domainname"),
    *("entrypoint", "group_add", "hostname", "init", "logging.driver", "memswap_limit", "oom_score_adj"),
    *("read_only", "restart", "shm_size", "stdin_open", "stop_grace_period", "stop_signal", "tty", "user"),
    "working_dir",
    *(f"healthcheck.{name}" for name in _CHECK.split()),
    *(f"deploy.resources.{name}" for name in _LIMITS.split()),
)
"""Single fields that are compared with the live container."""


def covers(rule: str, path: str) -> bool:
    """Whether a rule means the field at a path."""
    asked, given = rule.split("."), path.split(".")
    return len(asked) <= len(given) and _agree(asked, given)


def is_known(rule: str) -> bool:
    """Whether a rule can mean a field that is compared. Its first part is a word: a rule for everything would
    be no rule."""
    asked = rule.split(".")
    if "" in asked or asked[0] == ANY:
        return False
    fields = any(len(asked) <= len(path.split(".")) and _agree(asked, path.split(".")) for path in FIELDS)
    return fields or any(_agree(asked, group.split(".")) for group in GROUPS)


def nearest_path(rule: str) -> str | None:
    """The field that was probably meant; of a member, its map."""
    return nearest(rule, (*FIELDS, *GROUPS)) or nearest(rule.partition(".")[0], GROUPS)


def _agree(asked: list[str], given: list[str]) -> bool:
    """As far as both go."""
    return all(one in (ANY, other) for one, other in zip(asked, given, strict=False))
