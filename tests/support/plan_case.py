"""A plan case: commits and a look at the world in a few words (tests/plan_cases/README.md)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, TypeVar

import yaml

from plan_commit import Commit
from reconciler.desired import Desired, Kinship

COMMITS = ("desired", "was", "older")
T = TypeVar("T")
Words = Mapping[str, Any]


@dataclass(frozen=True)
class Sight:
    """The part ``observed`` of a case. Whatever a commit declares is there unless it is ``missing``."""

    instances: Mapping[str, tuple[Words, ...]] = field(default_factory=dict)
    releases: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    markers: tuple[Words, ...] = ()
    missing: tuple[str, ...] = ()
    left: tuple[str, ...] = ()
    """What earlier commits left and nothing uses: ``Network front of was``."""
    files: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    """Services whose volume of secret files is there: ``web of was``."""
    artifacts: Mapping[str, str] = field(default_factory=dict)
    images: Mapping[str, Words] = field(default_factory=dict)
    networks: Mapping[str, Words] = field(default_factory=dict)
    volumes: Mapping[str, Words] = field(default_factory=dict)
    namesakes: tuple[Words, ...] = ()
    in_flight: tuple[str, ...] = ()
    attempts: tuple[Words, ...] = ()
    unreadable: Mapping[str, str] = field(default_factory=dict)
    registries: tuple[str, ...] = ()
    ports: Mapping[int, str] = field(default_factory=dict)
    unknown: Mapping[str, str] = field(default_factory=dict)
    tenants: tuple[tuple[str, str, str], ...] = ()
    """(volume, container, service of Compose) of strangers that write."""
    tasks: tuple[tuple[str, str, bool], ...] = ()
    """(service, container, whether it is over)."""
    traffic: Mapping[str, Any] = field(default_factory=dict)
    """What was seen of the proxies (``plan_traffic``)."""
    ourselves: str = ""
    """The id of the instance that the process runs in: ``web-1``."""


@dataclass(frozen=True)
class Case:
    """One behaviour: what is desired, what was before, what is seen, and the plan as text."""

    about: str
    desired: Commit
    was: Commit
    older: Commit
    observed: Sight
    expect: str
    now: float = 1_000_000.0
    policy: Mapping[str, object] = field(default_factory=dict)
    lineage: Mapping[str, str] = field(default_factory=dict)

    def commit(self, name: str) -> Commit:
        """One of its three commits."""
        return {"desired": self.desired, "was": self.was, "older": self.older}[name]

    def resolve(self, name: str = "desired") -> Desired:
        """What one of its commits says."""
        kin = {self.commit(n).id: Kinship(self.lineage.get(n, "ancestor")) for n in COMMITS[1:]}
        return self.commit(name).resolve(self.policy, {**kin, self.desired.id: Kinship.SAME})


def read_case(path: Path) -> Case:
    """A case from its file. A word that no case knows is an error: a misspelt one must not pass."""
    words = yaml.safe_load(path.read_text())
    desired = _make(Commit, words.pop("desired"), name="desired")
    was = _commit("was", desired, words.pop("was", {}))
    older = _commit("older", was, words.pop("older", {}))
    sight = _make(Sight, words.pop("observed", {}))
    return _make(Case, words, desired=desired, was=was, older=older, observed=sight)


def _commit(name: str, later: Commit, words: Words) -> Commit:
    """A commit before ``later``: what it does not say was the same."""
    named = {f.name: getattr(later, f.name) for f in fields(Commit)}
    return _make(Commit, {**named, **words, "name": name})


def _make(cls: type[T], words: Words, **more: object) -> T:
    known = {f.name for f in fields(cls)}  # type: ignore[arg-type] # always one of the dataclasses above
    assert set(words) <= known, f"{cls.__name__} knows no {sorted(set(words) - known)}"
    return cls(**{**words, **more})
