"""Short and list forms mean the same as the long ones."""

from __future__ import annotations

import pytest

from spec_texts import document, service_of
from specs.service import Dependency, FileMount, Mount, Port

RESOURCES = (
    document("Volume", "data"),
    document("Network", "front"),
    document("Config", "app", "content: x"),
    document("Secret", "token"),
)
DB = "apiVersion: reconciler/v1\nkind: Service\nmetadata: {name: db}\nspec: {image: 'redis:7'}\n"


@pytest.mark.parametrize(
    ("short", "port"),
    [
        ('"8080:80"', ("8080->80/tcp", Port(target=80, published=8080))),
        ("8080:80", ("8080->80/tcp", Port(target=80, published=8080))),
        ("80", ("80/tcp", Port(target=80))),
        ('"127.0.0.1:8080:80/udp"', (
            "127.0.0.1:8080->80/udp", Port(target=80, published=8080, host_ip="127.0.0.1", protocol="udp"))),
        ('"[::1]:8080:80"', ("::1:8080->80/tcp", Port(target=80, published=8080, host_ip="::1"))),
        ("{target: 80, published: '8080'}", ("8080->80/tcp", Port(target=80, published=8080))),
        ("{target: 80, published: 8080, protocol: udp}", (
            "8080->80/udp", Port(target=80, published=8080, protocol="udp"))),
    ],
)  # fmt: skip
def test_reads_ports(short: str, port: tuple[str, Port]) -> None:
    assert dict(service_of(f"ports: [{short}]").ports) == dict([port])


def test_expands_ranges_of_ports() -> None:
    ports = service_of('ports: ["8000-8002:9000-9002"]').ports
    assert {port.published: port.target for port in ports.values()} == {8000: 9000, 8001: 9001, 8002: 9002}


@pytest.mark.parametrize(
    ("written", "mount"),
    [
        ("data:/var/lib", Mount(source="data")),
        ("data:/var/lib/:ro", Mount(source="data", read_only=True)),
        ("data:/var/lib:rw", Mount(source="data")),
        ("{type: volume, source: data, target: /var/lib}", Mount(source="data")),
        ("{source: data, target: /var/lib, read_only: true}", Mount(source="data", read_only=True)),
        ("{type: tmpfs, target: /var/lib}", Mount(type="tmpfs")),
        ("{type: discard, target: /var/lib}", Mount(type="discard")),
    ],
)
def test_reads_volumes(written: str, mount: Mount) -> None:
    assert service_of(f"volumes: [{written}]", with_documents=RESOURCES).volumes == {"/var/lib": mount}


def test_reads_configs_and_secrets() -> None:
    found = service_of(
        "configs: [app, {source: app, target: /etc/app, mode: 0o440, uid: 10, gid: '20'}]",
        "secrets: [token, {source: token, target: other}, {source: token, target: /x, mode: '0400'}]",
        with_documents=RESOURCES,
    )
    assert found.configs == {
        "/app": FileMount(source="app"),
        "/etc/app": FileMount(source="app", mode=0o440, uid="10", gid="20"),
    }
    assert found.secrets == {
        "/run/secrets/token": FileMount(source="token"),
        "/run/secrets/other": FileMount(source="token"),
        "/x": FileMount(source="token", mode=0o400),
    }


def test_reads_commands_as_a_shell_splits_them_without_a_shell() -> None:
    found = service_of("command: sh -c 'echo \"a b\" $$HOME'", "entrypoint: [/bin/x, 8080]")
    assert found.command == ("sh", "-c", 'echo "a b" $HOME')
    assert found.entrypoint == ("/bin/x", "8080")


def test_a_variable_in_a_command_is_one_word_whatever_it_holds() -> None:
    from spec_texts import effective_of, environment, service

    found = effective_of(service("web", "command: run ${ARG}"), environment("variables: {ARG: 'a b; c'}"))
    assert found.services["web"].command == ("run", "a b; c")


def test_reads_lists_of_pairs() -> None:
    found = service_of("environment: [A=b, 'C=d=e', E=]", "labels: [a.b=c]")
    assert (found.environment, found.labels) == ({"A": "b", "C": "d=e", "E": ""}, {"a.b": "c"})


def test_reads_networks_and_dependencies() -> None:
    listed = service_of("networks: [front]", "depends_on: [db]", with_documents=(*RESOURCES, DB))
    mapped = service_of("networks: {front: }", "depends_on: {db: {}}", with_documents=(*RESOURCES, DB))
    assert listed == mapped
    assert listed.depends_on == {"db": Dependency(condition="service_started")}


@pytest.mark.parametrize(
    ("written", "test"),
    [
        ("pg_isready", ("CMD-SHELL", "pg_isready")),
        ("[CMD, a]", ("CMD", "a")),
        ("[CMD-SHELL, a]", ("CMD-SHELL", "a")),
    ],
)
def test_reads_healthchecks(written: str, test: tuple[str, ...]) -> None:
    check = service_of(f"healthcheck: {{test: {written}, interval: 1m30s, timeout: 500ms}}").healthcheck
    assert check is not None
    assert (check.test, check.interval, check.timeout, check.disable) == (test, 90.0, 0.5, False)


def test_no_healthcheck_is_one_that_is_off() -> None:
    check = service_of("healthcheck: {test: [NONE]}").healthcheck
    assert check is not None
    assert (check.test, check.disable) == (None, True)


def test_canonical_integers_are_text_where_text_is_expected() -> None:
    found = service_of("environment: {PORT: 8080, ZERO: 0, NEGATIVE: -1}", "user: 1000")
    assert found.environment == {"PORT": "8080", "ZERO": "0", "NEGATIVE": "-1"}
    assert found.user == "1000"


def test_sizes_are_binary_as_in_compose() -> None:
    resources = service_of(
        "deploy: {resources: {limits: {memory: 256M, cpus: 1.5}, reservations: {memory: 1g}}}"
    ).deploy
    assert resources.resources.limits.memory == 256 << 20
    assert resources.resources.limits.cpus == 1.5
    assert resources.resources.reservations.memory == 1 << 30
