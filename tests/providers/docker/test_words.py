"""The table of words: nothing of the language is missing in it, and what follows from it does follow."""

from __future__ import annotations

import pytest

import words_page
from all_words import NEWER, NORMAL
from docker_forms import OWNER, blueprint_of, form_of
from providers.docker.fields import live_fields
from providers.docker.payload import ImageFacts, create_payload
from providers.docker.traits import traits_of
from providers.docker.words import (
    MENDABLE,
    PRIVILEGE_WORDS,
    PROCESS_WORDS,
    RUNTIME_WORDS,
    WORDS,
    unknown_words,
)
from reconciler.changes import LIMIT_PATHS
from simulated_inspect import inspect_of
from specs.service import Service

FACTS = ImageFacts("sha256:1", {})
EVERY = {
    **NORMAL,
    **NEWER,
    "command": ["a"],
    "entrypoint": ["b"],
    "environment": {"A": "b"},
    "labels": {"a": "b"},
    "user": "1",
    "working_dir": "/w",
    "stop_signal": "SIGINT",
    "stop_grace_period": "2s",
    "healthcheck": {
        "test": ["CMD", "a"],
        "interval": "2s",
        "timeout": "2s",
        "start_period": "2s",
        "start_interval": "1s",
        "retries": 3,
    },
    "deploy": {
        "resources": {
            "limits": {"cpus": "0.5", "memory": "64M", "pids": 9},
            "reservations": {"memory": "32M"},
        }
    },
    "privileged": True,
    "cap_add": ["SYS_TIME"],
    "devices": ["/dev/null:/dev/x:rwm"],
    "device_cgroup_rules": ["c 1:3 r"],
    "gpus": [{"count": 1}],
    "security_opt": ["no-new-privileges:true"],
    "network_mode": "host",
    "ipc": "host",
    "pid": "host",
    "uts": "host",
    "userns_mode": "host",
    "cgroup": "host",
    "cgroup_parent": "x",
}


def test_the_page_of_words_is_not_stale() -> None:
    assert words_page.PAGE.read_text() == words_page.page(), "run python tests/support/words_page.py"


def test_every_field_of_a_service_has_a_row_and_no_row_is_there_twice() -> None:
    paths = [word.path for word in WORDS]
    assert len(set(paths)) == len(paths)
    assert {path.partition(".")[0] for path in paths} == set(Service.model_fields)


def test_every_row_says_where_it_is_or_why_it_is_not_compared() -> None:
    for word in WORDS:
        assert bool(word.at) != bool(word.unseen), word.path
        assert word.write is None or word.read is not None, word.path


def test_what_is_mended_in_place_is_what_a_change_can_set() -> None:
    for path in MENDABLE:
        assert path == "restart" or path.startswith(LIMIT_PATHS), path
    for limit in LIMIT_PATHS:
        assert any(path.startswith(limit) for path in MENDABLE), limit


@pytest.mark.parametrize(
    "word", [*PROCESS_WORDS, *RUNTIME_WORDS, *PRIVILEGE_WORDS], ids=lambda word: word.path
)
def test_a_declared_word_stands_where_its_row_says_and_is_read_back_from_there(word: object) -> None:
    row = next(found for found in WORDS if found is word)
    if row.path == "healthcheck.disable":
        written = {"healthcheck": {"disable": True}}
    else:
        written = EVERY
    form = form_of(written)
    body = create_payload(blueprint_of(form), FACTS, {}, {})
    container = inspect_of("x", body, {})
    place: object = container
    for step in row.at:
        assert isinstance(place, dict)
        place = place[step]
    assert place not in (None, "", [], {})
    declared = {path: value for path, value in form.fields.items() if _is_of(path, row.path)}
    assert declared, row.path
    live = live_fields(OWNER, container, form.fields)
    assert {path: live.get(path) for path in declared} == declared
    _clear(container, row.at)
    gone = live_fields(OWNER, container, form.fields)
    assert all(path in gone and gone[path] != declared[path] for path in declared), row.path


def _is_of(path: str, word: str) -> bool:
    return path.startswith(word) if word.endswith(".") else path == word


def _clear(container: dict[str, object], at: tuple[str, ...]) -> None:
    place: object = container
    for step in at[:-1]:
        assert isinstance(place, dict)
        place = place[step]
    assert isinstance(place, dict)
    place[at[-1]] = None


def test_an_old_engine_is_too_old_for_what_it_drops() -> None:
    assert unknown_words((1, 41)) == {
        "annotations.": (1, 43),
        "healthcheck.start_interval": (1, 44),
        "networks.*.mac_address": (1, 44),
        "volumes.*.subpath": (1, 45),
    }
    assert unknown_words((1, 45)) == {}


def test_what_an_engine_would_drop_is_said_with_what_knows_it() -> None:
    old = traits_of("1.41", {"SwapLimit": False})
    assert dict(old.unknown)["annotations."] == "engine API 1.43 does, this one speaks 1.41"
    assert "swap" in dict(old.unknown)["memswap_limit"]
    assert traits_of("1.51", {"SwapLimit": True}).unknown == ()
    assert traits_of("", {}).mendable == MENDABLE


@pytest.mark.parametrize(("live", "same"), [("0,1", True), ("0-1", True), ("1", False), ("", False)])
def test_other_spellings_of_cpus_are_the_same(live: str, same: bool) -> None:
    form = form_of({"cpuset": "0-1"})
    container = inspect_of("x", create_payload(blueprint_of(form), FACTS, {}, {}), {})
    container["HostConfig"]["CpusetCpus"] = live
    assert (live_fields(OWNER, container, form.fields)["cpuset"] == "0-1") is same
