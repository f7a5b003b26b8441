"""Words that people know from Compose or that the language reserves, and what to write instead."""

from __future__ import annotations

from typing import Final

_ALLOW: Final = "this version grants only host mounts, by the environment's allow.host_mounts"
_INIT: Final = '"reconciler init" writes such values out'

EXTENSION: Final = f"write the fields where they belong; {_INIT}"
COMPOSE_REFUSED: Final = {
    ("Service", name): remedy
    for name, remedy in {
        "container_name": "objects are named after project, environment and service",
        "build": "write a document of kind Image, and its name as image",
        "privileged": _ALLOW,
        "devices": _ALLOW,
        "device_cgroup_rules": _ALLOW,
        "gpus": _ALLOW,
        "cap_add": _ALLOW,
        "security_opt": _ALLOW,
        "network_mode": "name networks under networks; the host's namespaces are not given",
        "ipc": "the host's namespaces are not given",
        "pid": "the host's namespaces are not given",
        "uts": "the host's namespaces are not given",
        "userns_mode": "the host's namespaces are not given",
        "cgroup": "the host's namespaces are not given",
        "cgroup_parent": "the host's namespaces are not given",
        "use_api_socket": _ALLOW,
        "extends": _INIT,
        "env_file": f"write the variables under environment; {_INIT}",
        "profiles": "an Environment chooses its services: services.include and services.exclude",
        "links": "services of one network reach one another by service name",
        "external_links": "join a Network with external: true",
        "volumes_from": "name the same Volume in both services",
        "scale": "write deploy.replicas",
        "mem_limit": "write deploy.resources.limits.memory",
        "mem_reservation": "write deploy.resources.reservations.memory",
        "cpus": "write deploy.resources.limits.cpus",
        "pids_limit": "write deploy.resources.limits.pids",
        "version": "remove it",
    }.items()
}
"""(model, path) of words that the language refuses for good -> what to write instead."""

_SERVICE_NOT_YET: Final = """
    annotations attach blkio_config cap_drop cpu_count cpu_percent cpu_period cpu_quota cpu_rt_period
    cpu_rt_runtime cpu_shares cpuset credential_spec develop dns dns_opt dns_search domainname expose
    extra_hosts group_add hooks hostname init isolation label_file logging mac_address mem_swappiness
    memswap_limit models oom_kill_disable oom_score_adj platform post_start pre_stop provider pull_policy
    read_only route runtime shm_size stdin_open storage_opt sysctls tmpfs tty ulimits
"""
_DEPLOY_NOT_YET: Final = """
    endpoint_mode labels mode placement restart_policy rollback_config update_config
"""
_NETWORKS_NOT_YET: Final = """
    driver_opts gw_priority interface_name ipv4_address ipv6_address link_local_ips mac_address priority
"""
_ALLOW_NOT_YET: Final = """
    capabilities cap_add devices host_namespaces ipc network_mode pid privileged security_opt uts userns_mode
"""

