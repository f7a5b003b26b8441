"""One environment's specs: choice, patches, variables, registries, and where each value came from."""

from __future__ import annotations

import pytest

from spec_texts import document, effective_of, environment, service, spec_set_of
from specs.effective import effective
from specs.origin import Origin, values_of
from specs.service import SecretRef

DATA = document("Volume", "data")


def codes(*documents: str, files: tuple[str, ...] | None = None) -> list[str]:
    return [problem.code for problem in effective(spec_set_of(*documents), "dev", file_paths=files)[1]]


def test_chooses_by_pattern() -> None:
    services = [service(name) for name in ("api", "api-worker", "mailhog", "web")]
    everything = effective_of(*services, environment())
    some = effective_of(*services, environment('services: {include: ["api*", web], exclude: ["*-worker"]}'))
    assert list(everything.services) == ["api", "api-worker", "mailhog", "web"]
    assert list(some.services) == ["api", "web"]


def test_holds_only_the_resources_that_its_services_name() -> None:
    found = effective_of(
        service("web", "volumes: ['data:/d']", "configs: [app]", "secrets: [token]", "networks: [front]"),
        service("other", "volumes: ['logs:/l']"),
        *(document("Volume", name) for name in ("data", "logs", "unused")),
        *(document("Config", name, "content: x") for name in ("app", "unused")),
        *(document("Secret", name) for name in ("token", "unused")),
        *(document("Network", name) for name in ("front", "unused")),
        environment("services: {exclude: [other]}"),
    )
    held = (found.volumes, found.configs, found.secrets, found.networks)
    assert [list(part) for part in held] == [["data"], ["app"], ["token"], ["front"]]


def test_a_default_network_may_be_declared() -> None:
    found = effective_of(service("web"), document("Network", "default", "internal: true"), environment())
    assert found.networks["default"].internal


def test_maps_registries_and_holds_what_images_build_on() -> None:
    build = "repository: x"
    found = effective_of(
        service("web", image="web"),
        document("Image", "web", "registry: main", build, "build: {contexts: {lib: {image: base}}}"),
        document("Image", "base", "registry: local", build, "build: {}"),
        document("Image", "unused", "registry: main", build, "build: {}"),
        document("Registry", "main", "url: a.example.com"),
        document("Registry", "prod-main", "url: b.example.com"),
        document("Registry", "local", "provider: local"),
        environment("registries: {main: prod-main}"),
    )
    assert {name: image.registry for name, image in found.images.items()} == {
        "web": "prod-main",
        "base": "local",
    }
    assert list(found.registries) == ["local", "prod-main"]


def test_patches_merge_maps_replace_lists_and_delete_by_null() -> None:
    found = effective_of(
        service("web", "environment: {A: a, B: b}", "command: [a, b]", "ports: ['80:80']", "user: root"),
        environment(
            "patches:",
            "  - {kind: Service, name: web, spec: {environment: {A: null, C: c}, command: [z]}}",
            "  - {kind: Service, name: web, spec: {ports: {'80->80/tcp': null}}}",
            "  - {kind: Service, name: web, spec: {ports: {'81->80/tcp': {target: 80, published: 81}}}}",
            "  - {kind: Service, name: web, spec: {user: null, environment: {C: later}}}",
            "  - {kind: Service, name: web, spec: {volumes: ['data:/d']}}",
        ),
        DATA,
    ).services["web"]
    assert found.environment == {"B": "b", "C": "later"}
    assert found.command == ("z",)
    assert list(found.ports) == ["81->80/tcp"]
    assert found.user is None
    assert list(found.volumes) == ["/d"]


def test_patches_turn_text_into_a_secret_and_back() -> None:
    found = effective_of(
        service("web", "environment: {A: plain, B: {secret: old}}"),
        environment(
            "patches: [{kind: Service, name: web, spec: {environment: {A: {secret: new}, B: plain}}}]"
        ),
    ).services["web"]
    assert found.environment == {"A": SecretRef(secret="new"), "B": "plain"}


def test_patches_reach_other_kinds() -> None:
    found = effective_of(
        service("web", "volumes: ['data:/d']", "configs: [app]", image="web"),
        DATA,
        document("Config", "app", "content: x"),
        document("Image", "web", "registry: main", "repository: web", "build: {args: {A: b}}"),
        document("Registry", "main", "url: a.example.com"),
        environment(
            "patches:",
            "  - {kind: Volume, name: data, spec: {labels: [a=b]}}",
            "  - {kind: Config, name: app, spec: {content: 'y'}}",
            "  - {kind: Image, name: web, spec: {build: {args: {A: c}}}}",
        ),
    )
    assert found.volumes["data"].labels == {"a": "b"}
    assert found.configs["app"].content == "y"
    assert found.images["web"].build.args == {"A": "c"}


