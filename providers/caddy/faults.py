"""What can go wrong with a proxy: every code of this package, its meaning and its remedy, in one place."""

from __future__ import annotations

from dataclasses import dataclass

from reconciler.provider import ProviderError, Refused

LONGEST = 500
"""Characters of somebody else's words that a message repeats."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A stable code, what it means and what helps; makes the errors that carry it."""

    code: str
    meaning: str
    remedy: str

    def passing(self, where: str, seen: str, expected: str) -> ProviderError:
        """An error after which trying again may work."""
        return ProviderError(self.code, where, bounded(seen), expected, self.remedy)

    def final(self, where: str, seen: str, expected: str) -> Refused:
        """An error that stays until the spec or the image changes."""
        return Refused(self.code, where, bounded(seen), expected, self.remedy)


def bounded(words: str) -> str:
    """Somebody else's words on one line, not too long."""
    line = " ".join(words.split())
    return line if len(line) <= LONGEST else f"{line[:LONGEST]}…"


SILENT = Fault(
    "PXY001",
    "A proxy's admin socket cannot be opened.",
    "it is tried again; if it lasts, read the proxy's log",
)
SLOW = Fault(
    "PXY002", "A proxy did not answer in time.", "it is tried again; if it lasts, read the proxy's log"
)
UNCLEAR = Fault(
    "PXY003",
    "What a proxy answered cannot be understood.",
    "see that proxy.image is an image of Caddy; it is tried again",
)
UNWANTED = Fault(
    "PXY004", "Caddy does not accept what it was given.", "correct the route or the proxy that its words name"
)
OLD = Fault(
    "PXY005", "The proxy's Caddy is too old.", "set proxy.image of the Environment to Caddy 2.11.2 or newer"
)
OTHER = Fault("PXY006", "A proxy does something else than it was given.", "the next look decides anew")
UNWRITTEN = Fault(
    "PXY007",
    "The table of a route cannot be written.",
    "the old table is in force; see the free space and the rights of the engine's volumes",
)
UNTURNED = Fault("PXY008", "The table of a route is another than was written.", "the next look decides anew")
NO_TOOLS = Fault(
    "PXY009",
    "A command in a proxy's container failed.",
    "see that proxy.image has a shell and wget, as Caddy's own image has",
)
NO_TABLE = Fault("PXY010", "What was to be written is no table.", "report it as a bug; nothing was written")

FAULTS = (SILENT, SLOW, UNCLEAR, UNWANTED, OLD, OTHER, UNWRITTEN, UNTURNED, NO_TOOLS, NO_TABLE)
CODES = {fault.code: fault.meaning for fault in FAULTS}
