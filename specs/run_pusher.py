"""Who may push to the repositories that a loop receives, and what each may see (contracts, section 9)."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Annotated, Final

from pydantic import AfterValidator, Field, StringConstraints

from specs.model import FilePath, Model, Name
from specs.node import Map, Node
from specs.node import Sequence as ListNode
from specs.problem import Place, Report
from specs.run_repository import RunRepository
from specs.suggest import did_you_mean

KEY_TYPES: Final = (
    "ssh-ed25519",
    "ssh-rsa",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "sk-ssh-ed25519@openssh.com",
    "sk-ecdsa-sha2-nistp256@openssh.com",
)
_LEAST_KEY = 32
_HEADS, _TAGS = "refs/heads/", "refs/tags/"


def read_key(text: str) -> str:
    """A public key as ssh-keygen writes it -> type and key, without its comment. Raises ValueError."""
    words = text.split()
    problem = "expected one public key as in a .pub file: its type and the key, and nothing before them"
    if len(words) < 2 or words[0] not in KEY_TYPES or not text.isprintable():
        raise ValueError(problem)
    try:
        content = base64.b64decode(words[1], validate=True)
    except (binascii.Error, ValueError):
        raise ValueError(problem) from None
    size = int.from_bytes(content[:4], "big")
    if content[4 : 4 + size] != words[0].encode() or len(content) < 4 + size + _LEAST_KEY:
        raise ValueError(problem)
    return f"{words[0]} {words[1]}"


def refuse_odd_pattern(pattern: str) -> str:
    """A branch, or a full path of one or of a tag; ``*`` stands for anything. Raises ValueError."""
    if ".." in pattern or "//" in pattern or pattern.endswith("/"):
        raise ValueError("expected a branch such as main or release/*, or tags such as refs/tags/v*")
    if pattern.startswith("refs/") and not pattern.startswith((_HEADS, _TAGS)):
        raise ValueError("expected branches or tags: refs/heads/… or refs/tags/…")
    return pattern


RefPattern = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z0-9*][A-Za-z0-9._/+#*-]{0,199}$"),
    AfterValidator(refuse_odd_pattern),
]
PublicKey = Annotated[str, StringConstraints(max_length=8192), AfterValidator(read_key)]


class Pusher(Model):
    """One who pushes, and is known by a token (over https) or by a key (over ssh)."""

    name: Name = Field(description="What messages and the log call it.", examples=["ann"])
    token: FilePath | None = Field(
        default=None, description="A file with the token that is its password over https: 16 bytes or more."
    )
    key: PublicKey | None = Field(
        default=None,
        description="Its public key for ssh, as ssh-keygen writes it.",
        examples=["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl ann"],
    )
    repositories: tuple[Name, ...] = Field(
        min_length=1, description="The repositories that it may push to and fetch.", examples=[["shop"]]
    )
    refs: tuple[RefPattern, ...] = Field(
        default=("main",),
        min_length=1,
        description="Branches that it may push, and tags as refs/tags/…; * stands for anything.",
        examples=[["main", "release/*", "refs/tags/v*"]],
    )
    environments: tuple[Name, ...] = Field(
        default=(), description="The environments whose plans and logs it sees.", examples=[["dev"]]
    )

    def may_push(self, ref: str) -> bool:
        """Whether a full ref is one of its refs."""
        patterns = (p if p.startswith("refs/") else f"{_HEADS}{p}" for p in self.refs)
        return any(fnmatchcase(ref, pattern) for pattern in patterns)


def check_pushers(
    pushers: Sequence[Pusher], repositories: Sequence[RunRepository], node: Node | None, report: Report
) -> None:
    """What one pusher alone cannot tell: its repositories, how it is known, and who else is known so."""
    received = {entry.name: entry.receive for entry in repositories}
    for index, pusher in enumerate(pushers):
        item = _item(node, index)
        if (pusher.token is None) == (pusher.key is None):
            seen = f"pusher {pusher.name} has {'both' if pusher.token else 'neither'}"
            report.add("SPEC015", item.place, seen, expected="either token or key")
        _check_repositories(pusher, received, item, report)
    for word in ("name", "token", "key"):
        _check_twice(word, [getattr(pusher, word) for pusher in pushers], node, report)


def _check_repositories(pusher: Pusher, received: Mapping[str, bool], item: Map, report: Report) -> None:
    place = item.place_of("repositories")
    for name in pusher.repositories:
        if name not in received:
            seen = f"pusher {pusher.name}: there is no repository {name}"
            report.add("SPEC023", place, seen, remedy=did_you_mean(name, received))
        elif not received[name]:
            seen = f"pusher {pusher.name}: repository {name} is not pushed to"
            report.add("SPEC015", place, seen, expected="one that says receive: true")


def _check_twice(word: str, values: Iterable[str | None], node: Node | None, report: Report) -> None:
    seen: set[str] = set()
    for index, value in enumerate(values):
        if value is not None and value in seen:
            place: Place = _item(node, index).place_of(word)
            report.add("SPEC020", place, f"two pushers have the same {word}", expected="one of its own")
        if value is not None:
            seen.add(value)


def _item(node: Node | None, index: int) -> Map:
    item = node.items[index] if isinstance(node, ListNode) and index < len(node.items) else None
    return item if isinstance(item, Map) else Map({}, node.place if node else Place(""))
