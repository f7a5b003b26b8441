"""What inspections meant is remembered by their bytes, and by all else that it depends on."""

from __future__ import annotations

import json

import pytest

from canned_engine import CannedEngine
from providers.docker.live import NetworkNames, live_instance
from providers.docker.translations import Translations
from providers.docker.wire import Answer
from reconciler.ownership import OWNER, SERVICE, Owner
from reconciler.provider import ProviderError

_OWNER = Owner("shop", "dev")
_ID = "a" * 64
_NAMES = NetworkNames({"n1": "shop_dev_default"})


def answer(**words: object) -> Answer:
    labels = {OWNER: str(_OWNER), SERVICE: "web"}
    body = {"Id": _ID, "Name": "/shop_dev_web_1", "Config": {"Labels": labels}, **words}
    return Answer(200, {}, json.dumps(body).encode())


def translations() -> Translations:
    found = Translations()
    found.begin(_OWNER, _NAMES, {_ID})
    return found


def test_the_same_bytes_are_the_same_value_and_other_bytes_are_read_again() -> None:
    known = translations()
    first = known.read(_OWNER, "host", _ID, answer(), {})
    assert first is not None
    known.begin(_OWNER, NetworkNames({"n1": "shop_dev_default"}), {_ID})
    assert known.read(_OWNER, "host", _ID, answer(), {}) is first
    second = known.read(_OWNER, "host", _ID, answer(Name="/shop_dev_web_1_kept"), {})
    assert second is not None
    assert second.name == "shop_dev_web_1_kept"


def test_other_networks_another_host_or_other_labels_of_the_image_are_read_again() -> None:
    known = translations()
    endpoints = {"NetworkSettings": {"Networks": {"x": {"NetworkID": "n1"}}}}
    first = known.read(_OWNER, "host", _ID, answer(**endpoints), {})
    assert first is not None
    assert known.read(_OWNER, "other", _ID, answer(**endpoints), {}) is not first
    assert known.read(_OWNER, "other", _ID, answer(**endpoints), {SERVICE: "web"}) is None
    known.begin(_OWNER, NetworkNames({}), {_ID})
    after = known.read(_OWNER, "host", _ID, answer(**endpoints), {})
    assert after is not None
    assert (first.networks, first.missing_networks) != (after.networks, after.missing_networks)


def test_what_went_away_is_forgotten_and_another_containers_answer_is_refused() -> None:
    known = translations()
    first = known.read(_OWNER, "host", _ID, answer(), {})
    known.begin(_OWNER, _NAMES, set())
    known.begin(_OWNER, _NAMES, {_ID})
    assert known.read(_OWNER, "host", _ID, answer(), {}) == first
    assert known.read(_OWNER, "host", _ID, answer(), {}) is not first
    with pytest.raises(ProviderError, match="another container"):
        known.read(_OWNER, "host", _ID, answer(Id="b" * 64), {})
    with pytest.raises(ProviderError, match="no object"):
        known.read(_OWNER, "host", _ID, Answer(200, {}, b"[]"), {})


@pytest.mark.parametrize("version", ["20.10", "26.1"])
def test_recorded_answers_mean_what_they_mean_without_a_memory(version: str) -> None:
    engine = CannedEngine.recorded(version)
    inspected = [a for path, a in engine.answers.items() if path.startswith("/containers/") and "Id" in a]
    assert inspected
    for container in inspected:
        owner_name = container["Config"]["Labels"].get(OWNER, "a/b")
        owner = Owner(*owner_name.split("/"))
        known, names = Translations(), NetworkNames(None)
        known.begin(owner, names, {container["Id"]})
        body = Answer(200, {}, json.dumps(container).encode())
        for _ in range(2):
            found = known.read(owner, "host", container["Id"], body, {})
            assert found == live_instance(owner, "host", container, {}, names)
