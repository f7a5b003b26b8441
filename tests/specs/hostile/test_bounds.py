"""Whatever the bytes, reading them ends soon and in little memory. Each case is 256 KiB of one idea."""

from __future__ import annotations

from pathlib import Path

import pytest

from hostile_bytes import read_in_a_child

SIZE = 1 << 18
HEAD = "apiVersion: reconciler/v1\nkind: Service\nmetadata: {name: web}\nspec:\n  image: redis:7\n"
ENVIRONMENT = (
    "apiVersion: reconciler/v1\nkind: Environment\nmetadata: {name: dev}\nspec: {project: shop}\n---\n"
)
CEILING = 150
"""MiB of one process with the language in it; a good file of this size takes about two thirds of it."""


def filled(head: str, piece: str, tail: str = "") -> str:
    """One idea again and again, up to the size; ``{n}`` counts."""
    pieces, length, number = [head], len(head) + len(tail), 0
    while length + len(piece) + 6 < SIZE:
        pieces.append(piece.replace("{n}", str(number)))
        length, number = length + len(pieces[-1]), number + 1
    return "".join([*pieces, tail])


CASES = {
    "nested lists": "[" * SIZE,
    "nested mappings": "{a: " * (SIZE // 4),
    "nested block lists": "- " * (SIZE // 2),
    "nested block mappings": "".join(f"{' ' * n}a:\n" for n in range(1400)),
    "closing brackets": "]" * SIZE,
    "a long key": HEAD + "  " + "k" * (SIZE - 200) + ": 1\n",
    "a long value": HEAD + "  user: " + "v" * (SIZE - 200) + "\n",
    "a long quoted value": HEAD + '  user: "' + "v" * (SIZE - 200) + '"\n',
    "a long block value": HEAD + "  user: |\n" + "    text\n" * (SIZE // 9 - 20),
    "escapes": HEAD + '  user: "' + "\\u0041" * (SIZE // 6 - 40) + '"\n',
    "an open quote": HEAD + '  user: "' + "v\n    " * (SIZE // 6 - 40),
    "one flow list": filled(HEAD + "  command: [", "a, ", "z]\n"),
    "one list of mappings": filled(HEAD + "  ports: [", "{a: 1}, ", "80]\n"),
    "many keys": filled(HEAD + "  environment:\n", "    K{n}: v\n"),
    "many wrong values": filled(HEAD + "  environment:\n", "    K{n}: yes\n"),
    "many unknown fields": filled(HEAD, "  replics{n}: 1\n"),
    "one key again and again": filled(HEAD + "  environment:\n", "    K: v\n"),
    "many anchors": filled(HEAD + "  environment:\n", "    K{n}: &a{n} v\n"),
    "many aliases": filled(HEAD + "  environment:\n    A: &a v\n", "    K{n}: *a\n"),
    "many documents": filled("", "---\na: 1\n"),
    "many empty documents": filled("", "---\n"),
    "many services": filled(
        ENVIRONMENT,
        "apiVersion: reconciler/v1\nkind: Service\nmetadata: {name: s{n}}\nspec: {image: redis:7}\n---\n",
    ),
    "many that depend on nobody": filled(
        "",
        "apiVersion: reconciler/v1\nkind: Service\nmetadata: {name: s{n}}\n"
        "spec: {image: wbe{n}, depends_on: [x{n}], networks: [n{n}]}\n---\n",
    ),
    "a chain of dependencies": filled(
        ENVIRONMENT,
        "apiVersion: reconciler/v1\nkind: Service\nmetadata: {name: s{n}}\n"
        "spec: {image: redis:7, depends_on: [s{n}0]}\n---\n",
    ),
    "many patches": filled(
        HEAD + "---\napiVersion: reconciler/v1\nkind: Environment\nmetadata: {name: dev}\n"
        "spec:\n  project: shop\n  patches:\n",
        "    - {kind: Service, name: web, spec: {labels: {l{n}: v}}}\n",
    ),
    "many variables": filled(
        "apiVersion: reconciler/v1\nkind: Environment\nmetadata: {name: dev}\n"
        "spec:\n  project: shop\n  variables:\n",
        "    V{n}: v\n",
        f"---\n{HEAD}  user: " + "${V1}" * 100 + "\n",
    ),
    "many dollars": ENVIRONMENT + HEAD + '  user: "' + "$" * 200_000 + '"\n',
    "many patterns": filled(
        HEAD + "---\napiVersion: reconciler/v1\nkind: Environment\nmetadata: {name: dev}\n"
        "spec:\n  project: shop\n  services:\n    include:\n",
        "      - '*a*b*c*d*e*f*{n}'\n",
    ),
    "one port range after another": filled(HEAD + "  ports:\n", "    - 1-65535:1-65535\n"),
    "tabs": filled(HEAD, "\t"),
    "comments": filled(HEAD, "#\n"),
    "carriage returns": filled(HEAD, "\r"),
    "tags": filled(HEAD + "  environment:\n", "    K{n}: !!x v\n"),
    "directives": filled("", "%TAG !a{n}! tag:a\n"),
    "question marks": filled(HEAD, "  ? a{n}\n"),
}


@pytest.mark.parametrize("case", sorted(CASES))
def test_a_file_of_one_idea_is_read_in_bounded_time_and_memory(case: str, tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_bytes(CASES[case].encode())
    cost = read_in_a_child(file)
    assert cost.seconds < 5, "a good file of this size takes half a second"
    assert cost.peak < CEILING
    assert cost.problems <= 1_001
    assert cost.longest < 2_000
