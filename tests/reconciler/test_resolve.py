"""Desired: every name becomes an object, every default a value."""

from __future__ import annotations

import pytest

from reconciler.desired import Desired, DesiredImage, Policy
from reconciler.files import ConfigDigest, files_keys
from reconciler.ownership import Owner
from reconciler.resolve import Findings, image_repository, local_registries, resolve, secrets_digest
from spec_texts import document, effective_of, environment, service
from specs.problem import Problem
from specs.reference import Digest, ImageRef
from specs.registry import Registry

OWNER = Owner("shop", "dev")
COMMIT = "c" * 40


def resolved(
    *documents: str,
    images: tuple[str, ...] = (),
    secrets: dict[str, str | None] | None = None,
    locks: dict[str, Digest] | None = None,
) -> tuple[Desired, list[Problem]]:
    found = effective_of(*documents)
    known = {
        name: DesiredImage(name, f"in-{name}", ImageRef("a.example.com", name, f"in-{name}"), b"{}", "main")
        for name in images
    }
    configs = {key: ConfigDigest("0" * 64) for key in files_keys(found.services.values())}
    return resolve(OWNER, COMMIT, found, Findings(known, configs, secrets or {}, locks or {}), Policy(), {})


def web(*lines: str, more: tuple[str, ...] = ()) -> Desired:
    return resolved(service("web", *lines), environment(), *more)[0]


@pytest.mark.parametrize(
    ("lines", "order", "max_unavailable"),
    [
        ([], "start-first", 0),
        (["ports: ['80']"], "start-first", 0),
        (["ports: ['80:80']"], "stop-first", 1),
        (["volumes: ['data:/d']"], "stop-first", 1),
        (["volumes: ['data:/d:ro']"], "start-first", 0),
        (["volumes: [{type: tmpfs, target: /t}]"], "start-first", 0),
        (["volumes: ['data:/d']", "rollout: {order: start-first}"], "start-first", 0),
        (["rollout: {order: stop-first}", "deploy: {replicas: 3}"], "stop-first", 1),
        (["rollout: {max_unavailable: 2}"], "start-first", 2),
    ],
)
def test_gives_the_safe_order(lines: list[str], order: str, max_unavailable: int) -> None:
    found = web(*lines, more=(document("Volume", "data"),)).services["web"]
    assert (found.order, found.max_unavailable) == (order, max_unavailable)


def test_an_image_of_ours_is_its_input_and_another_its_reference() -> None:
    desired, problems = resolved(
        service("web", image="web"),
        service("db", image="postgres:16"),
        document("Image", "web", "registry: main", "repository: web", "build: {}"),
        document("Registry", "main", "url: a.example.com"),
        environment(),
        images=("web",),
    )
    assert problems == []
    ours, theirs = desired.services["web"].image, desired.services["db"].image
    assert (ours.input, ours.image_name, str(ours.ref)) == ("in-web", "web", "a.example.com/web:in-web")
    assert (theirs.input, theirs.image_name, str(theirs.ref)) == ("postgres:16", None, "postgres:16")


def test_a_digest_and_a_lock_decide() -> None:
    digest = Digest.parse(f"sha256:{'1' * 64}")
    desired, _ = resolved(
        service("a", image="redis:7"),
        service("b", image=f"redis@{digest}"),
        environment(),
        locks={"redis:7": digest},
    )
    assert [found.image.locked for found in desired.services.values()] == [digest, digest]


def test_a_service_without_what_it_needs_is_left_alone() -> None:
    desired, problems = resolved(
        service("web", image="web"),
        service("db"),
        document("Image", "web", "registry: main", "repository: web", "build: {}"),
        document("Registry", "main", "url: a.example.com"),
        environment(),
    )
    assert list(desired.services) == ["db"]
    assert desired.excluded == {"web"}
    assert [(problem.code, problem.subject) for problem in problems] == [("SPEC023", "Service web")]


