"""What people, other tools and bad luck do to an engine behind our back. No hook, no fault, no check."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy

from providers.memory import birth, instances
from providers.memory.behaviour import DEFAULT, Behaviour
from providers.memory.container import Container
from providers.memory.ground import Ground, Network, Volume
from providers.memory.volumes import create_helper, make_marker
from reconciler.desired import Json
from reconciler.observed import Health, Marker, Phase
from reconciler.ownership import Owner

_KILLED = 137


class Hand:
    """Every method takes a container by name or id; KeyError when there is none."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground

    def container(self, name_or_id: str) -> Container:
        """The container itself, to look at or to bend in ways that no method here offers."""
        found = self._ground.named(name_or_id) or self._ground.containers.get(name_or_id)
        if found is None:
            raise KeyError(name_or_id)
        return found

    # --- containers ----------------------------------------------------------------------------------

    def stop(self, name: str) -> None:
        """``docker stop``: no restart policy undoes it."""
        instances.stop(self._ground, self.container(name))

    def kill(self, name: str) -> None:
        """``docker kill``."""
        instances.stop(self._ground, self.container(name), _KILLED)

    def crash(self, name: str, exit_code: int = 1, *, out_of_memory: bool = False) -> None:
        """Its main process ends by itself: the restart policy acts."""
        container = self.container(name)
        container.out_of_memory = out_of_memory
        container.die(self._ground.now, exit_code)

    def start(self, name: str) -> None:
        """``docker start``. Raises ProviderError when refused."""
        birth.start(self._ground, self.container(name))

    def remove(self, name: str) -> None:
        """``docker rm --force``."""
        del self._ground.containers[self.container(name).id]

    def pause(self, name: str) -> None:
        """``docker pause``."""
        self.container(name).pause()

    def unpause(self, name: str) -> None:
        """``docker unpause``."""
        self.container(name).unpause(self._ground.now)

    def rename(self, name: str, new_name: str) -> None:
        """``docker rename``. Raises ValueError when the name is taken."""
        if new_name != name and self._ground.named(new_name):
            raise ValueError(f"{new_name} is taken")
        self.container(name).name = new_name

    def edit(self, name: str, path: str, value: Json) -> None:
        """Change one live field (``docker update``, a console edit); labels stay as they were."""
        self.container(name).fields[path] = value

    def hide(self, name: str, path: str) -> None:
        """One live field cannot be seen any more."""
        self.container(name).fields.pop(path, None)

    def set_restart(self, name: str, policy: str) -> None:
        """``docker update --restart``."""
        self.container(name).restart = policy

    def set_health(self, name: str, health: Health | None) -> None:
        """Force the result of its health check until its next start; None gives it back."""
        self.container(name).forced_health = health

    def behave(self, name: str, behaviour: Behaviour) -> None:
        """Let one container behave otherwise than its image."""
        self.container(name).behaviour = behaviour

    def hang(self, name: str, phase: Phase = Phase.DEAD) -> None:
        """Leave it dead or half removed: no removal succeeds."""
        self.container(name).phase = phase

    def spoil_spec(self, name: str) -> None:
        """Its spec label cannot be read."""
        self.container(name).form = None

    def double(self, name: str, new_name: str) -> Container:
        """Start a second container with the same labels and everything else."""
        return self._add(deepcopy(self.container(name)), new_name)

    def add_foreign(
        self, name: str, labels: Mapping[str, str] | None = None, *, ports: frozenset[int] = frozenset()
    ) -> Container:
        """Run a container that is not ours."""
        foreign = Container("", name, "stranger:1", dict(labels or {}), DEFAULT, self._ground.now)
        foreign.ports = ports
        return self._add(foreign, name)

    # --- networks, volumes, images, the engine -------------------------------------------------------

    def disconnect(self, name: str, network: str) -> None:
        """``docker network disconnect``."""
        birth.leave(self.container(name), network)

    def connect(self, name: str, network: str, *aliases: str) -> None:
        """``docker network connect``."""
        birth.join(self._ground, self.container(name), network, aliases)

    def add_network(self, name: str, labels: Mapping[str, str] | None = None) -> Network:
        """Create a network; the name may be taken already."""
        made = Network(self._ground.new_id("network"), name, dict(labels or {}), self._ground.now)
        return self._ground.networks.setdefault(made.id, made)

    def double_network(self, name: str) -> Network:
        """A second network with the name, labels and options of the first."""
        first = self._ground.networks_named(name)[0]
        second = self.add_network(name, first.labels)
        second.fields = dict(first.fields)
        return second

    def remove_network(self, name: str) -> None:
        """Every network of this name goes, whoever refers to it."""
        for network in self._ground.networks_named(name):
            del self._ground.networks[network.id]

    def add_volume(self, name: str, labels: Mapping[str, str] | None = None) -> Volume:
        """Create a volume."""
        return self._ground.make_volume(name, labels or {}, {"driver": "local"})

    def remove_volume(self, name: str) -> None:
        """``docker volume rm``, even in use."""
        del self._ground.volumes[name]

    def prune_volumes(self) -> None:
        """20.10's ``docker volume prune``: every volume that no container mounts goes, markers too."""
        used = {v for c in self._ground.containers.values() for v in c.volumes.values()}
        for name in set(self._ground.volumes) - used:
            del self._ground.volumes[name]

    def write_marker(self, owner: Owner, marker: Marker) -> None:
        """Write a marker beside all others, without compare-and-swap."""
        make_marker(self._ground, owner, marker)

    def unfinish(self, owner: Owner, volume: str, image: str) -> None:
        """Leave a volume of files as a crash in the middle of publishing would: empty, with its helper."""
        self._ground.volumes.pop(volume, None)
        create_helper(self._ground, owner, volume, image)

    def remove_image(self, reference: str) -> None:
        """``docker image rm`` of a ``name@digest``."""
        self._ground.images.discard(reference)

    def prune_images(self) -> None:
        """Images that no container uses go."""
        self._ground.images &= {c.image for c in self._ground.containers.values()}

    def take_port(self, port: int, by: str = "a process of the host") -> None:
        """Hold a host port; an empty ``by`` lets it go."""
        if by:
            self._ground.strangers[port] = by
        else:
            self._ground.strangers.pop(port, None)

    def stop_registry(self, name: str) -> None:
        """The local registry answers no more."""
        self._ground.local_registries.pop(name, None)

    def restart_engine(self) -> None:
        """The daemon stops and starts: restart policies decide who runs."""
        for container in self._ground.containers.values():
            container.outlive_engine(self._ground.now)

    def _add(self, container: Container, name: str) -> Container:
        if self._ground.named(name) and container.id:
            raise ValueError(f"{name} is taken")
        container.id, container.name = self._ground.new_id("container"), name
        container.created_at = self._ground.now
        container.start(self._ground.now)
        self._ground.containers[container.id] = container
        return container
