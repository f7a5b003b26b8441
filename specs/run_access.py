"""How a loop logs in to a remote repository (contracts, section 8)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated

from pydantic import Field, StringConstraints

from specs.model import Model
from specs.node import Map, Node, Sequence
from specs.problem import Place, Report
from specs.run_results import Link

if TYPE_CHECKING:
    from specs.run_repository import RunRepository

SshFile = Annotated[str, StringConstraints(pattern=r'^/[^\x00-\x1f"\\$]*$', max_length=4096)]
"""A path that ssh reads as it is written."""
_SSH = re.compile(r"ssh://|(?!\w[\w+.-]*://)[^/]")


class Ssh(Model):
    """The key that the loop logs in with, and the host keys that it takes."""

    identity: SshFile = Field(
        description="A private key without a passphrase.", examples=["/etc/reconciler/deploy-key"]
    )
    known_hosts: SshFile = Field(
        description="The host's keys, as ssh-keyscan prints them.", examples=["/etc/reconciler/known-hosts"]
    )


class GithubApp(Model):
    """A GitHub App that is installed where the repository lives; its tokens fetch, and set statuses."""

    app: int = Field(ge=1, description="The App's id.", examples=[12345])
    installation: int = Field(ge=1, description="The installation's id.", examples=[67890])
    key: SshFile = Field(
        description="The App's private key, as GitHub gives it.", examples=["/etc/reconciler/app.pem"]
    )
    api: Link | None = Field(default=None, description="The API's address; default: that of github.com.")


def is_ssh(url: str) -> bool:
    """Whether a URL is one of ssh."""
    return _SSH.match(url) is not None


def check_access(repositories: Iterable[RunRepository], node: Node | None, report: Report) -> None:
    """Report each login that does not go with its URL: a loop never uses the ssh of whoever started it."""
    for index, repository in enumerate(repositories):
        item = _item(node, index)
        by_ssh = repository.url is not None and is_ssh(repository.url)
        if by_ssh and repository.ssh is None:
            seen = f"repository {repository.name} is reached by ssh, and no key is named"
            report.add(
                "SPEC015", item.place_of("url"), seen, expected="ssh: {identity: FILE, known_hosts: FILE}"
            )
        if not by_ssh and repository.ssh is not None:
            seen = f"repository {repository.name} is not reached by ssh"
            report.add("SPEC015", item.place_of("ssh"), seen, expected="a url with ssh")
        _check_app(repository, by_ssh, item, report)


def _check_app(repository: RunRepository, by_ssh: bool, item: Map, report: Report) -> None:
    if repository.github_app is not None and (repository.url is None or by_ssh):
        seen = f"repository {repository.name} is not reached by https"
        report.add("SPEC015", item.place_of("github_app"), seen, expected="a url with https")
    if repository.github_app is not None and repository.credential is not None:
        seen = f"repository {repository.name} has a credential too"
        report.add("SPEC015", item.place_of("github_app"), seen, expected="either github_app or credential")
    forge = repository.forge
    if (
        forge is not None
        and forge.token is None
        and not (repository.github_app and forge.provider == "github")
    ):
        seen = f"the forge of repository {repository.name} has no token"
        report.add("SPEC015", item.place_of("forge"), seen, expected="token: FILE")


def _item(node: Node | None, index: int) -> Map:
    item = node.items[index] if isinstance(node, Sequence) and index < len(node.items) else None
    return item if isinstance(item, Map) else Map({}, node.place if node else Place(""))
