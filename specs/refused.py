"""Words of the Compose Specification that the language refuses for good, with the reason and the way out."""

from __future__ import annotations

from typing import Final

_WINDOWS: Final = "engines on Windows alone know it; remove it"
_REALTIME: Final = "real-time scheduling lets one container starve its host; write cpu_shares"
_CPUS: Final = "write deploy.resources.limits.cpus: the quota divided by the period"
_HOOK: Final = "it runs unwatched beside the process: write a script that the image starts, or traps in it"

SERVICE: Final = {
    "attach": "it is for a terminal: nothing is attached to what runs",
    "blkio_config": "it names block devices of a host, and weights need one I/O scheduler: set it there",
    "cpu_count": _WINDOWS,
    "cpu_percent": _WINDOWS,
    "cpu_period": _CPUS,
    "cpu_quota": _CPUS,
    "cpu_rt_period": _REALTIME,
    "cpu_rt_runtime": _REALTIME,
    "credential_spec": _WINDOWS,
    "develop": "it watches files of one machine: an environment with worktree: allow takes what is saved",
    "isolation": _WINDOWS,
    "mac_address": "write it at the network that has it: networks: {NAME: {mac_address: ...}}",
    "mem_swappiness": "kernels with cgroup v2 ignore it; write memswap_limit to bound swap",
    "models": "nothing here runs models: write the model's server as a Service",
    "oom_kill_disable": "a process that may not be killed can hang its host; write oom_score_adj",
    "platform": "a digest says the platform: write build.platforms in the Image, or deploy that digest",
    "post_start": _HOOK,
    "pre_stop": _HOOK,
    "provider": "it runs a program of the machine that reads the file: write what it makes as a document",
    "pull_policy": "remove it: images are deployed by digest, and pulled when the engine lacks the digest",
    "runtime": "another runtime is a program of the host, run as root: make it the engine's default",
    "storage_opt": "it works with few storage drivers: bound what is written with a tmpfs or a Volume",
}
"""Word of a Service -> why it is refused, and what to do instead."""
DEPLOY: Final = {
    "endpoint_mode": "one engine has no virtual addresses: a service's name resolves to its instances",
    "labels": "they belong to a swarm's service object, which one engine does not have: write labels",
    "placement": "there is one engine: nothing to choose",
    "resources.reservations.cpus": "one engine sets no CPUs aside: write cpu_shares, a weight",
    "restart_policy": "write restart",
    "rollback_config": "write rollout",
    "update_config": "write rollout",
}
"""Word below ``deploy`` -> the same."""
