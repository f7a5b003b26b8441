"""Who approved what brought an entry: by signatures, which git verifies, and by reviews, which a forge knows.

Blocking: ask off the event loop.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Final

from reconciler.cli.bringers import Bringers
from reconciler.cli.forge_reader import ForgeReader, open_forge_session
from reconciler.cli.forge_reviews import reviews_of
from reconciler.gates import Approval, Approvals
from specs.promotion import Gates
from specs.run_signatures import Signatures

if TYPE_CHECKING:
    from providers.git.command import GitCommand
    from providers.git.repository import GitRepository
    from providers.git.signatures import Signer

_PATIENCE: Final = 10.0
"""Seconds for which a pass waits for a forge."""
_NO_KEYS: Final = "no keys are named that signatures could be verified with"
_CUT_OFF: Final = "the clone does not reach back to the commit that brought it"


def signed_by(
    repository: GitRepository, brought: Bringers | None, gates: Gates, signatures: Signatures | None
) -> Approvals:
    """Who signed the commits that brought an entry, by the keys of the Run file; a loop's key approves
    nothing. Raises ProviderError."""
    if brought is None:
        return Approvals(unknown=_CUT_OFF)
    if signatures is None:
        return Approvals(unknown=_NO_KEYS)
    from providers.git.signatures import Keys, open_verifier
    from providers.git.signers import public_keys

    files = (signatures.allowed_signers, signatures.gpg_keys)
    loops = signatures.release_signers
    without = public_keys(Path(loops)) if loops else frozenset()
    keys = Keys(*(Path(file) if file else None for file in files), without=without)
    with open_verifier(repository.git, keys) as verifier:
        signers = {commit: verifier.signer(commit) for commit in brought.commits}
    given = [
        Approval(_called(signer, gates), "signature", commit) for commit, signer in signers.items() if signer
    ]
    return Approvals(tuple(given))


def keys_here(git: GitCommand) -> Signatures | None:
    """The keys that a person's own git verifies with, for who applies by hand. Raises ProviderError."""
    named = git.user_setting("gpg.ssh.allowedSignersFile")
    path = Path(named[-1]).expanduser() if named else None
    if path is None or not path.is_absolute() or not path.is_file():
        return None
    return Signatures(allowed_signers=str(path))


def _called(signer: Signer, gates: Gates) -> str:
    """Of the names of a signer the one that the gates list: who has several is counted once."""
    listed = {name.casefold() for name in gates.approvers}
    return next((name for name in signer.names if name.casefold() in listed), signer.names[0])


def reviewed_by(brought: Bringers | None, reader: ForgeReader | None) -> Approvals:
    """Who approved the pull request that was merged with it."""
    if brought is None:
        return Approvals(unknown=_CUT_OFF)
    if not brought.is_reviewable:
        return Approvals()
    with ThreadPoolExecutor(1) as apart:  # who asks may run a loop of its own
        return apart.submit(lambda: asyncio.run(_ask(reader, brought))).result()


async def _ask(reader: ForgeReader | None, brought: Bringers) -> Approvals:
    try:
        async with asyncio.timeout(_PATIENCE), open_forge_session() as session:
            return await reviews_of(reader, session, brought.line, brought.head)
    except TimeoutError:
        return Approvals(unknown=f"no answer of the forge within {_PATIENCE:g} s")
