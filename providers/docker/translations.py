"""What inspections meant, by their own bytes: an answer that is the same as before means the same instance.

A loop looks at everything again in every pass, and reading hundreds of unchanged answers is most of what a
look costs. Every answer is still asked for; only its translation is remembered.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from hashlib import blake2b

from providers.docker.engine import node_of
from providers.docker.faults import unclear
from providers.docker.live import NetworkNames, live_instance
from providers.docker.tree import text
from providers.docker.wire import Answer
from reconciler.observed import Instance
from reconciler.ownership import Owner


@dataclass(frozen=True, slots=True)
class _Known:
    digest: bytes
    host: str
    image_labels: Mapping[str, str]
    instance: Instance | None


@dataclass(slots=True)
class Translations:
    """The newest translation of each container, for each owner; all of it may be lost."""

    _known: dict[tuple[Owner, str], _Known] = field(default_factory=dict)
    _networks: dict[Owner, NetworkNames] = field(default_factory=dict)

    def begin(self, owner: Owner, networks: NetworkNames, container_ids: Set[str]) -> None:
        """A look at these containers begins. Networks by other names change what every endpoint means."""
        is_other = self._networks.get(owner) != networks
        self._networks[owner] = networks
        gone = [k for k in self._known if k[0] == owner and (is_other or k[1] not in container_ids)]
        for key in gone:
            del self._known[key]

    def read(
        self, owner: Owner, host: str, container_id: str, answer: Answer, image_labels: Mapping[str, str]
    ) -> Instance | None:
        """The instance that an inspection's answer tells of; None when it is none of this owner's. Raises
        EngineError for an answer that is not about this container."""
        body = answer.body
        digest = blake2b(body, digest_size=16).digest()
        known = self._known.get((owner, container_id))
        if known and (known.digest, known.host) == (digest, host) and known.image_labels == image_labels:
            return known.instance
        found = node_of(container_id[:12], f"/containers/{container_id}/json", body)
        if text(found, "Id") != container_id:
            raise unclear(container_id[:12], "another container's answer")
        instance = live_instance(owner, host, found, image_labels, self._networks[owner])
        self._known[owner, container_id] = _Known(digest, host, image_labels, instance)
        return instance
