"""The projection is frozen: an instance's label carries its result for as long as the instance lives."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from spec_texts import document, service_of
from specs.fingerprint import COMPARED, NOT_COMPARED, Content, fingerprint
from specs.service import Service

VECTORS = [
    case
    for name in ("fingerprints.json", "fingerprints-words.json")
    for case in json.loads((Path(__file__).parent / name).read_text())
]
DOCUMENTS = (
    document("Volume", "data"),
    document("Network", "front"),
    document("Config", "app", "content: x"),
    document("Secret", "token"),
    "apiVersion: reconciler/v1\nkind: Service\nmetadata: {name: db}\nspec: {image: 'redis:7'}\n",
)


def of(
    *lines: str, digest: str = "0" * 64, file: str | None = None, external: str = "", image: str = "a:1"
) -> str:
    service = service_of(*lines, with_documents=DOCUMENTS, image=image)
    files = {target: Content(digest, file) for target in service.configs}
    return fingerprint(service, files, {"data": external} if external else {})


@pytest.mark.parametrize("case", VECTORS, ids=lambda case: case["name"])
def test_never_changes(case: dict[str, str | list[str]]) -> None:
    assert of(*case["lines"]) == case["fingerprint"]


@pytest.mark.parametrize(
    "lines",
    [
        ["deploy: {replicas: 3}"],
        ["rollout: {order: stop-first, monitor: 1s}"],
        ["depends_on: [db]"],
        ["drift: {ignore: [{path: user, reason: x}]}"],
        ["restart: unless-stopped"],
        ["networks: [default]"],
        ["environment: {}"],
        ["deploy: {resources: {limits: {}}}"],
        ["rollout: {max_surge: 2}"],
        ["hooks: {pre_deploy: {command: bin/migrate up}, pre_stop: {command: [a, b], timeout: 5s}}"],
        ["expose: [80]"],
        ["read_only: false", "tty: false", "stdin_open: false", "deploy: {mode: replicated}"],
        ["tmpfs: {}", "ulimits: {}", "logging: {options: {}}"],
    ],
)
def test_what_makes_no_other_instance_is_not_in_it(lines: list[str]) -> None:
    assert of(*lines) == of()


def test_the_image_is_not_in_it() -> None:
    assert of(image="b:2") == of()


@pytest.mark.parametrize(
    "lines",
    [
        ["command: []"],
        ["entrypoint: [a]"],
        ["environment: {A: b}"],
        ["environment: {A: {secret: b}}"],
        ["ports: ['80']"],
        ["volumes: ['data:/d']"],
        ["networks: [front]"],
        ["networks: {default: {aliases: [x]}}"],
        ["configs: [app]"],
        ["secrets: [token]"],
        ["healthcheck: {test: a}"],
        ["deploy: {resources: {limits: {memory: 1g}}}"],
        ["restart: always"],
        ["user: root"],
        ["working_dir: /x"],
        ["labels: [a=b]"],
        ["stop_signal: SIGINT"],
        ["stop_grace_period: 1s"],
        ["init: false"],
        ["tmpfs: [/run]"],
        ["ulimits: {core: 0}"],
        ["healthcheck: {test: a, start_interval: 1s}"],
    ],
)
def test_what_makes_another_instance_is(lines: list[str]) -> None:
    assert of(*lines) != of()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("environment: [A=b, C=d]", "environment: {C: d, A: b}"),
        ("ports: ['8080:80']", "ports: [{target: 80, published: 8080, protocol: tcp}]"),
        ("volumes: ['data:/d']", "volumes: [{type: volume, source: data, target: /d, read_only: false}]"),
        ("command: a b", "command: [a, b]"),
        ("cap_drop: [CAP_NET_RAW, all, ALL]", "cap_drop: [ALL, net_raw]"),
        ("ulimits: {nofile: 9}", "ulimits: {nofile: {soft: 9, hard: 9}}"),
        ("tmpfs: '/run:size=1m,mode=755'", "tmpfs: {/run: {size: 1024k, mode: 0o755}}"),
        ("extra_hosts: ['a:::1', 'b=10.0.0.1']", "extra_hosts: {b: 10.0.0.1, a: '[0::1]'}"),
        ("dns: 10.0.0.1", "dns: [10.0.0.1]"),
        ("sysctls: [net.a=1]", "sysctls: {net.a: 1}"),
        ("healthcheck: {test: a, interval: 90s}", "healthcheck: {test: [CMD-SHELL, a], interval: 1m30s}"),
        ("deploy: {resources: {limits: {memory: 1024M}}}", "deploy: {resources: {limits: {memory: 1g}}}"),
    ],
)
def test_another_spelling_is_the_same(one: str, other: str) -> None:
    assert of(one) == of(other)


def test_content_is_in_it_and_the_names_of_documents_are_not() -> None:
    assert of("configs: [app]") != of("configs: [app]", digest="1" * 64)
    assert of("configs: [app]") != of("configs: [app]", file="content")
    renamed = (*DOCUMENTS, document("Config", "other", "content: x"))
    service = service_of("configs: [{source: other, target: /app}]", with_documents=renamed)
    assert fingerprint(service, {"/app": Content("0" * 64)}, {}) == of("configs: [app]")


def test_another_external_volume_makes_another_instance() -> None:
    assert of("volumes: ['data:/d']", external="a") != of("volumes: ['data:/d']", external="b")
    assert of("volumes: ['data:/d']", external="a") != of("volumes: ['data:/d']")


def test_every_field_is_in_it_or_left_out_on_purpose() -> None:
    assert set(Service.model_fields) == COMPARED | NOT_COMPARED
