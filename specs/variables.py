"""``${NAME}`` -> the environment's value, once; ``$$`` -> ``$``; ``${secret:NAME}`` stays where it may be."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from specs.node import Entry, Map, Node, Scalar, Sequence
from specs.problem import Report
from specs.suggest import did_you_mean, shown

_DOLLAR = re.compile(
    r"\$(?:(?P<dollar>\$)|\{(?P<name>[A-Za-z_][A-Za-z0-9_]{0,127})\}"
    r"|\{secret:(?P<secret>[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)\})?"
)
SECRET_IN_TEXT: Final = re.compile(r"\$\{secret:([a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)\}")
"""A secret inside a value of ``environment``; group 1 is its name."""
_SPELLINGS: Final = 'write "$$" for a dollar sign, "${NAME}" for a variable of the environment'


@dataclass(frozen=True, slots=True)
class _Substitution:
    variables: Mapping[str, str]
    report: Report

    def walk(self, node: Node, secrets: bool) -> Node:
        """The same tree with variables put in; ``secrets`` tells whether a secret may stand in text."""
        if isinstance(node, Scalar):
            return self._scalar(node, secrets) if "$" in node.text else node
        if isinstance(node, Sequence):
            return Sequence(tuple(self.walk(item, secrets) for item in node.items), node.place)
        entries = {key: Entry(place, self.walk(item, secrets)) for key, (place, item) in node.entries.items()}
        return Map(entries, node.place)

    def _scalar(self, scalar: Scalar, secrets: bool) -> Scalar:
        used: list[str] = []
        wanted = 0

        def replace(match: re.Match[str]) -> str:
            nonlocal wanted
            if match["dollar"]:
                return "$"
            if match["secret"]:
                wanted += 1
                return match[0]
            used.append(match["name"] or "")
            return self.variables.get(match["name"] or "", "")

        text = _DOLLAR.sub(replace, scalar.text)
        self._check(scalar, used, wanted, text, secrets)
        return Scalar(text, scalar.place, False, tuple(used))

    def _check(self, scalar: Scalar, used: list[str], wanted: int, text: str, secrets: bool) -> None:
        place = scalar.place
        if "" in used:
            self.report.add("SPEC033", place, "a dollar sign that stands for nothing", remedy=_SPELLINGS)
        for name in dict.fromkeys(used):
            if name and name not in self.variables:
                hint = did_you_mean(name, self.variables) or "declare it under variables of the Environment"
                seen = f"variable {shown(name)} is not declared"
                self.report.add("SPEC033", place, seen, remedy=f"{hint}; {_SPELLINGS}")
        if wanted and not secrets:
            remedy = "a secret may stand in values of environment, or be a file under secrets"
            self.report.add("SPEC033", place, "a secret in a field that takes none", remedy=remedy)
        if secrets and len(SECRET_IN_TEXT.findall(text)) != wanted:
            remedy = "a value cannot hold this text literally"
            self.report.add("SPEC033", place, "text that reads as a secret after replacement", remedy=remedy)


def substitute(spec: Map, variables: Mapping[str, str], report: Report) -> Map:
    """Put variables into every string value. Values are never looked at again."""
    substitution = _Substitution(variables, report)
    entries = {
        key: Entry(place, substitution.walk(node, key == "environment"))
        for key, (place, node) in spec.entries.items()
    }
    return Map(entries, spec.place)
