"""Random desired states, edits and meddlings for property tests."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from hypothesis import strategies as st

from providers.memory import Behaviour, MemoryEngine
from providers.memory.container import Container
from reconciler.observed import Phase
from reconciler.ownership import OWNER as OWNER_LABEL
from reconciler.ownership import SERVICE, Owner
from sketches import OWNER, Sketch

NAMES = ("api", "db", "web", "worker")
NETWORKS = ("back", "default", "front")


@dataclass(frozen=True)
class Edit:
    """A commit: these services from now on."""

    sketches: tuple[Sketch, ...]
    words: str = ""


@dataclass(frozen=True)
class Meddling:
    """Something happens to the ``pick``-th container (modulo their number) behind our back."""

    deed: str
    pick: int = 0


@dataclass(frozen=True)
class Pause:
    """Time passes."""

    seconds: float


Event: TypeAlias = Edit | Meddling | Pause


def sketches(name: str, others: Sequence[str] = ()) -> st.SearchStrategy[Sketch]:
    """A service of this name; it may depend on ``others``."""
    dependencies = st.lists(st.sampled_from(others), unique=True, max_size=2) if others else st.just([])
    return st.builds(
        Sketch,
        name=st.just(name),
        image=st.sampled_from(("ours:1", "ours:2", "redis:7")),
        replicas=st.integers(0, 3),
        order=st.sampled_from(("start-first", "stop-first")),
        check=st.booleans(),
        environment=st.sampled_from(((), (("LEVEL", "info"),), (("LEVEL", "debug"),))),
        depends_on=dependencies.map(tuple),
        volumes=st.sampled_from(((), (f"{name}-data",))),
        configs=st.sampled_from(((), (("settings", "a"),), (("settings", "b"),))),
        secrets=st.sampled_from(((), (("password", "x"),), (("password", "y"),))),
        read_only=st.booleans(),
        networks=st.sampled_from((("default",), ("back", "default"), ("front",))),
        memory=st.sampled_from((None, 1 << 26, 1 << 27)),
        deadline=st.just(20.0),
    )


@st.composite
def services(draw: st.DrawFn, at_most: int = 3) -> tuple[Sketch, ...]:
    """Up to ``at_most`` services with distinct names; each depends on earlier ones only. A Config or
    secret that two of them name has one value."""
    names = draw(st.lists(st.sampled_from(NAMES), unique=True, min_size=1, max_size=at_most))
    drawn = [draw(sketches(name, names[:index])) for index, name in enumerate(names)]
    return _agreed(tuple(drawn))


def _agreed(drawn: tuple[Sketch, ...], decides: Sketch | None = None) -> tuple[Sketch, ...]:
    ordered = (*drawn, decides) if decides else drawn
    configs = {name: text for s in ordered for name, text in s.configs}
    secrets = {name: value for s in ordered for name, value in s.secrets}
    return tuple(
        replace(
            s,
            configs=tuple((name, configs[name]) for name, _ in s.configs),
            secrets=tuple((name, secrets[name]) for name, _ in s.secrets),
        )
        for s in drawn
    )


def edit(before: Sequence[Sketch], deed: str, pick: int) -> Edit:
    """One commit: ``deed`` (a key of EDITS, or ``drop``) done to the ``pick``-th service."""
    chosen = before[pick % len(before)]
    if deed == "drop":
        left = tuple(s for s in before if s is not chosen and chosen.name not in s.depends_on)
        return Edit(left or tuple(before), f"drop {chosen.name}")
    changed = EDITS[deed](chosen)
    after = tuple(changed if s is chosen else s for s in before)
    return Edit(_agreed(after, changed), f"{deed} {chosen.name}")


EDITS: dict[str, Callable[[Sketch], Sketch]] = {
    "source": lambda s: replace(s, image="ours:2" if s.image == "ours:1" else "ours:1"),
    "environment": lambda s: replace(s, environment=(("LEVEL", "warn" if s.environment else "info"),)),
    "memory": lambda s: replace(s, memory=(s.memory or 1 << 25) * 2),
    "scale up": lambda s: replace(s, replicas=s.replicas + 1),
    "scale down": lambda s: replace(s, replicas=max(0, s.replicas - 1)),
    "config": lambda s: replace(s, configs=(("settings", "c" if s.configs else "a"),)),
    "secret": lambda s: replace(s, secrets=(("password", "z" if s.secrets else "x"),)),
    "network": lambda s: replace(s, networks=("front",) if s.networks != ("front",) else ("default",)),
    "replicas only": lambda s: replace(s, replicas=2 if s.replicas != 2 else 1),
    "monitor": lambda s: replace(s, monitor=5.0 if s.monitor != 5.0 else 10.0),
}


@st.composite
def histories(draw: st.DrawFn, longest: int = 6) -> tuple[Event, ...]:
    """A first commit, then edits, meddlings and pauses in any order."""
    now = draw(services())
    events: list[Event] = [Edit(now, "first")]
    for _ in range(draw(st.integers(0, longest))):
        kind = draw(st.sampled_from(("edit", "meddling", "pause")))
        if kind == "edit":
            changed = edit(now, draw(st.sampled_from((*EDITS, "drop"))), draw(st.integers(0, 3)))
            now = changed.sketches
            events.append(changed)
        elif kind == "meddling":
            events.append(Meddling(draw(st.sampled_from(sorted(DEEDS))), draw(st.integers(0, 7))))
        else:
            events.append(Pause(draw(st.sampled_from((0.5, 3.0, 30.0, 600.0)))))
    return tuple(events)


def meddle(engine: MemoryEngine, meddling: Meddling, owner: Owner = OWNER) -> str | None:
    """Do it; the name of the container that it was done to, or None when there is none it can be done to."""
    containers = engine.ground.containers.values()
    ours = [c for c in containers if c.labels.get(OWNER_LABEL) == str(owner) and SERVICE in c.labels]
    fit = [c for c in ours if _fits(c, meddling.deed)]
    if not fit:
        return None
    chosen = fit[meddling.pick % len(fit)]
    name = chosen.name
    DEEDS[meddling.deed](engine, chosen)
    return name


def _fits(container: Container, deed: str) -> bool:
    if deed in {"stop", "kill", "crash", "pause"}:
        return container.phase is Phase.RUNNING
    if deed == "disconnect":
        return bool(container.networks)
    return True


def _disconnect(engine: MemoryEngine, container: Container) -> None:
    first = next(iter(container.networks.values()))
    engine.hand.disconnect(container.name, first.network)


def _double(engine: MemoryEngine, container: Container) -> None:
    engine.hand.double(container.name, engine.ground.new_id("double")[:12])


DEEDS: dict[str, Callable[[MemoryEngine, Container], object]] = {
    "stop": lambda engine, container: engine.hand.stop(container.name),
    "kill": lambda engine, container: engine.hand.kill(container.name),
    "crash": lambda engine, container: engine.hand.crash(container.name),
    "pause": lambda engine, container: engine.hand.pause(container.name),
    "remove": lambda engine, container: engine.hand.remove(container.name),
    "rename": lambda engine, container: engine.hand.rename(container.name, container.id[:12]),
    "limit": lambda engine, container: engine.hand.edit(
        container.name, "deploy.resources.limits.memory", 12345678
    ),
    "restart": lambda engine, container: engine.hand.set_restart(container.name, "no"),
    "disconnect": _disconnect,
    "double": _double,
    "markers": lambda engine, container: engine.hand.prune_volumes(),
    "engine": lambda engine, container: engine.hand.restart_engine(),
}


def behaviours() -> st.SearchStrategy[Behaviour]:
    """Programs that work, and programs that fail in one of the usual ways."""
    return st.sampled_from(
        (
            Behaviour(),
            Behaviour(healthy_after=3.0, ignores_term=True),
            Behaviour(no_healthcheck=True),
            Behaviour(exits_after=0.5),
            Behaviour(exits_after=0.5, exit_times=1),
            Behaviour(healthy_after=None),
            Behaviour(unhealthy_after=2.0),
            Behaviour(start_error="exec format error", start_exit_code=126),
        )
    )
