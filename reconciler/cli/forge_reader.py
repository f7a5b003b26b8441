"""What a forge says of a commit: its statuses, and who approved the pull request that was merged with it.

A token goes to the forge's own address alone, which the Run file or this process's environment names; never
to one that specs name.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal
from urllib.parse import quote, urlencode

from reconciler.cli.github_app import installation_token
from reconciler.cli.result_places import read_token
from reconciler.fault import ProviderError

if TYPE_CHECKING:
    from aiohttp import ClientSession

    from reconciler.desired import Json
    from specs.run_access import GithubApp
    from specs.run_results import Forge

Provider = Literal["github", "gitlab", "gitea"]
DEADLINE: Final = 20.0
_MOST_BYTES: Final = 4 << 20
_MOST_PAGES: Final = 20
_PAGE: Final = 100
_API_ADDRESS: Final = re.compile(
    r"(https://[^\s@/?#]+|http://(127\.0\.0\.1|localhost|\[::1\])(:\d+)?)(/[^\s?#]*)?"
)
_TOKEN: Final = re.compile(r"[\x21-\x7e]{1,4096}")
_APIS: Final = {"github": "https://api.github.com", "gitlab": "https://gitlab.com/api/v4"}


PLAIN_ANSWER: Final = {"Accept-Encoding": "identity", "User-Agent": "reconciler"}


class Unanswered(Exception):
    """The forge did not say it: why, in words without the token."""


@dataclass(frozen=True, slots=True)
class ForgeReader:
    """One project at its forge. ``token`` gives what it is read with, empty for nothing; blocking."""

    provider: Provider
    api: str
    project: str
    token: Callable[[], str] = field(repr=False)

    async def read(self, session: ClientSession, path: str, **query: str) -> Json:
        """One answer. Raises Unanswered."""
        headers = {
            "Accept": "application/json",
            **PLAIN_ANSWER,
            **self._login(await asyncio.to_thread(self._token)),
        }
        url = f"{self.api.rstrip('/')}{path}" + (f"?{urlencode(query)}" if query else "")
        try:
            async with (
                asyncio.timeout(DEADLINE),
                session.get(url, headers=headers, allow_redirects=False) as answer,
            ):
                if answer.status != 200:
                    raise Unanswered(f"the forge answered {answer.status}")
                content = await answer.content.read(_MOST_BYTES)
                while not answer.content.at_eof() and len(content) < _MOST_BYTES:
                    content += await answer.content.read(_MOST_BYTES - len(content))
                value: Json = json.loads(content)
                return value
        except (OSError, ValueError, RecursionError, TimeoutError) as error:
            raise Unanswered(f"no answer of the forge ({type(error).__name__})") from None

    async def read_all(self, session: ClientSession, path: str, key: str = "", **query: str) -> list[Json]:
        """The members of a list over all of its pages, ``key`` where each page is an object that holds it.
        Raises Unanswered, for one that is too long, too."""
        found: list[Json] = []
        size = {"limit" if self.provider == "gitea" else "per_page": str(_PAGE)}
        for page in range(1, _MOST_PAGES + 1):
            answer = await self.read(session, path, **query, **size, page=str(page))
            members = answer.get(key) if key and isinstance(answer, Mapping) else None if key else answer
            if not isinstance(members, list):
                raise Unanswered("the forge's answer is no list")
            found += members
            # Gitea gives fewer than were asked for.
            if not members or (len(members) < _PAGE and self.provider != "gitea"):
                return found
        raise Unanswered("the forge's list is too long")

    @property
    def root(self) -> str:
        """The project's path below the address."""
        if self.provider == "gitlab":
            return f"/projects/{quote(self.project, safe='')}"
        return f"/repos/{quote(self.project)}"

    def _token(self) -> str:
        try:
            return self.token()
        except (OSError, ValueError, ProviderError) as error:
            raise Unanswered(f"there is no token ({type(error).__name__})") from None

    def _login(self, token: str) -> Mapping[str, str]:
        if not token:
            return {}
        if self.provider == "gitlab":
            return {"PRIVATE-TOKEN": token}
        return {"Authorization": f"{'Bearer' if self.provider == 'github' else 'token'} {token}"}


def reader_of(forge: Forge | None, app: GithubApp | None) -> ForgeReader | None:
    """As a Run file names it; None where it names none, or nothing to read it with."""
    if forge is None or (forge.token is None and app is None):
        return None

    def token() -> str:
        if forge.token is None and app is not None:
            return installation_token(app)
        return read_token(forge.token or "")

    return ForgeReader(forge.provider, forge.api or _APIS.get(forge.provider, ""), forge.project, token)


def reader_here(variables: Mapping[str, str], remote: str | None) -> ForgeReader | None:
    """As the environment of this process names it: in a job of GitHub Actions, Gitea or GitLab CI the forge
    of the job; elsewhere github.com or gitlab.com, where the clone's remote (``host/path``) is there. None
    without a token."""
    for provider, address, project, names in _JOBS:
        if variables.get(address) and variables.get(project):
            is_gitea = provider == "github" and variables.get("GITEA_ACTIONS") == "true"
            actual: Provider = "gitea" if is_gitea else provider
            return _with_token(actual, variables[address], variables[project], variables, names)
    host, _, path = (remote or "").partition("/")
    for provider, address, _, names in _JOBS:
        if host == f"{provider}.com":
            api = variables.get(address) or _APIS[provider]
            return _with_token(provider, api, path.removesuffix(".git"), variables, names)
    return None


_JOBS: Final[Sequence[tuple[Provider, str, str, Sequence[str]]]] = (
    ("github", "GITHUB_API_URL", "GITHUB_REPOSITORY", ("GITHUB_TOKEN", "GH_TOKEN")),
    ("gitlab", "CI_API_V4_URL", "CI_PROJECT_PATH", ("GITLAB_TOKEN",)),
)
"""Provider, and the variables for the API's address, the project and a token."""


def _with_token(
    provider: Provider, api: str, project: str, variables: Mapping[str, str], names: Sequence[str]
) -> ForgeReader | None:
    token = next((variables[name] for name in names if variables.get(name)), "")
    if not _TOKEN.fullmatch(token) or not _API_ADDRESS.fullmatch(api):
        return None
    return ForgeReader(provider, api, project, lambda: token)


def open_forge_session() -> ClientSession:
    """A session that keeps nothing and sends nothing of its own accord."""
    from aiohttp import ClientSession, DummyCookieJar

    return ClientSession(cookie_jar=DummyCookieJar(), trust_env=False, auto_decompress=False)
