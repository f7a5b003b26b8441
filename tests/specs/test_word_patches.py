"""Patches of the words about one container: maps are merged member by member, other lists are replaced."""

from __future__ import annotations

import pytest

from spec_texts import effective_of, environment, service
from specs.container_types import OwnTmpfs, Ulimit
from specs.service import Service

SPEC = (
    "ulimits: {nofile: {soft: 1, hard: 8}, nproc: 4}",
    "sysctls: [net.a=1, net.b=2]",
    "extra_hosts: ['a=10.0.0.1', 'b=10.0.0.2']",
    "annotations: [x=1, y=2]",
    "tmpfs: ['/run:size=1m', /tmp]",
    "logging: {driver: json-file, options: {max-size: 1m, max-file: 2}}",
    "dns: [10.0.0.1, 10.0.0.2]",
    "cap_drop: [ALL]",
    "read_only: true",
    "cpu_shares: 512",
)


def patched(patch: str) -> Service:
    changes = f"patches: [{{kind: Service, name: web, spec: {{{patch}}}}}]"
    return effective_of(service("web", *SPEC), environment(changes)).services["web"]


@pytest.mark.parametrize(
    ("patch", "word", "value"),
    [
        ("ulimits: {nofile: {soft: 4}, nproc: null}", "ulimits", {"nofile": Ulimit(soft=4, hard=8)}),
        ("ulimits: {nofile: 9, nproc: null}", "ulimits", {"nofile": Ulimit(soft=9, hard=9)}),
        ("sysctls: {net.a: 3, net.b: null}", "sysctls", {"net.a": "3"}),
        ("extra_hosts: {a: 10.0.0.9, b: null}", "extra_hosts", {"a": ("10.0.0.9",)}),
        ("extra_hosts: ['c=::1']", "extra_hosts", {"a": ("10.0.0.1",), "b": ("10.0.0.2",), "c": ("::1",)}),
        ("annotations: {x: null}", "annotations", {"y": "2"}),
        ("tmpfs: {/run: {mode: 0o700}, /tmp: null}", "tmpfs", {"/run": OwnTmpfs(size=1 << 20, mode=0o700)}),
        ("tmpfs: null", "tmpfs", {}),
        ("dns: 10.0.0.9", "dns", ("10.0.0.9",)),
        ("cap_drop: [NET_RAW]", "cap_drop", ("NET_RAW",)),
        ("read_only: false", "read_only", False),
        ("cpu_shares: null", "cpu_shares", None),
    ],
)  # fmt: skip
def test_a_patch_changes_what_it_names_and_nothing_else(patch: str, word: str, value: object) -> None:
    found, before = patched(patch), patched("stop_signal: SIGINT")
    assert getattr(found, word) == value
    others = set(Service.model_fields) - {word, "stop_signal"}
    assert all(getattr(found, name) == getattr(before, name) for name in others)


def test_options_of_the_log_driver_are_members_too() -> None:
    logging = patched("logging: {options: {max-file: null, tag: web}}").logging
    assert (logging.driver, logging.options) == ("json-file", {"max-size": "1m", "tag": "web"})
