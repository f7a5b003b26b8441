"""The automatic promotions of a loop: what keepers report is where they begin."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from reconciler.cli.apply import hide
from reconciler.cli.loop_audience import Refusal
from reconciler.cli.loop_source import RepositoryWatch
from reconciler.cli.loop_voice import Voice
from reconciler.cli.promote_by_itself import Promoting
from reconciler.cli.promoter import Promoter
from reconciler.cli.promotion_news import PromotionNews
from reconciler.cli.workspace import Workspace
from reconciler.keeper import Keeper
from reconciler.keeper_report import Heard
from reconciler.ownership import Owner
from reconciler.serve import Post


@dataclass(slots=True)
class Promotions:
    """Implements ``Listener``. ``secrets`` gives the folder where secrets are looked up."""

    voice: Voice
    keepers: Mapping[Owner, Keeper]
    secrets: Callable[[], str | None]
    promoters: dict[str, Promoter] = field(default_factory=dict)
    """By repository; those that have something to write with."""

    def posts(self, watch: RepositoryWatch) -> list[Post]:
        """The work of an entry that may write."""
        entry = watch.entry
        self.promoters.pop(entry.name, None)
        if entry.push is None:
            return []
        promoting = Promoting(entry, entry.push, watch.openers, self.secrets())

        def tell(owner: Owner, news: PromotionNews) -> None:
            reasons = tuple(hide(reason, self.voice.secrets) for reason in news.reasons)
            self._tell(owner, replace(news, reasons=reasons), promoting.push.author)

        promoter = self.promoters[entry.name] = Promoter(promoting, watch, self._pending, tell)
        return [Post(f"promotions of {entry.name}", promoter.work)]

    def offered(self, repository: str, workspace: Workspace) -> None:
        """This is accepted, and kept from now on."""
        if (promoter := self.promoters.get(repository)) is not None:
            promoter.sources[workspace.owner.environment] = workspace.source

    def heard(self, owner: Owner, repository: str) -> Heard:
        """See ``Listener``."""

        def hint() -> None:
            if (promoter := self.promoters.get(repository)) is not None:
                promoter.hint(owner.environment)

        return Heard(begun=lambda desired, trigger: hint(), rested=lambda rest: hint())

    def refused(self, refusal: Refusal) -> None:
        """See ``Listener``: nothing is promoted on what cannot be used."""

    def _tell(self, owner: Owner, news: PromotionNews, author: str) -> None:
        if news.result != "nothing":
            self.voice.promoted(owner, news, author)
        keeper = self.keepers.get(owner)
        if keeper is not None:
            is_waiting = news.result in ("refused", "failed")
            keeper.promotion = "; ".join(news.reasons) if is_waiting else None
            keeper.hint()

    def _pending(self, owner: Owner) -> str | None:
        keeper = self.keepers.get(owner)
        return None if keeper is None or keeper.snapshot is None else keeper.snapshot.pending
