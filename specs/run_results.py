"""Where a Run file has results told: commit statuses at a forge, and notifications by webhook."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import Field, StringConstraints

from specs.model import FilePath, Model, Name

_LOOPBACK = r"http://(127\.0\.0\.1|localhost|\[::1\])(:[0-9]{1,5})?"
Link = Annotated[
    str, StringConstraints(pattern=rf"^(https://[^\s@/?#]+|{_LOOPBACK})(/[^\s?#]*)?$", max_length=2048)
]
"""https, or http to this machine's own loopback; without a password or a query."""
TARGET: Final = rf"^(https://[^\s@/?#]+|{_LOOPBACK})(/[^\s#]*)?$"
Target = Annotated[str, StringConstraints(pattern=TARGET, max_length=2048)]
_PART = r"[A-Za-z0-9_][A-Za-z0-9._-]*"
ProjectPath = Annotated[str, StringConstraints(pattern=rf"^{_PART}(/{_PART})+$", max_length=512)]
Event = Literal["settled", "failed", "refused", "drift", "unstable"]


class Forge(Model):
    """The forge that a repository lives at, and how its commits are given a status there."""

    provider: Literal["github", "gitlab", "gitea"] = Field(description="Forgejo is gitea.")
    project: ProjectPath = Field(description="OWNER/NAME.", examples=["team/shop"])
    token: FilePath | None = Field(
        default=None,
        description="A file with a token that may write commit statuses; default: the github_app's.",
    )
    api: Link | None = Field(
        default=None,
        description="The API's address; default: that of github.com or gitlab.com. Gitea has none.",
        examples=["https://git.example.com/api/v1"],
    )
    link: Link | None = Field(default=None, description="Where a status leads who clicks on it.")


class Notify(Model):
    """One receiver of notifications."""

    url: Target = Field(description="Where they are posted to.", examples=["https://hooks.example.com/x"])
    secret: FilePath | None = Field(
        default=None, description="A file with the secret that signs them; without it they are not signed."
    )
    on: tuple[Event, ...] = Field(
        default=("settled", "failed", "refused"), min_length=1, description="What is told."
    )
    environments: tuple[Name, ...] = Field(default=(), description="Of which; default: of all.")
