"""Words that people know from Compose or that the language reserves, and what to write instead."""

from __future__ import annotations

from typing import Final

from specs import refused
from specs.privilege import IPC_MODE, NETWORK_MODE, PID_MODE
from specs.route import ROUTE_HOST
from specs.run_push import AUTHOR
from specs.run_results import TARGET

_ALLOW: Final = "mount the engine's socket under volumes, where the environment's allow.host_mounts names it"
_INIT: Final = '"reconciler init" writes such values out'

EXTENSION: Final = f"write the fields where they belong; {_INIT}"
COMPOSE_REFUSED: Final = {
    ("Service", name): remedy
    for name, remedy in {
        **refused.SERVICE,
        **{f"deploy.{name}": remedy for name, remedy in refused.DEPLOY.items()},
        "container_name": "objects are named after project, environment and service",
        "build": "write a document of kind Image, and its name as image",
        "use_api_socket": _ALLOW,
        "extends": _INIT,
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

_NETWORKS_NOT_YET: Final = """
    driver_opts gw_priority interface_name
"""
NOT_YET: Final = {
    ("Service", "deploy.resources.reservations.devices"): "",
    **{("Service", f"networks.*.{name}"): "" for name in _NETWORKS_NOT_YET.split()},
    ("Service", "volumes.*.bind.selinux"): "label the files on the host",
    ("Service", "depends_on.*.restart"): "remove it: a rollout does not restart what depends on a service",
    ("Environment", "mirror"): "",
    ("Registry", "repositories"): "",
    ("Registry", "managed_by"): "",
    ("Registry", "mirror"): "",
    ("Image", "build.source"): "Reserved: build from a folder of this repository",
    ("Secret", "file"): "remove it: a Secret's value is looked up by its name, outside git",
    ("Secret", "environment"): "remove it: a Secret's value is looked up by its name, outside git",
    ("Secret", "external"): "remove it: a Secret's value is looked up by its name, outside git",
    ("Config", "external"): "write file or content",
    ("Config", "environment"): "write file or content",
}
"""(model, path) of words that this version does not act on -> what to do now, where there is something.
``*`` stands for a key of a map."""

_OR_SERVICE: Final = "host or service:NAME"
_HEADER: Final = "the name of a header: letters, digits and '-'"
_DNS_LABEL: Final = "a lower-case DNS label: letters, digits and '-', at most 63"
PATTERNS: Final = {
    NETWORK_MODE: f"none, {_OR_SERVICE}; networks are named under networks",
    IPC_MODE: f"none, private, shareable, {_OR_SERVICE}",
    PID_MODE: _OR_SERVICE,
    r"^[A-Za-z0-9-]{1,64}$": "the number or id of a device",
    r"^([0-9a-f]{2}:){5}[0-9a-f]{2}$": "an address such as 02:42:ac:11:65:43, in lower case",
    r"^[abc] ([0-9]{1,4}|\*):([0-9]{1,4}|\*) (r|w|m|rw|rm|wm|rwm)$": "a rule such as c 1:3 rwm",
    r"^/?[A-Za-z0-9][A-Za-z0-9/._@-]{0,199}$": "the path of a cgroup such as /shop",
    r"^[^/\x00:][^\x00:]*$": "a path below the volume's root, such as app/www",
    r"^[A-Za-z0-9][A-Za-z0-9._/+#-]{0,199}$": "the name of a branch, such as main",
    r"^[A-Za-z0-9*?][A-Za-z0-9._/*?+-]{0,199}$": "a pattern of tags, such as v*",
    r"^(0|[1-9][0-9]{0,8})$": "the number of a user or group",
    r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$": _DNS_LABEL,
    ROUTE_HOST: "a host name such as shop.example.com, or *. and one; no other patterns",
    r"^/[A-Za-z0-9._~!$&'()+,;=:@%/-]*$": "a path such as /api, with all that is below it; no patterns",
    r"^/[A-Za-z0-9._~!$&'()*+,;=:@%/?-]*$": "a path such as /healthz",
    r"^[A-Za-z0-9!#$%&'+.^_`|~-]{1,128}$": _HEADER,
    r"^[^\x00-\x08\x0a-\x1f\x7f{}]*$": "one line without braces, which the proxy would read as placeholders",
    r"^[^{}]*$": "text without braces, which the proxy would read as placeholders",
    r"^(https?://|/)[^\x00-\x20\x7f{}]*$": "a URL of http or https, or a path, without braces",
    r"^[a-z]+/[a-z0-9.+-]+(; ?charset=[a-zA-Z0-9-]+)?$": "a type such as text/html; charset=utf-8",
    r"^[^@\s{}]{1,64}@[^@\s{}]{1,255}$": "an address such as ops@example.com",
    r"^[0-9a-fA-F.:]{2,45}$": "an address such as 10.0.0.2",
    r"^[0-9a-fA-F.:]{2,45}(/[0-9]{1,3})?$": "a network such as 10.0.0.0/8, or an address",
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
    r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,31}$": "the name or number of a group",
    r"^[0-9]{1,5}(-[0-9]{1,5})?(/(tcp|udp|sctp))?$": "a port such as 8080 or 53/udp",
    r"^[a-z0-9-]+(:[0-9]+)?$": "an option of the resolver such as ndots:2",
    r"^(\.|[A-Za-z0-9_.-]{1,253})$": "a domain such as shop.internal",
    r"^[0-9]{1,4}(-[0-9]{1,4})?(,[0-9]{1,4}(-[0-9]{1,4})?)*$": "CPUs such as 0-1 or 0,2",
    r"^(sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$": "a digest: sha256: and 64 hexadecimal digits",
    r"^([0-9a-f]{40}|[0-9a-f]{64})$": "a full commit id: 40 hexadecimal digits",
    r"^in-[0-9a-f]{32}$": "an input key: in- and 32 hexadecimal digits",
    r"^v[0-9]{1,3}:[0-9a-f]{64}$": "a fingerprint: v1: and 64 hexadecimal digits",
    r"^[^/\x00][^\x00]{0,1023}$": "a path from the repository's root",
    r"^([01][0-9]|2[0-3]):[0-5][0-9]$": "a time of day such as 09:00, in quotes",
    r"^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$": "a time of day such as 17:00, in quotes; 24:00 is midnight",
    r"^\d{4}-\d\d-\d\d(T\d\d:\d\d)?$": "a date such as 2026-12-24, or 2026-12-24T18:00, in quotes",
    AUTHOR: "a name and an address such as Reconciler <reconciler@example.com>",
    TARGET: "an address of https, or of http on this machine itself, without a password",
    r"^[^\x00-\x1f\x7f]{1,255}$": "the name of a status, on one line",
    r"^[^\x00-\x1f\x7f]{1,500}$": "one line of at most 500 characters",
    r"^[^\s\x00-\x1f\x7f,]{1,254}$": "a signer as the keys name it, such as alice@example.com",
    r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$": "a login at the forge, such as alice",
    r"^[A-Za-z][A-Za-z0-9_+-]{0,31}(/[A-Za-z0-9_+-]{1,31}){0,2}$": "a time zone such as Europe/Berlin",
    r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$": "a time such as 2026-01-31T12:00:00Z",
}
"""What the models' patterns mean, for messages."""
_COMMAND: Final = "a command line or a list"
_LIST_OR_MAP: Final = "a list or a mapping"
LIST_FORMS: Final = {
    ("Service", "command"): _COMMAND,
    ("Service", "entrypoint"): _COMMAND,
    ("Service", "healthcheck.test"): _COMMAND,
    ("Service", "route"): "a mapping such as {host: shop.example.com, port: 8080}",
    **{("Service", name): "a list" for name in ("ports", "volumes", "configs", "secrets")},
    **{("Service", name): _LIST_OR_MAP for name in ("environment", "labels", "networks", "depends_on")},
    **{("Service", name): _LIST_OR_MAP for name in ("annotations", "extra_hosts", "sysctls", "tmpfs")},
    **{("Service", name): "a word or a list" for name in ("dns", "dns_search", "env_file", "label_file")},
}
"""What people may write where the normal form is a map or a list of words."""
RESERVED_VALUES: Final = {
    ("Environment", "runtime.provider"): ("swarm", "ecs"),
    ("Registry", "provider"): ("ecr",),
}
"""Values that the language reserves, by model and path."""
RESERVED_KINDS: Final = ("Run",)
"""Kinds that the language reserves and this version does not read."""
