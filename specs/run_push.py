"""How a loop writes into a repository: the word ``push`` of a Run file's entry (contracts, section 8)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Final

from pydantic import Field, StringConstraints

from specs.model import FilePath, Model
from specs.node import Map, Node, Sequence
from specs.problem import Place, Report
from specs.run_access import GithubApp, Ssh, SshFile, is_ssh

if TYPE_CHECKING:
    from specs.run_repository import RunRepository

AUTHOR: Final = (
    r"^[^\s<>.,:;\"'\\\x00-\x1f\x7f][^<>\x00-\x1f\x7f]{0,99}"
    r" <[^\s<>@\x00-\x1f\x7f]{1,64}@[^\s<>@\x00-\x1f\x7f]{1,255}>$"
)
Author = Annotated[str, StringConstraints(pattern=AUTHOR)]


class Push(Model):
    """Whose commits the loop's own are, and how it logs in to push them. Without a login of its own, that of
    the entry is used."""

    author: Author = Field(
        description="Who its commits are by.", examples=["Reconciler <reconciler@example.com>"]
    )
    credential: FilePath | None = Field(
        default=None, description="A file as git-credential-store(1) reads it, for https."
    )
    ssh: Ssh | None = Field(default=None, description="A deploy key that may write, for ssh.")
    github_app: GithubApp | None = Field(
        default=None, description="A GitHub App that may write contents, for https, instead of credential."
    )
    signing_key: SshFile | None = Field(
        default=None,
        description="A private key of ssh, without a passphrase, that signs its commits; it counts for what "
        "changes Releases and the lock, and for nothing else.",
        examples=["/etc/reconciler/signing-key"],
    )

    @property
    def has_login(self) -> bool:
        """It does not use the entry's."""
        return any(login is not None for login in (self.credential, self.ssh, self.github_app))


def check_pushes(repositories: Iterable[RunRepository], node: Node | None, report: Report) -> None:
    """Report each login to push with that does not go with its URL."""
    for index, repository in enumerate(repositories):
        if repository.push is not None:
            item = node.items[index] if isinstance(node, Sequence) and index < len(node.items) else None
            own = item.map_of("push") if isinstance(item, Map) else Map({}, node.place if node else Place(""))
            _check(repository, repository.push, own, report)


def _check(repository: RunRepository, push: Push, own: Map, report: Report) -> None:
    name = repository.name
    by_ssh = repository.url is not None and is_ssh(repository.url)
    if push.ssh is not None and not by_ssh:
        seen = f"repository {name} is not reached by ssh"
        report.add("SPEC015", own.place_of("ssh"), seen, expected="a url with ssh")
    for word, login in (("credential", push.credential), ("github_app", push.github_app)):
        if login is not None and (by_ssh or repository.url is None):
            seen = f"repository {name} is not reached by https"
            report.add("SPEC015", own.place_of(word), seen, expected="a url with https")
    if push.credential is not None and push.github_app is not None:
        seen = f"repository {name} has a credential to push with too"
        report.add("SPEC015", own.place_of("github_app"), seen, expected="either github_app or credential")