def test_puts_variables_in_once() -> None:
    found = effective_of(
        service(
            "web",
            "environment: {A: '${NAME}-${NAME}', B: '$${NAME}', C: 'pre-${secret:token}', D: '$$$$'}",
            "labels: ['a=${NAME}']",
            "configs: [app]",
            image="'redis:${TAG}'",
        ),
        document("Config", "app", "content: 'name=${NAME}'"),
        environment("variables: {NAME: '{{ x }} $NAME $$', TAG: 7}"),
    )
    web = found.services["web"]
    assert web.image == "redis:7"
    assert web.environment == {
        "A": "{{ x }} $NAME $$-{{ x }} $NAME $$",
        "B": "${NAME}",
        "C": "pre-${secret:token}",
        "D": "$$",
    }
    assert web.labels == {"a": "{{ x }} $NAME $$"}
    assert found.configs["app"].content == "name={{ x }} $NAME $$"


def test_images_and_registries_take_no_variables() -> None:
    found = effective_of(
        service("web", image="web"),
        document("Image", "web", "registry: main", "repository: web", "build: {args: {A: '$x ${Y}'}}"),
        document("Registry", "main", "url: a.example.com"),
        environment(),
    )
    assert found.images["web"].build.args == {"A": "$x ${Y}"}


def test_a_dependency_that_is_not_required_may_be_left_out() -> None:
    found = effective_of(
        service("web", "depends_on: {db: {required: false}, api: {condition: service_started}}"),
        service("api"),
        service("db"),
        environment("services: {exclude: [db]}"),
    )
    assert list(found.services["web"].depends_on) == ["api"]


def test_looks_for_the_files_of_configs_in_the_commit() -> None:
    documents = (service("web", "configs: [app]"), document("Config", "app", "file: ./conf/"), environment())
    assert codes(*documents, files=("conf/app.conf",)) == []
    assert codes(*documents, files=("config",)) == ["SPEC031"]
    assert codes(*documents) == []


@pytest.mark.parametrize(
    ("mount", "allowed", "expected"),
    [
        ("/srv/data:/d", "/srv/data", []),
        ("/srv/data/x:/d", "/srv/data", ["SPEC035"]),
        ("/:/d", "/", []),
        ("/:/d", "/srv", ["SPEC035"]),
        ("/etc/localtime:/etc/localtime:ro", "", []),
        ("/etc/localtime:/etc/localtime", "", ["SPEC035"]),
        ("/var/run/docker.sock:/d", "/var/run", ["SPEC035"]),
    ],
)
def test_host_mounts_are_allowed_exactly(mount: str, allowed: str, expected: list[str]) -> None:
    allow = f"allow: {{host_mounts: ['{allowed}']}}"
    assert codes(service("web", f"volumes: ['{mount}']"), environment(allow)) == expected


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ("{type: none, o: bind, device: /proc}", ["SPEC035"]),
        ("{o: bind, device: /}", ["SPEC035"]),
        ("{device: /}", ["SPEC035"]),
        ("{type: nfs, o: 'bind,rw', device: /}", ["SPEC035"]),
        ("{type: tmpfs, o: bind, device: /}", ["SPEC035"]),
        ("{type: nfs, o: addr=10.0.0.1, device: ':/export'}", []),
        ("{type: tmpfs, device: tmpfs}", []),
        ("{type: none, o: bind, device: /srv/ok}", []),
    ],
)
def test_a_volumes_options_are_no_way_around(options: str, expected: list[str]) -> None:
    volume = document("Volume", "data", f"driver_opts: {options}")
    allow = environment("allow: {host_mounts: [/srv/ok]}")
    assert codes(service("web", "volumes: ['data:/d']"), volume, allow) == expected


def test_an_unknown_environment_gives_the_nearest() -> None:
    result, problems = effective(spec_set_of(service("web"), environment(name="prod")), "prd")
    assert result is None
    assert [str(problem) for problem in problems] == [
        'specs:1:1: there is no Environment "prd" (did you mean "prod"?)  [SPEC037]'
    ]


def test_tells_where_each_value_came_from() -> None:
    found = effective_of(
        service("web", "environment: {A: a, B: b, C: '${X}'}"),
        environment(
            "variables: {X: x}", "patches: [{kind: Service, name: web, spec: {environment: {B: c}}}]"
        ),
    )
    origins = {value.path: value.origin for value in values_of(found, "Service", "web")}
    assert origins["environment", "A"] == Origin("document", "specs/a.yaml", 6, 20)
    assert origins["environment", "B"] == Origin("patch", "specs/a.yaml", 14, 64)
    assert origins["environment", "C"] == Origin("variable", "specs/a.yaml", 6, 32, "X")
    assert origins["restart",] == Origin("default")


def test_a_patch_of_what_nobody_uses_must_fit_all_the_same() -> None:
    patch = "patches: [{kind: Volume, name: data, spec: {drivr: x}}]"
    assert codes(service("web"), DATA, environment(patch)) == ["SPEC012"]