def test_the_default_network_is_there_when_it_is_used() -> None:
    assert list(web().networks) == ["default"]
    only = web("networks: [front]", more=(document("Network", "front"),))
    assert list(only.networks) == ["front"]


def test_other_options_of_a_network_are_another_name() -> None:
    plain = web("networks: [front]", more=(document("Network", "front"),)).networks["front"]
    inside = web("networks: [front]", more=(document("Network", "front", "internal: true"),)).networks[
        "front"
    ]
    same = web("networks: [front]", more=(document("Network", "front", "internal: false"),)).networks["front"]
    assert plain.object_name != inside.object_name
    assert plain.object_name == same.object_name


def test_external_objects_keep_their_own_names() -> None:
    desired = web(
        "networks: [front]",
        "volumes: ['data:/d']",
        more=(
            document("Network", "front", "external: true", "name: proxy_net"),
            document("Volume", "data", "external: true", "name: old_data"),
        ),
    )
    assert desired.networks["front"].object_name == "proxy_net"
    assert desired.volumes["data"].object_name == "old_data"
    form = desired.services["web"].form
    assert (form.networks[0].external, form.mounts[0].external) == (True, True)


def test_files_are_known_by_their_digest() -> None:
    desired = web("configs: [app]", more=(document("Config", "app", "content: x"),))
    (files,) = desired.files.values()
    assert desired.files[files.digest] == files
    assert files.volume == desired.services["web"].form.files[0].volume == f"shop_dev_files_{'0' * 20}"


def test_secrets_are_a_digest_or_missing() -> None:
    spec = service("web", "environment: {A: {secret: one}, B: 'x${secret:two}'}")
    some = resolved(spec, environment(), secrets={"one": "s1:aa"})[0].services["web"]
    whole = resolved(spec, environment(), secrets={"one": "s1:aa", "two": "s1:bb"})[0].services["web"]
    rotated = resolved(spec, environment(), secrets={"one": "s1:aa", "two": "s1:cc"})[0].services["web"]
    assert (some.missing_secrets, some.secrets_digest) == (("two",), "")
    assert whole.missing_secrets == ()
    assert whole.secrets_digest.startswith("s1:")
    assert whole.secrets_digest != rotated.secrets_digest
    assert whole.form.fingerprint == rotated.form.fingerprint
    assert web().services["web"].secrets_digest == ""


def test_the_digest_of_secrets_does_not_depend_on_their_order() -> None:
    digests = {"a": "s1:1", "b": "s1:2"}
    assert secrets_digest(("a", "b"), digests) == secrets_digest(("b", "a"), digests)


def test_a_local_registry_has_a_port_of_its_project() -> None:
    found = effective_of(
        service("web", image="web"),
        document("Image", "web", "registry: here", "repository: web", "build: {}"),
        document("Registry", "here", "provider: local"),
        environment(),
    )
    (registry,) = local_registries(OWNER, found).values()
    assert 20_000 <= registry.port < 30_000
    assert registry.port == local_registries(Owner("shop", "prod"), found)["here"].port
    assert str(image_repository(OWNER, found.registries["here"], "web")) == f"localhost:{registry.port}/web"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("registry.example.com/shop", "registry.example.com/shop/web"),
        ("https://registry.example.com:5000/", "registry.example.com:5000/web"),
        ("localhost:5000", "localhost:5000/web"),
    ],
)
def test_an_image_lives_below_the_registrys_address(url: str, expected: str) -> None:
    assert str(image_repository(OWNER, Registry(url=url), "web")) == expected


def test_what_the_environment_allows_is_policy() -> None:
    desired = resolved(service("web"), environment("allow: {host_mounts: [/srv/x]}"))[0]
    assert desired.policy.allowed.host_mounts == ("/srv/x",)


def test_a_service_that_no_label_holds_is_refused() -> None:
    lines = [f"{name}: {'x' * 100_000}" for name in "ABC"]
    desired, problems = resolved(service("web", f"environment: {{{', '.join(lines)}}}"), environment())
    assert [problem.code for problem in problems] == ["SPEC001"]
    assert desired.excluded == {"web"}
