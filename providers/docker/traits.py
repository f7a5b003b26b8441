"""What an engine mends in place, and what it would drop without a word. Pure."""

from __future__ import annotations

from providers.docker.tree import Node
from providers.docker.words import MENDABLE, unknown_words
from reconciler.observed import Traits


def traits_of(version: str, about: Node) -> Traits:
    """The traits of an engine that speaks this version of the API, such as ``1.45``; empty where it could not
    be asked. ``about`` is what it says of itself and its host."""
    unknown: dict[str, str] = {}
    if version:
        major, _, minor = version.partition(".")
        for word, since in unknown_words((int(major), int(minor))).items():
            unknown[word] = f"engine API {since[0]}.{since[1]} does, this one speaks {version}"
    if about.get("SwapLimit") is False:
        unknown["memswap_limit"] = "the host's kernel does not account for swap"
    return Traits(MENDABLE, tuple(sorted(unknown.items())))
