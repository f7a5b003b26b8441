"""What may be written as a ref: a branch, a tag, a full ref path, HEAD or a full commit id; nothing else.

Stricter than git-check-ref-format(1), so that no ref is an option, an expression or a short id.
"""

from __future__ import annotations

import re

from reconciler.fault import Refused

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+@-]*(?:/[A-Za-z0-9_][A-Za-z0-9_.+@-]*)*")
_ID = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_NAMESPACES = ("refs/heads/", "refs/tags/", "refs/remotes/origin/", "refs/remotes/")
_MAX_LENGTH = 250


def is_full_id(text: str) -> bool:
    """Whether the text is a full commit id (SHA-1 or SHA-256)."""
    return bool(_ID.fullmatch(text))


def ref_paths(ref: str) -> tuple[str, ...]:
    """The full ref paths that ``ref`` can mean, in order of preference. Raises Refused (GIT010)."""
    well_formed = (
        len(ref) <= _MAX_LENGTH
        and _NAME.fullmatch(ref)
        and ".." not in ref
        and "@{" not in ref
        and ref != "@"
        and not any(part.endswith((".", ".lock")) for part in ref.split("/"))
    )
    if not well_formed:
        raise Refused(
            "GIT010",
            "git ref",
            f"{ref[:80]!r} is no ref",
            "a branch, a tag or a full commit id",
            "write it without expressions; git rev-parse REF prints the full id",
        )
    if ref.startswith("refs/"):
        return (ref,)
    return tuple(namespace + ref for namespace in _NAMESPACES)
