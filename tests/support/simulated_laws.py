"""What must hold at every moment of a simulation, and when all is calm (design, section 4)."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from providers.memory import MemoryEngine
from providers.memory.container import Container
from providers.memory.faults import Call, When
from reconciler.actions import MendInstance, RemoveInstance, RemoveNetwork, RemoveVolume, RetireInstance
from reconciler.desired import Desired
from reconciler.loop import PassReport
from reconciler.observed import Health, Observed, Phase
from reconciler.ownership import OWNER as OWNER_LABEL
from reconciler.ownership import SERVICE, Role
from reconciler.readiness import serves
from simulated_window import CALLER, Window
from sketches import OWNER

_TAKES_AWAY = (RemoveInstance, RetireInstance, RemoveNetwork, RemoveVolume, MendInstance)
_STRANGER = "shop_dev_web_00000000_1"


@dataclass
class Laws:
    """Watches one world. ``tell`` ends the simulation with words."""

    engine: MemoryEngine
    wanted: Callable[[], Desired]
    tell: Callable[[str], None]
    names: dict[Window, str] = field(default_factory=dict)
    commits: dict[Window, Callable[[], str | None]] = field(default_factory=dict)
    disturbed_until: float = 0.0
    """Until then what serves is not ours to answer for: somebody meddles, or what was seen is late."""
    unsure_until: float = 0.0
    """Until then nobody can know who holds the lease: markers were swept away, or the clock was set."""
    is_bad: Callable[[Container], bool] = lambda container: False
    """Whether a container is of a version that only seems to serve."""
    _serving: Counter[str] = field(default_factory=Counter)
    _fails: bool = False
    """What is called now is about a container of such a version."""

    def __post_init__(self) -> None:
        other = {OWNER_LABEL: "shop/prod", SERVICE: "web"}
        self._strangers = [
            self.engine.hand.add_foreign(_STRANGER, other),
            self.engine.hand.add_foreign("shop_dev_stranger"),
        ]
        self._network = self.engine.hand.add_network("shop_dev_stranger", other)
        self._as_they_were = [repr((c.name, c.labels, c.restart, c.networks)) for c in self._strangers]

    def watch(self, window: Window, name: str, commit: Callable[[], str | None]) -> None:
        """One more process."""
        self.names[window], self.commits[window] = name, commit
        window.begun = lambda verb: self._one_acts(name, verb)

    def disturb(self, seconds: float) -> None:
        """For so long nobody can be sure of what serves."""
        self.disturbed_until = max(self.disturbed_until, self.engine.clock + seconds)

    def passed(self, desired: Desired, report: PassReport, seconds: float) -> None:
        """Nothing goes while anything that it needs cannot be read, and no subject is acted on twice."""
        blind = [kind for kind in ("instances", "markers") if report.observed.cannot_read(kind)]
        gone = [action for action in report.started if isinstance(action, _TAKES_AWAY)]
        if blind and gone:
            self.tell(f"{gone} while {blind} cannot be read")
        subjects = Counter(action.subject for action in report.plan.actions)
        if any(count > 1 for count in subjects.values()):
            self.tell(f"twice at once: {subjects}")

    def cross(self, call: Call, when: When) -> None:
        """A hook: a deed of ours never takes away what has to serve."""
        if call.verb == "put_marker":
            return
        if when == "before":
            self._fails = self._is_of_bad(call)
            self._serving = self._count()
            return
        now, caller = self._count(), CALLER.get()
        wanted = self.wanted()
        is_newest = caller is not None and self.commits[caller]() == wanted.commit
        if self._fails or not is_newest or self.engine.clock < self.disturbed_until:
            return
        for name in (self._serving - now).keys() & wanted.services.keys():
            service = wanted.services[name]
            if now[name] < service.replicas - service.max_unavailable:
                self.tell(f"{call} leaves {now[name]} of {name} serving")

    def _is_of_bad(self, call: Call) -> bool:
        """What fails is taken away, whatever else there is."""
        name = call.subject.removesuffix("_held").removesuffix("_kept")
        named = (c for c in self.engine.ground.containers.values() if c.name.startswith(name))
        return any(self.is_bad(container) for container in named)

    def check_strangers(self) -> None:
        """What is not ours is as it was."""
        there = self.engine.ground.containers
        for stranger, before in zip(self._strangers, self._as_they_were, strict=True):
            if there.get(stranger.id) is not stranger:
                self.tell(f"{stranger.name} is not ours and was removed")
            if repr((stranger.name, stranger.labels, stranger.restart, stranger.networks)) != before:
                self.tell(f"{stranger.name} is not ours and was changed")
        if self._network.id not in self.engine.ground.networks:
            self.tell("a network that is not ours was removed")

    def _one_acts(self, name: str, verb: str) -> None:
        found = [
            v.marker for v in self.engine.ground.volumes.values() if v.marker and v.marker.kind == "lease"
        ]
        if not found or self.engine.clock < self.unsure_until:
            return
        value = json.loads(max(found, key=lambda m: m.sequence).value)
        if value["holder"] != name and self.engine.clock < value["until"]:
            self.tell(f"{name} begins {verb} while {value['holder']} holds the lease")

    def _count(self) -> Counter[str]:
        ours = self.engine.ground.containers.values()
        return Counter(c.labels[SERVICE] for c in ours if self._serves(c))

    def _serves(self, container: Container) -> bool:
        if container.labels.get(OWNER_LABEL) != str(OWNER) or SERVICE not in container.labels:
            return False
        is_live = not container.name.endswith(("_kept", "_held")) and container.phase is Phase.RUNNING
        return is_live and container.health(self.engine.clock)[0] in (Health.NONE, Health.HEALTHY)


def check_end(wanted: Desired, seen: Observed, about: str) -> None:
    """When all is calm: what was asked for runs, once, and well; nothing is left over but one kept instance
    a service, and where nothing runs the instance that tells that a version was held."""
    live = [i for i in seen.instances if i.role is Role.LIVE]
    asked = Counter({s.name: s.replicas for s in wanted.services.values() if s.replicas})
    assert Counter(i.service_name for i in live) == asked, about
    assert len({(i.service_name, i.number) for i in live}) == len(live), f"a number twice, {about}"
    for instance in live:
        service = wanted.services[instance.service_name]
        assert instance.generation.fingerprint == service.form.fingerprint, about
        assert serves(instance), about
    kept = Counter(i.service_name for i in seen.instances if i.role is Role.KEPT)
    assert all(count == 1 for count in kept.values()), about
    held = {i.service_name for i in seen.instances if i.role is Role.HELD}
    assert not held & asked.keys(), about
    names = Counter(network.name for network in seen.networks)
    assert all(count == 1 for count in names.values()), about
