"""Whether a branch for review proposes already what would be promoted: then it is left alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.cli.envelope import Report, Stop
from reconciler.cli.exits import DONE
from reconciler.cli.options import Options
from reconciler.cli.promote_plan import Promotion, with_pins
from reconciler.cli.promote_write import review_name
from reconciler.cli.workspace import Admit
from reconciler.desired import Json
from reconciler.promotion import Pinning, is_same
from specs.load import SpecFile, load

if TYPE_CHECKING:
    from providers.git.branch import Branch


def find_proposed(options: Options, promotion: Promotion, branch: Branch, admit: Admit) -> Report | None:
    """That it was written before, where the same is made of each service, whatever its pins' commits, and a
    merge would be clean. Raises ProviderError."""
    name = review_name(options.environment)
    review = branch.beside(name)
    commit = review.find()
    text = review.text_after(commit, commit, promotion.path) if commit is not None else None
    if text is None or not _is_proposed(options, promotion, text, admit):
        return None
    services: list[Json] = [{"service": change.service_name} for change in promotion.changes]
    members: dict[str, Json] = {"result": "written", "services": services, "branch": name}
    return Report(DONE, "", {**members, "pull_request": {}}, commit=commit)


def _is_proposed(options: Options, promotion: Promotion, text: str, admit: Admit) -> bool:
    written, _ = load([SpecFile(promotion.path, text.encode())], path=promotion.source.path)
    there = Pinning(written.released(options.environment), written.removed(options.environment))
    if _written(there) != _written(promotion.pins):
        return False
    try:
        proposed, *_ = with_pins(options, promotion.source, there, admit)
    except Stop:
        return False
    after = promotion.after.desired
    return all(is_same(service_name, proposed.desired, after) for service_name in there.services)


def _written(pins: Pinning) -> tuple[object, object]:
    """What a merge would trip over: the serials, and what was refused or removed."""
    services = {name: (it.serial, it.refused) for name, it in pins.services.items()}
    return services, {name: it.serial for name, it in pins.removed.items()}