NOT_YET: Final = {
    **{("Service", name): "" for name in _SERVICE_NOT_YET.split()},
    ("Service", "pull_policy"): "remove it: images are deployed by digest",
    ("Service", "expose"): "remove it: neighbours reach every port",
    **{("Service", f"deploy.{name}"): "" for name in _DEPLOY_NOT_YET.split()},
    ("Service", "deploy.update_config"): "write rollout",
    ("Service", "deploy.rollback_config"): "write rollout",
    ("Service", "deploy.restart_policy"): "write restart",
    ("Service", "healthcheck.start_interval"): "",
    ("Service", "deploy.resources.reservations.cpus"): "",
    ("Service", "deploy.resources.reservations.devices"): "",
    **{("Environment", f"allow.{name}"): _ALLOW for name in _ALLOW_NOT_YET.split()},
    **{("Service", f"networks.*.{name}"): "" for name in _NETWORKS_NOT_YET.split()},
    ("Service", "depends_on.*.restart"): "remove it: a rollout does not restart what depends on a service",
    ("Environment", "record"): "",
    ("Environment", "record_age"): "",
    ("Environment", "hotfix"): "",
    ("Environment", "mirror"): "",
    ("Registry", "repositories"): "",
    ("Registry", "managed_by"): "",
    ("Registry", "mirror"): "",
    ("Image", "build.source"): "Reserved: build from a folder of this repository",
    ("Network", "ipam"): "write subnet",
    ("Network", "attachable"): "",
    ("Network", "enable_ipv6"): "",
    ("Secret", "file"): "remove it: a Secret's value is looked up by its name, outside git",
    ("Secret", "environment"): "remove it: a Secret's value is looked up by its name, outside git",
    ("Secret", "external"): "remove it: a Secret's value is looked up by its name, outside git",
    ("Config", "external"): "write file or content",
    ("Config", "environment"): "write file or content",
}
"""(model, path) of words that this version does not act on -> what to do now, where there is something.
``*`` stands for a key of a map."""

_DNS_LABEL: Final = "a lower-case DNS label: letters, digits and '-', at most 63"
PATTERNS: Final = {
    r"^[A-Za-z0-9][A-Za-z0-9._/+#-]{0,199}$": "the name of a branch, such as main",
    r"^[A-Za-z0-9*?][A-Za-z0-9._/*?+-]{0,199}$": "a pattern of tags, such as v*",
    r"^(0|[1-9][0-9]{0,8})$": "the number of a user or group",
    r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$": _DNS_LABEL,
    r"^[^=\x00]{1,256}$": "a variable name without '='",
    r"^[^\x00=]{1,256}$": "a label name without '='",
    r"^/[^\x00:]*$": "an absolute path without ':'",
    r"^(SIG)?[A-Z0-9+-]{2,12}$|^[0-9]{1,2}$": "a signal such as SIGTERM",
    r"^(no|always|unless-stopped|on-failure(:[0-9]{1,3})?)$": '"no", always, unless-stopped or on-failure',
    r"^unix:///[^\x00]+$": "unix:///path/to/socket; this version reaches no other engine",
    r"^[A-Za-z_][A-Za-z0-9_]{0,127}$": "a name of letters, digits and '_'",
    r"^[a-z0-9*?\[\]!-]{1,63}$": "a service name or a pattern such as web-*",
    r"^[a-z0-9]+/[a-z0-9_]+(/v[0-9]+)?$": "a platform such as linux/amd64",
    r"^[a-z0-9]+([._/-][a-z0-9]+)*$": "a repository such as team/web",
    r"^[0-9a-fA-F.:]+/[0-9]{1,3}$": "a subnet such as 10.10.0.0/24",
    r"^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,127}$": "an object name: letters, digits, '_', '.' and '-'",
    r"^[a-z][a-z0-9-]{0,31}$": "the name of a driver",
}
"""What the models' patterns mean, for messages."""
_COMMAND: Final = "a command line or a list"
_LIST_OR_MAP: Final = "a list or a mapping"
LIST_FORMS: Final = {
    ("Service", "command"): _COMMAND,
    ("Service", "entrypoint"): _COMMAND,
    ("Service", "healthcheck.test"): _COMMAND,
    **{("Service", name): "a list" for name in ("ports", "volumes", "configs", "secrets")},
    **{("Service", name): _LIST_OR_MAP for name in ("environment", "labels", "networks", "depends_on")},
}
"""What people may write where the normal form is a map or a list of words."""
RESERVED_VALUES: Final = {
    ("Environment", "runtime.provider"): ("swarm", "ecs"),
    ("Registry", "provider"): ("ecr",),
}
"""Values that the language reserves, by model and path."""
RESERVED_KINDS: Final = ("Release", "Lock", "Run")
"""Kinds that the language reserves and this version does not read."""
