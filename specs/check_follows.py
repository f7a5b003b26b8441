"""Checks of environments that follow others: whom, never in a circle, and what they may patch."""

from __future__ import annotations

from collections.abc import Mapping

from specs.circle import find_circle
from specs.environment import Environment
from specs.problem import Report
from specs.spec_set import Written
from specs.suggest import nearest, shown


def check_follows(environments: Mapping[str, Written], report: Report) -> None:
    """An environment follows another one that there is; its images were built by that one."""
    found = {name: written.model or written.salvaged for name, written in environments.items()}
    followed: dict[str, list[str]] = {}
    for name, environment in found.items():
        if not isinstance(environment, Environment) or environment.follows is None:
            continue
        source, written = environment.follows, environments[name]
        own = report.about(written.subject)
        if source not in environments:
            hint = nearest(source, environments)
            remedy = f'did you mean "{hint}"?' if hint else "name the environment that proves what it takes"
            own.add(
                "SPEC023",
                written.place_of("follows"),
                f"Environment {shown(source)} is not declared",
                remedy=remedy,
            )
            continue
        followed[name] = [source]
        for index, patch in enumerate(environment.patches):
            if patch.kind == "Image":
                seen = "a patch of an Image, in an environment that follows another and builds nothing"
                remedy = f"patch it in Environment {source}"
                own.add("SPEC034", written.place_of("patches", index, "kind"), seen, remedy=remedy)
    circle = find_circle({name: followed.get(name, []) for name in environments})
    if circle:
        place = environments[circle[0]].place_of("follows")
        seen = f"follows goes in a circle: {' -> '.join(circle)}"
        report.about(environments[circle[0]].subject).add(
            "SPEC024", place, seen, remedy="take one of them out"
        )
