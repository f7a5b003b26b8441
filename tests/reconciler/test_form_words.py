"""The words about one container as fields, and read back from a label, which is hostile input."""

from __future__ import annotations

import json
from typing import Any

import pytest

from all_words import NEWER, NORMAL
from docker_forms import OWNER, form_of, network_of
from reconciler.canonical import fields_of
from reconciler.form import read_form
from specs.environment import Allowed

EVERY = form_of({**NORMAL, **NEWER})
NETWORKS = {"default": network_of(OWNER, "default")}


def test_every_word_is_a_field_and_every_member_of_a_map_one_of_its_own() -> None:
    fields = {path: value for path, value in EVERY.fields.items() if path != "restart"}
    assert fields["ulimits.nproc"] == {"soft": 512, "hard": 1024}
    assert fields["extra_hosts.db.internal"] == ["10.9.8.7", "::1"]
    assert fields["logging.options.max-size"] == "1m"
    assert fields["tmpfs./scratch"] == {
        "size": 16 << 20,
        "mode": 0o750,
        "uid": "7",
        "gid": "8",
        "exec": True,
    }
    assert fields["tmpfs./run"] == {}
    assert {path.partition(".")[0] for path in fields} == (NORMAL | NEWER).keys()
    assert set(EVERY.volume_paths) == {"/run", "/scratch", "/cache"}


def test_a_label_gives_the_same_form_back() -> None:
    again = read_form(OWNER, EVERY.canonical, NETWORKS, {}, allowed=Allowed())
    assert again == EVERY
    assert fields_of(EVERY.canonical) == EVERY.fields


@pytest.mark.parametrize(
    "words",
    [
        {"sysctls": {"kernel.core_pattern": "|/bin/x"}},
        {"sysctls": {"net/../kernel/core_pattern": "x"}},
        {"logging": {"driver": "awslogs"}},
        {"logging": {"driver": "syslog", "options": {"syslog-address": "unix:///var/run/docker.sock"}}},
        {"logging": {"driver": "syslog", "options": {"syslog-tls-cert": "/etc/shadow"}}},
        {"oom_score_adj": -1000},
        {"annotations": {"org.systemd.property.ExecStop": "x"}},
        {"ulimits": {"rtprio": {"soft": 9, "hard": 9}}},
        {"tmpfs": {"/a/../b": {}}},
        {"tmpfs": {"/a": {"size": "x"}}},
        {"extra_hosts": {"a b": ["10.0.0.1"]}},
        {"extra_hosts": {"a": ["10.0.0.1\n6.6.6.6 b"]}},
        {"cpuset": "all"},
        {"shm_size": -1},
        {"hostname": "a\nb"},
    ],
)
def test_a_hostile_label_is_no_service_of_this_version(words: dict[str, Any]) -> None:
    document = json.loads(EVERY.canonical)
    document["service"] |= words
    with pytest.raises(ValueError, match=r"^the form"):
        read_form(OWNER, json.dumps(document), NETWORKS, {}, allowed=Allowed())
