"""What a spec may ask of the host without the environment's leave: nothing, through whichever field."""

from __future__ import annotations

import pytest

from spec_texts import document, environment, service
from specs.effective import effective
from specs.load import SpecFile, load
from specs.problem import Problem, has_errors

PATHS = ["/", "/proc", "/etc", "/var/run/docker.sock", "/run/docker.sock", "/dev", "/root/.ssh", "/sys"]
WORDS = [
    "privileged: true",
    "cap_add: [SYS_ADMIN]",
    "cap_add: [ALL]",
    "devices: ['/dev/sda:/dev/sda']",
    "devices: ['vendor.com/class=name']",
    "device_cgroup_rules: ['a *:* rwm']",
    "gpus: all",
    "security_opt: ['seccomp=unconfined']",
    "security_opt: ['apparmor:unconfined']",
    "security_opt: ['label=disable']",
    "security_opt: ['systempaths=unconfined']",
    "ipc: host",
    "pid: host",
    "uts: host",
    "userns_mode: host",
    "cgroup: host",
    "cgroup_parent: /",
    "network_mode: host",
    "network_mode: 'container:other'",
    "pid: 'container:other'",
    "ipc: 'container:other'",
    "volumes_from: ['container:other']",
    "use_api_socket: true",
    "runtime: other",
    "logging: {driver: 'vendor/driver:1'}",
    "logging: {driver: /run/plugin.sock}",
    "labels: {reconciler.owner: shop/prod}",
    "labels: ['reconciler.owner=shop/prod']",
    "annotations: {io.kubernetes.cri-o.userns-mode: auto}",
    "container_name: other",
    "sysctls: {kernel.core_pattern: '|/tmp/x'}",
    "sysctls: ['kernel.modprobe=/tmp/x']",
    "deploy: {replicas: 1000000000}",
    "deploy: {resources: {limits: {memory: 0}}}",
    "deploy: {resources: {limits: {cpus: '-1'}}}",
    "ports: ['1-65535:1-65535']",
    "env_file: ../../etc/passwd",
    "env_file: /etc/passwd",
    "label_file: ../x",
    "storage_opt: {size: 200G}",
    "domainname: 'a b'",
    "hostname: '$(id)'",
    "working_dir: /proc/self/fd/8",
]
"""Each alone: privilege, other tools' names, engine plug-ins, reserved labels, quotas, paths out."""
HARMLESS = {"annotations: {io.kubernetes.cri-o.userns-mode: auto}"}
"""Nothing on a Docker Engine acts on it."""


def problems_of(*documents: str) -> list[Problem]:
    text = "---\n".join([*documents, environment()])
    spec_set, problems = load([SpecFile("specs/a.yaml", text.encode())])
    if not has_errors(problems):
        problems = problems + effective(spec_set, "dev", file_paths=(), read_file=lambda _: b"A=b\n")[1]
    return problems


@pytest.mark.parametrize("word", [word for word in WORDS if word not in HARMLESS])
def test_a_word_that_reaches_further_is_refused(word: str) -> None:
    problems = problems_of(service("web", word))
    assert has_errors(problems), word
    assert all(problem.file and problem.line and problem.subject for problem in problems)
    # a patch is no way around
    patched = environment(f"patches: [{{kind: Service, name: web, spec: {{{word}}}}}]")
    spec_set, found = load([SpecFile("specs/a.yaml", f"{service('web')}---\n{patched}".encode())])
    if not has_errors(found):
        found = found + effective(spec_set, "dev", file_paths=(), read_file=lambda _: b"A=b\n")[1]
    assert has_errors(found), word


@pytest.mark.parametrize("path", PATHS)
def test_the_host_is_mounted_by_no_way(path: str) -> None:
    web = service("web", "volumes: ['v:/x']")
    options = (
        f"driver_opts: {{type: none, o: bind, device: '{path}'}}",
        f"driver_opts: {{type: none, o: rbind, device: '{path}'}}",
        f"driver_opts: {{type: overlay, o: 'lowerdir={path}', device: overlay}}",
        "driver: other",
    )
    ways = [
        [service("web", f"volumes: ['{path}:/x']")],
        [service("web", f"volumes: ['{path}:/x:ro']")],
        [service("web", f"volumes: [{{type: bind, source: '{path}', target: /x}}]")],
        *([document("Volume", "v", option), web] for option in options),
        [document("Config", "c", f"file: '{path}'"), service("web", "configs: [{source: c, target: /x}]")],
    ]
    for way in ways:
        assert has_errors(problems_of(*way)), way


@pytest.mark.parametrize(
    "path", ["//proc", "/proc/", "/proc/../etc", "/./etc", "/var/run/../run/docker.sock"]
)
def test_a_path_has_one_spelling(path: str) -> None:
    allowed = environment("allow: {host_mounts: [/proc, /etc, /run/docker.sock]}")
    text = f"{service('web', f'volumes: [{path!r}:/x]'.replace(chr(39), ''))}---\n{allowed}"
    spec_set, problems = load([SpecFile("specs/a.yaml", text.encode())])
    problems = problems if has_errors(problems) else [*problems, *effective(spec_set, "dev")[1]]
    assert has_errors(problems)


def test_a_service_of_one_environment_names_nothing_of_another() -> None:
    for word in (
        "networks: [shop_prod_default]",
        "environment: {A: {secret: ../prod/token}}",
        "secrets: [prod/x]",
    ):
        assert has_errors(problems_of(service("web", word))), word


@pytest.mark.parametrize("name", ["host", "none", "bridge"])
def test_the_engines_own_networks_are_not_joined(name: str) -> None:
    external = document("Network", "n", "external: true", f"name: {name}")
    assert has_errors(problems_of(external, service("web", "networks: [n]")))
