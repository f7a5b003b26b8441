"""Our reading of Compose files beside the real Compose's: the corpus, interpolation, merges."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from compose_reference import compare, copy_corpus, corpus_names, read_ours, read_theirs
from ground import RunningEngine
from reconciler.compose.tree import ComposeError

pytestmark = pytest.mark.engine
REFUSED = {"keycloak": "a variable that must have a value", "outside-files": "outside of the repository"}
"""Projects that Compose, or we, do not read; the other one's answer is a note or a refusal of its own."""
SNIPPETS = {
    "defaults": '"${A-d}|${A:-d}|${E-d}|${E:-d}|${S-d}|${S:-d}|${A:-}|${A-$S}|${A:-${E:-${S}}}|$S$$S|x${S}y"',
    "alternatives": '"${A+r}|${A:+r}|${E+r}|${E:+r}|${S+r}|${S:+${E:-n}}|${S:+a:b/c}"',
    "required": '"${S:?message}|${S?message}"',
    "dollars": "'$$|$${S}|a$$b|100%|$$$${S}'",
    "quotes": "'${Q}|${D}|${H}|${M}|${X}|${C}'",
}
ENV = "\n".join(
    (
        "S=set",
        "E=",
        "Q='sin $S gle'",
        'D="dou ${S} \\"ble\\" \\$S"',
        "H=a#b # comment",
        'M="two\nlines"',
        "export X=exp",
        "C: colon",
        "# nothing=here",
        "",
    )
)


def read_both(docker: str, root: Path, docker_config: str | None) -> list[str]:
    """What differs in one folder; both refusing is no difference."""
    environment = {"DOCKER_CONFIG": docker_config} if docker_config else {}
    try:
        theirs = read_theirs(docker, root, root.name, environment)
    except ValueError as error:
        theirs = None
        told = str(error)
    try:
        ours = read_ours(root, root.name)
    except ComposeError as error:
        return [] if theirs is None else [f"we refuse: {error}"]
    return [f"Compose refuses: {told}"] if theirs is None else compare(ours, theirs, root)


@pytest.fixture
def docker(newest_engine: RunningEngine) -> str:
    """The docker client of this run, whose plugins are known."""
    return newest_engine.docker


@pytest.mark.parametrize("name", sorted(set(corpus_names()) - set(REFUSED)))
def test_a_project_of_the_corpus_is_read_as_compose_reads_it(
    name: str, docker: str, docker_config: str | None, tmp_path: Path
) -> None:
    assert read_both(docker, copy_corpus(name, tmp_path), docker_config) == []


def test_interpolation_is_that_of_compose(docker: str, docker_config: str | None, tmp_path: Path) -> None:
    lines = [f"      {name.upper()}: {text}" for name, text in SNIPPETS.items()]
    (tmp_path / ".env").write_text(ENV)
    (tmp_path / "compose.yaml").write_text(
        "services:\n  a:\n    image: x:${S}\n    environment:\n" + "\n".join(lines) + "\n"
    )
    assert read_both(docker, tmp_path, docker_config) == []


MERGES = {
    "lists": ("dns: [1.1.1.1]\n", "dns: [1.1.1.1, 2.2.2.2]\n"),
    "ports": ("ports: ['80:80', '81:81/udp']\n", "ports: ['80:80', {target: 82, published: '82'}]\n"),
    "volumes": ("volumes: ['aa:/x', './y:/y']\n", "volumes: ['bb:/x:ro', {type: tmpfs, target: /z}]\n"),
    "command": ("command: a b\nentrypoint: [x, y]\n", "command: [c]\nentrypoint: z 'q r'\n"),
    "environment": ("environment: [A=1, B]\n", "environment: {A: 2, C: true, D: 1.50, E: 0440}\n"),
    "health": ("healthcheck: {test: a b, retries: 3}\n", "healthcheck: {test: [CMD, c], interval: 1m30s}\n"),
    "deploy": (
        "deploy: {resources: {limits: {cpus: '1'}}}\n",
        "deploy: {resources: {limits: {memory: 1G}}}\n",
    ),
    "reset": ("dns: [1.1.1.1]\nlabels: {a: b}\n", "dns: !reset []\nlabels: !override {c: d}\n"),
    "logging": (
        "logging: {driver: syslog, options: {a: b}}\n",
        "logging: {driver: json-file, options: {c: d}}\n",
    ),
    "networks": ("networks: [n]\n", "networks: {n: {aliases: [q]}, m: }\n"),
    "ulimits": (
        "ulimits: {nofile: 5, nproc: {soft: 1, hard: 2}}\n",
        "ulimits: {nofile: {soft: 6, hard: 7}}\n",
    ),
    "hosts": ("extra_hosts: ['a:1.2.3.4']\n", "extra_hosts: {b: 1.2.3.5}\n"),
    "depends": ("depends_on: [b]\n", "depends_on: {c: {condition: service_healthy}}\n"),
    "build": ("build: {context: ./x, args: {A: 1}}\n", "build: {args: [B=2], target: t}\n"),
    "env_file": ("env_file: one.env\n", "env_file: [two.env]\n"),
}
REST = "  b: {image: b}\n  c: {image: c}\nvolumes: {aa: , bb: }\nnetworks: {n: , m: }\n"


def _indented(text: str) -> str:
    return "".join(f"    {line}\n" for line in text.splitlines())


@pytest.mark.parametrize("name", MERGES)
@pytest.mark.parametrize("way", ["files", "extends", "elsewhere"])
def test_merging_is_that_of_compose(
    name: str, way: str, docker: str, docker_config: str | None, tmp_path: Path
) -> None:
    under, over = MERGES[name]
    (tmp_path / "one.env").write_text("A=1\nB=$A\n")
    (tmp_path / "two.env").write_text("A=2\n")
    top = "" if "build" in under else "    image: x\n"
    base = f"services:\n  a:\n{top}{_indented(under)}"
    if way == "files":
        (tmp_path / "compose.yaml").write_text(base + REST)
        (tmp_path / "compose.override.yaml").write_text(f"services:\n  a:\n{_indented(over)}")
    elif way == "extends":
        text = base.replace("  a:", "  base:") + f"  a:\n    extends: base\n{_indented(over)}" + REST
        (tmp_path / "compose.yaml").write_text(text)
    else:
        (tmp_path / "sub").mkdir()
        (tmp_path / "sub" / "base.yaml").write_text(base)
        (tmp_path / "sub" / "one.env").write_text("A=sub\n")
        extends = "{file: sub/base.yaml, service: a}"
        (tmp_path / "compose.yaml").write_text(
            f"services:\n  a:\n    extends: {extends}\n{_indented(over)}" + REST
        )
    assert read_both(docker, tmp_path, docker_config) == []


def test_the_reference_is_there(docker: str, docker_config: str | None, tmp_path: Path) -> None:
    (tmp_path / "compose.yaml").write_text("services: {a: {image: x}}")
    environment = {"DOCKER_CONFIG": docker_config} if docker_config else {}
    assert json.dumps(read_theirs(docker, tmp_path, tmp_path.name, environment))
