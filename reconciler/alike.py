"""What was resolved of one commit, for another: a service that is the same gets the same form. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from reconciler.desired import Desired, DesiredNetwork, DesiredVolume, ServiceForm
from reconciler.files import ConfigDigest, FilesKey
from specs.effective import Effective
from specs.proxy import PROXIES
from specs.service import Service


@dataclass(frozen=True, slots=True)
class Alike:
    """One commit, resolved: making a form costs ten times what comparing two services does."""

    effective: Effective
    desired: Desired = field(repr=False)
    configs: Mapping[FilesKey, ConfigDigest] = field(repr=False)

    def form(
        self,
        name: str,
        service: Service,
        configs: Mapping[FilesKey, ConfigDigest],
        resources: tuple[Mapping[str, DesiredNetwork], Mapping[str, DesiredVolume]],
    ) -> ServiceForm | None:
        """The form of the service, if all that it is made of is the same; None where it is to be made."""
        known, before = self.desired.services.get(name), self.effective.services.get(name)
        if known is None or before is None or name in PROXIES or known.pin is not None:
            return None
        same = service is before or service == before
        same = same and resources == (self.desired.networks, self.desired.volumes)
        if not same or (service.configs and configs != self.configs):
            return None
        return known.form
