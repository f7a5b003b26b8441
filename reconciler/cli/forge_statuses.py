"""What a forge says of a commit under one name: commit statuses, and check runs where it has them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from reconciler.cli.forge_reader import ForgeReader, Unanswered
from reconciler.desired import Json
from reconciler.render import escape

if TYPE_CHECKING:
    from aiohttp import ClientSession

_GOOD = "success"
_MOST_SHOWN = 5


async def commit_status(
    reader: ForgeReader, session: ClientSession, commit: str, name: str
) -> tuple[bool | None, str]:
    """Whether everything of that name has succeeded, and what was seen; None where the forge does not say."""
    try:
        found = sorted(set(await _states(reader, session, commit, name)))
    except Unanswered as error:
        return None, str(error)
    if not found:
        return False, f"commit {commit[:10]} has no status {escape(name, 100)}"
    words = ", ".join(escape(state, 40) for state in found[:_MOST_SHOWN])
    return found == [_GOOD], f"{words}, at commit {commit[:10]}"


async def _states(reader: ForgeReader, session: ClientSession, commit: str, name: str) -> Iterable[str]:
    if reader.provider == "gitlab":
        path = f"{reader.root}/repository/commits/{commit}/statuses"
        return _named(await reader.read_all(session, path, name=name), "name", name, ("status",))
    path = f"{reader.root}/commits/{commit}/status"
    statuses = await reader.read_all(session, path, "statuses")
    found = [*_named(statuses, "context", name, ("state", "status"))]
    if reader.provider == "github":
        path = f"{reader.root}/commits/{commit}/check-runs"
        runs = await reader.read_all(session, path, "check_runs", check_name=name, filter="latest")
        found += _named(runs, "name", name, ("conclusion", "status"))
    return found


def _named(members: Iterable[Json], key: str, name: str, states: tuple[str, ...]) -> Iterator[str]:
    """The states of those of that very name: the first that is there, of several."""
    for member in members:
        if isinstance(member, Mapping) and member.get(key) == name:
            said = (member.get(state) for state in states)
            yield next((text for text in said if isinstance(text, str) and text), "no state")
