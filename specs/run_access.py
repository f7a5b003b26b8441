"""How a loop logs in to a remote repository (contracts, section 8)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated

from pydantic import Field, StringConstraints

from specs.model import Model
from specs.node import Map, Node, Sequence
from specs.problem import Place, Report

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


def check_access(repositories: Iterable[RunRepository], node: Node | None, report: Report) -> None:
    """Report each login that does not go with its URL: a loop never uses the ssh of whoever started it."""
    for index, repository in enumerate(repositories):
        item = _item(node, index)
        by_ssh = repository.url is not None and _SSH.match(repository.url) is not None
        if by_ssh and repository.ssh is None:
            seen = f"repository {repository.name} is reached by ssh, and no key is named"
            report.add(
                "SPEC015", item.place_of("url"), seen, expected="ssh: {identity: FILE, known_hosts: FILE}"
            )
        if not by_ssh and repository.ssh is not None:
            seen = f"repository {repository.name} is not reached by ssh"
            report.add("SPEC015", item.place_of("ssh"), seen, expected="a url with ssh")


def _item(node: Node | None, index: int) -> Map:
    item = node.items[index] if isinstance(node, Sequence) and index < len(node.items) else None
    return item if isinstance(item, Map) else Map({}, node.place if node else Place(""))
