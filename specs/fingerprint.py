"""The versioned projection that answers "is it the same?" (design, section 5: Same or not).

A version's projection never changes: instances carry its result in a label. What the language gains enters
only when it is written, so no upgrade recreates anything.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Final, NamedTuple

from specs.privilege import Privileges
from specs.service import Service

COMPARED: Final = frozenset(Privileges.model_fields) | frozenset(
    {
        *("annotations", "cap_drop", "cpu_shares", "cpuset", "dns", "dns_opt", "dns_search", "domainname"),
        *("extra_hosts", "group_add", "hostname", "init", "logging", "memswap_limit", "oom_score_adj"),
        *("read_only", "shm_size", "stdin_open", "sysctls", "tmpfs", "tty", "ulimits"),
        "command",
        "configs",
        "deploy",
        "entrypoint",
        "environment",
        "healthcheck",
        "labels",
        "networks",
        "ports",
        "restart",
        "secrets",
        "stop_grace_period",
        "stop_signal",
        "user",
        "volumes",
        "working_dir",
    }
)
"""Fields of a service that make another instance. Of ``deploy`` only the resources."""
NOT_COMPARED: Final = frozenset(
    {"image", "rollout", "route", "depends_on", "drift", "hooks", "env_file", "label_file", "expose"}
)
"""Fields that do not: the image is compared apart, what files hold is in environment and labels, and the
others say how, not what. Of the route only whether there is one: its name is then the proxy's."""


class Content(NamedTuple):
    """The content of a Config at a path: its digest (hex), and the file's name when it is a single file."""

    digest: str
    file: str | None = None


def fingerprint(service: Service, files: Mapping[str, Content], externals: Mapping[str, str]) -> str:
    """``v1:<64 hex>`` of the effective service. ``files`` holds the content at each target of a Config,
    ``externals`` the object name of each external Volume that the service names."""
    projection = project(service, files, externals)
    text = json.dumps(projection, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return f"v1:{hashlib.sha256(text.encode()).hexdigest()}"


def project(
    service: Service, files: Mapping[str, Content], externals: Mapping[str, str]
) -> dict[str, object]:
    """The first version's projection: what differs from the defaults, in normal form."""
    written = service.model_dump(mode="json", exclude_defaults=True, include=set(COMPARED))
    deploy = written.pop("deploy", {})
    deploy.pop("replicas", None)
    if deploy:
        written["deploy"] = deploy
    for target, use in written.get("configs", {}).items():
        del use["source"]
        use["digest"], use["file"] = files[target]
    for target, mount in written.get("volumes", {}).items():
        external = externals.get(str(mount.get("source")))
        if external is not None and service.volumes[target].type == "volume":
            mount["external"] = external
    if written.get("networks") == {"default": {}}:
        del written["networks"]
    if service.route is not None:
        written["routed"] = True
    return written
