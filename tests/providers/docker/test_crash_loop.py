"""What ends again and again is set aside whenever it is asked for, between two runs as well."""

from __future__ import annotations

import pytest

from docker_forms import form_of, network_of
from place import Place
from reconciler.changes import SetRestart
from reconciler.observed import Phase
from reconciler.ownership import Role

pytestmark = pytest.mark.engine
ENDS = {"command": ["sh", "-c", "exit 1"], "networks": {"default": {}}, "restart": "unless-stopped"}
TOGGLED = [SetRestart("no"), SetRestart("unless-stopped")] * 4


async def test_an_instance_that_exits_at_once_can_be_changed_and_set_aside(place: Place) -> None:
    """Seen: an engine refuses one in ten of these changes, as its process ends in that moment."""
    await place.runtime.create_network(place.owner, network_of(place.owner, "default"))
    form = form_of(ENDS, place.owner)
    for number in range(1, 3):
        wanted = await place.blueprint(form, number)
        await place.runtime.create_instance(wanted, {})
        (made,) = [i for i in (await place.look()).instances if i.name == wanted.name]
        await place.runtime.mend_instance(place.owner, made.handle, TOGGLED)
        await place.runtime.retire_instance(place.owner, made.handle, f"{wanted.name}_held", 1.0)
    aside = (await place.look()).instances
    assert {(i.role, i.phase) for i in aside} == {(Role.HELD, Phase.EXITED)}
    assert len(aside) == 2
