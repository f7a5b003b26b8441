"""Which forge is spoken to, about which project, and as whom: what the job's environment says."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, NoReturn

from pydantic import TypeAdapter, ValidationError

from reconciler.cli.envelope import Stop, failure
from reconciler.cli.exits import ERROR
from specs.run_results import Link, ProjectPath

Kind = Literal["github", "gitlab"]
_VARIABLES: Final[Mapping[Kind, tuple[str, str, str]]] = {
    "github": ("GITHUB_API_URL", "GITHUB_REPOSITORY", "GITHUB_TOKEN"),
    "gitlab": ("CI_API_V4_URL", "CI_PROJECT_ID", "GITLAB_TOKEN"),
}
"""Where a job finds the API's address, the project and the token."""
_APIS: Final[Mapping[Kind, str]] = {
    "github": "https://api.github.com",
    "gitlab": "https://gitlab.com/api/v4",
}
_TOKEN: Final = re.compile(r"[\x21-\x7e]{1,4096}")
_LINK: Final = TypeAdapter[str](Link)
_PROJECT: Final = TypeAdapter[str](ProjectPath)


@dataclass(frozen=True, slots=True)
class ForgeSite:
    """One project at one forge. ``api`` has no slash at its end; ``login`` is sent with every request."""

    kind: Kind
    api: str
    project: str
    login: Mapping[str, str] = field(repr=False)


def read_site(environ: Mapping[str, str], kind: Kind | None) -> ForgeSite:
    """What the environment says; ``kind`` where it is known already. Raises Stop."""
    kind = kind or _kind_of(environ)
    api_name, project_name, token_name = _VARIABLES[kind]
    api = environ.get(api_name, "") or _APIS[kind]
    try:
        _LINK.validate_python(api)
    except ValidationError:
        _refuse("FORGE001", api_name, "it is no address of an API", "https://, or http:// on loopback")
    token = environ.get(token_name, "")
    if not token:
        remedy = f"give the job a token in {token_name}, or post nothing here: what a fork proposes has none"
        _refuse("FORGE002", token_name, "it is empty", "a token", remedy)
    if not _TOKEN.fullmatch(token):
        _refuse("FORGE002", token_name, "it is no token", "a token of printable characters")
    login = {"Authorization": f"Bearer {token}"} if kind == "github" else {"PRIVATE-TOKEN": token}
    return ForgeSite(kind, api.rstrip("/"), _project(environ, project_name, kind), login)


def _kind_of(environ: Mapping[str, str]) -> Kind:
    if environ.get("GITLAB_CI"):
        return "gitlab"
    if environ.get("GITHUB_ACTIONS"):
        return "github"
    return _refuse(
        "FORGE001", "post", "this is no job of GitHub Actions or GitLab CI", "--forge github or gitlab"
    )


def _project(environ: Mapping[str, str], name: str, kind: Kind) -> str:
    found = environ.get(name, "")
    try:
        if kind == "gitlab" and re.fullmatch(r"[0-9]{1,12}", found):
            return found
        found = _PROJECT.validate_python(found)
    except ValidationError:
        _refuse("FORGE001", name, "it names no project", "OWNER/NAME" if kind == "github" else "a number")
    return found


def _refuse(code: str, where: str, seen: str, expected: str, remedy: str = "") -> NoReturn:
    raise Stop(ERROR, (failure(code, where, seen, expected, remedy),))
