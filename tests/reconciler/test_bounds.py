"""What the Run file lets documents say: an absent bound grants nothing, and each refusal names its line."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from reconciler.cli.bounds import BoundsCheck
from specs.effective import Effective, effective
from specs.load import SpecFile, load
from specs.run_file import load_run
from specs.run_repository import RunRepository

_HEAD = "apiVersion: reconciler/v1\nkind: "
_REGISTRY = (
    f"{_HEAD}Registry\nmetadata: {{name: main}}\nspec: {{url: 'r.example.com:5000/shop', auth: AUTH}}\n"
)
_IMAGE = f"{_HEAD}Image\nmetadata: {{name: web}}\nspec: {{registry: main, repository: web, build: {{}}}}\n"
_LOGIN = "{username: ci, password: {secret: registry-password}}"


def environment(words: str = "", project: str = "shop") -> str:
    return f"{_HEAD}Environment\nmetadata: {{name: prod}}\nspec: {{project: {project}{words}}}\n"


def service(words: str = "", image: str = "redis:7") -> str:
    return f"{_HEAD}Service\nmetadata: {{name: web}}\nspec: {{image: '{image}'{words}}}\n"


def read(*documents: str) -> Effective:
    specs, problems = load([SpecFile("specs/all.yaml", "---\n".join(documents).encode())])
    assert problems == []
    found, problems = effective(specs, "prod")
    assert found is not None, problems
    return found


def run_file(words: str) -> bytes:
    repository = f"{{name: shop, folder: /x{words}}}"
    return f"{_HEAD}Run\nmetadata: {{name: r}}\nspec:\n  repositories:\n    - {repository}\n".encode()


def entry(words: str) -> RunRepository:
    found, problems = load_run("run.yaml", run_file(words))
    assert found is not None, [str(problem) for problem in problems]
    return found.spec.repositories[0]


def exceeded(found: Effective, words: str = "", environ: Mapping[str, str] | None = None) -> list[str]:
    return [str(p) for p in BoundsCheck(entry(words), environ or {}).exceeded(found)]


_REGISTERED = (_REGISTRY, _IMAGE, service(image="web"))
_NETWORK = f"{_HEAD}Network\nmetadata: {{name: net}}\nspec: {{external: true, name: proxy}}\n"
_VOLUME = f"{_HEAD}Volume\nmetadata: {{name: data}}\nspec: {{external: true}}\n"
_ROUTE = ", route: {hosts: [shop.example.com, '*.shop.example.com'], port: 8080}"
CASES = {
    "another project": (environment(project="bank"), service()),
    "another engine": (environment(", runtime: {endpoint: 'ssh://root@bank-1'}"), service()),
    "another builder": (environment(", runtime: {builder: big}"), service()),
    "a registry": (environment(), *(d.replace("AUTH", _LOGIN) for d in _REGISTERED)),
    "a docker login": (environment(), *(d.replace("AUTH", "docker") for d in _REGISTERED)),
    "a host path": (
        environment(", allow: {host_mounts: [/srv/media]}"),
        service(", volumes: ['/srv/media:/media']"),
    ),
    "a capability": (environment(", allow: {cap_add: [NET_ADMIN]}"), service(", cap_add: [NET_ADMIN]")),
    "a privilege": (environment(", allow: {privileged: [web]}"), service(", privileged: true")),
    "a network": (environment(), _NETWORK, service(", networks: [net]")),
    "a volume": (environment(), _VOLUME, service(", volumes: ['data:/data']")),
    "a host": (environment(), service(_ROUTE)),
    "an address": (environment(", proxy: {address: '10.0.0.2', https: none}"), service(_ROUTE)),
    "an address of six": (environment(", proxy: {address: '2001:db8::1', http: 8080}"), service(_ROUTE)),
}


@pytest.mark.parametrize("documents", CASES.values(), ids=CASES)
def test_nothing_is_granted_that_is_not_written_and_the_line_shown_grants_it(
    documents: tuple[str, ...],
) -> None:
    found = read(*documents)
    told = exceeded(found)
    assert told, "an absent bound grants nothing"
    for line in told:
        match = re.search(r"Run file: (bounds: \{.*\})\)  \[POL010\]$", line)
        assert match is not None, line
        assert line not in exceeded(found, f", {match[1]}")
    assert exceeded(found, ", bounds: any") == []


def test_what_is_of_its_own_on_this_machines_engine_needs_no_bound() -> None:
    local = f"{_HEAD}Registry\nmetadata: {{name: main}}\nspec: {{provider: local}}\n"
    mine = environment(", runtime: {endpoint: 'unix:///var/run/docker.sock'}")
    assert exceeded(read(mine, local, _IMAGE, service(", ports: ['80:80']", "web"))) == []


def test_hosts_and_ports_are_granted_by_pattern_and_by_address() -> None:
    found = read(environment(), service(_ROUTE))
    granted = ", bounds: {hosts: [shop.example.com, '*.shop.example.com'], listen: [80, 443]}"
    assert exceeded(found, granted) == []
    assert exceeded(found, granted.replace("shop.example.com, '*.shop.example.com'", "'*.example.com'")) == []
    narrow = exceeded(found, granted.replace("'*.shop.example.com'", "a.shop.example.com"))
    assert ["routed at *.shop.example.com" in line for line in narrow] == [True]
    bound = granted.replace("[80, 443]", "['10.0.0.2:80', '10.0.0.2:443']")
    assert len(exceeded(found, bound)) == 2, "all addresses are more than one"
    assert exceeded(read(environment(", proxy: {address: 10.0.0.2}"), service(_ROUTE)), bound) == []
    inside = read(environment(), service(", route: {port: 8080}"))
    assert exceeded(inside) == [], "what neighbours alone reach needs no bound"


def test_a_secret_goes_to_no_other_origin_than_the_one_that_may_have_it() -> None:
    found = read(environment(), *(d.replace("AUTH", _LOGIN) for d in _REGISTERED))
    bounds = ", bounds: {registries: {HOST: {secrets: [NAME]}}}".replace("NAME", "registry-password")
    assert exceeded(found, bounds.replace("HOST", "'r.example.com:5000'")) == []
    assert len(exceeded(found, bounds.replace("HOST", "r.example.com"))) == 2
    other = bounds.replace("HOST", "'r.example.com:5000'").replace("registry-password", "other")
    assert "secret registry-password" in exceeded(found, other)[0]


def test_a_variable_for_one_environment_of_that_name_is_no_grant_to_another() -> None:
    found, variable = read(environment(), service()), {"RECONCILER_ENDPOINT_PROD": "ssh://root@bank-1"}
    assert "RECONCILER_ENDPOINT_PROD is ssh://root@bank-1" in exceeded(found, "", variable)[0]
    assert exceeded(found, ", bounds: {endpoints: ['ssh://root@bank-1']}", variable) == []


def test_the_run_file_says_how_an_engine_is_reached() -> None:
    given = entry(", endpoints: {prod: 'ssh://deploy@prod-1'}")
    check = BoundsCheck(given, {})
    admitted = check.admit(read(environment(", runtime: {endpoint: 'tcp://10.0.0.1:2376'}"), service()))
    assert admitted.environment.runtime.endpoint == "ssh://deploy@prod-1"
    assert admitted.environment.runtime.provider == "docker"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (", bounds: all", "bounds"),
        (", bounds: {registry: {}}", "registry"),
        (", bounds: {endpoints: ['http://x']}", "endpoints"),
        (", bounds: {registries: {'https://r.example.com': {}}}", "registries"),
        (", signatures: {}", "allowed_signers"),
        (", signatures: {allowed_signers: keys}", "allowed_signers"),
        (", signatures: {gpg_keys: /k, since: HEAD}", "since"),
    ],
)
def test_what_is_no_bound_is_told_at_its_place(words: str, said: str) -> None:
    found, problems = load_run("run.yaml", run_file(words))
    assert found is None
    assert any(said in str(p) and str(p).startswith("run.yaml:6:") for p in problems), list(
        map(str, problems)
    )


def test_the_example_is_one(tmp_path: Path) -> None:
    path = Path(__file__).parents[2] / "examples" / "loop" / "run.yaml"
    found, problems = load_run(str(path), path.read_bytes())
    assert problems == []
    assert found is not None
