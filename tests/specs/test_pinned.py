"""Effective specs in which a service is as another commit says, and what it shares with the others."""

from __future__ import annotations

from spec_texts import document, effective_of, environment, service
from specs.pinned import Merged, check_pins, with_pins
from specs.problem import Place

HERE = Place("specs/a.yaml")
BOTH = ("networks: [front]",)


def merged(now: tuple[str, ...], then: tuple[str, ...]) -> Merged:
    return with_pins(effective_of(environment(), *now), {"web": effective_of(environment(), *then)}, HERE)


def test_takes_the_service_and_what_it_alone_names() -> None:
    found = merged(
        (service("web", "command: [two]"), service("db"), document("Network", "front")),
        (
            service("web", "command: [one]", "networks: [back]", "depends_on: [old, db]"),
            service("old"),
            service("db", "command: [one]"),
            document("Network", "back", "internal: true"),
        ),
    ).effective
    web = found.services["web"]
    assert (web.command, set(web.depends_on), set(found.services)) == (("one",), {"db"}, {"web", "db"})
    assert found.services["db"].command is None
    assert found.networks["back"].internal


def test_how_many_is_todays_where_there_may_be_several() -> None:
    now = (service("web", "deploy: {replicas: 6}"),)
    assert merged(now, (service("web"),)).effective.services["web"].deploy.replicas == 6
    alone = merged(now, (service("web", 'ports: ["80:80"]'),))
    assert alone.effective.services["web"].deploy.replicas == 1


def test_what_others_name_too_is_todays_and_that_is_told() -> None:
    now = (service("web", *BOTH), service("db", *BOTH), document("Network", "front", "internal: true"))
    then = (service("web", *BOTH), service("db", *BOTH), document("Network", "front"))
    found = merged(now, then)
    assert found.effective.networks["front"].internal
    assert found.shared == {"web": ("Network front",)}
    assert merged(now, now).shared == {}
    assert not merged((service("web"), now[2]), then).effective.networks["front"].internal


def test_builds_nothing_that_only_what_was_left_needs() -> None:
    registry = document("Registry", "main", "provider: local")
    images = [
        document("Image", n, "registry: main", f"repository: {n}", "build: {context: .}") for n in ("a", "b")
    ]
    now = (registry, *images, service("web", image="a"), service("db", image="b"))
    assert set(merged(now, (service("web"),)).effective.images) == {"b"}


def test_what_does_not_go_together_is_told() -> None:
    now = effective_of(environment(), service("web"), service("db", 'ports: ["80:8080"]'))
    then = {"web": effective_of(environment(), service("web", 'ports: ["80:80"]'))}
    found = with_pins(now, then, HERE).effective
    assert [problem.code for problem in check_pins(found, then, {"Service": ["web", "db"]})] == ["SPEC030"]
    assert check_pins(now, {}, {"Service": ["web", "db"]}) == []
