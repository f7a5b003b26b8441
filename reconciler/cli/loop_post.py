"""The results of a loop on their way: the listener that writes letters, and the postman who takes them."""

from __future__ import annotations

from collections.abc import Callable

from reconciler.cli.apply import hide
from reconciler.cli.loop_results import Results
from reconciler.cli.loop_voice import Voice
from reconciler.cli.outbox import Outbox
from reconciler.cli.postman import Postman
from reconciler.cli.result_places import places_of
from reconciler.journal import state_folder
from specs.run_file import RunSpec


def open_post(spec: Callable[[], RunSpec], voice: Voice) -> tuple[Results, Postman]:
    """Both of them, for what the Run file says at each moment."""

    def tell(words: str) -> None:
        voice.log.warning("result", reason=words)

    postman = Postman(Outbox(state_folder() / "outbox", tell), lambda: places_of(spec()))
    return Results(spec, postman.put, lambda words: hide(words, voice.secrets)), postman
