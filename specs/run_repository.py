"""One repository of a Run file, and how this loop reaches it (contracts, section 8)."""

from __future__ import annotations

from pydantic import Field

from specs.environment import EndpointText
from specs.model import Duration, FilePath, Model, Name, RefName
from specs.run_access import GithubApp, Ssh
from specs.run_bounds import AnyBounds, Bounds
from specs.run_push import Push
from specs.run_results import Forge
from specs.run_signatures import Signatures


class RunRepository(Model):
    """One repository, and the environments of it that this loop keeps."""

    name: Name = Field(description="What messages and the webhook's address call it.", examples=["shop"])
    url: str | None = Field(
        default=None,
        description="https://HOST/PATH, ssh://[USER@]HOST/PATH or USER@HOST:PATH, without a password.",
        examples=["https://git.example.com/team/shop.git"],
    )
    folder: FilePath | None = Field(
        default=None, description="A clone on this machine, instead of url.", examples=["/srv/git/shop.git"]
    )
    ref: RefName | None = Field(
        default=None, description="The policy ref; default: the remote's default branch."
    )
    path: str = Field(default="specs", description="The spec folder.", max_length=1024)
    credential: FilePath | None = Field(
        default=None, description="A file as git-credential-store(1) reads it, for https."
    )
    ssh: Ssh | None = Field(default=None, description="How to log in, for ssh; there it is needed.")
    github_app: GithubApp | None = Field(
        default=None, description="A GitHub App to log in as, for https, instead of credential."
    )
    push: Push | None = Field(
        default=None, description="How the loop writes what it promotes by itself; default: not at all."
    )
    environments: tuple[Name, ...] = Field(
        default=(), description="The environments to keep; default: every one that the policy ref declares."
    )
    poll: Duration = Field(default=10.0, description="How often the remote is asked for news.")
    receive: bool = Field(
        default=False, description="The folder is a bare repository of this loop, which is pushed to."
    )
    webhook_secret: FilePath | None = Field(
        default=None, description="A file with the secret that signs webhooks of this repository."
    )
    bounds: AnyBounds = Field(
        default=Bounds(),
        description="What its documents may say; any: whatever who runs the loop may do.",
        examples=["any"],
    )
    endpoints: dict[Name, EndpointText] = Field(
        default={},
        description="How this loop reaches the engine of an environment, instead of what that says.",
        examples=[{"prod": "ssh://deploy@prod-1"}],
    )
    forge: Forge | None = Field(
        default=None, description="Where its commits are told how they fare; default: nowhere."
    )
    signatures: Signatures | None = Field(
        default=None, description="Whose commits count; default: everybody's who may push."
    )


def may_share(one: RunRepository, other: RunRepository) -> bool:
    """Whether both may have an environment of one owner, as far as the Run file tells."""
    if one.name == other.name:
        return False
    projects = [e.bounds if e.bounds == "any" else e.bounds.project or e.name for e in (one, other)]
    if "any" not in projects and projects[0] != projects[1]:
        return False
    both = one.environments and other.environments
    return not both or bool(set(one.environments) & set(other.environments))
