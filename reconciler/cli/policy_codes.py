"""What can be wrong between a source, the policy over it, and the engine that it is for. Codes are stable:
none is ever given another meaning."""

from __future__ import annotations

CODES = {
    "POL001": "Tags that an environment tracks are no versions, and do not count. A warning.",
    "POL002": "The tracked ref has another Environment or Registry than the policy ref. A warning.",
    "POL010": "The documents say more than the Run file grants to their repository.",
    "POL020": "A commit is not signed by anybody whose signature counts.",
    "POL021": "The keys of a signature policy cannot be used.",
    "POL030": "What is tracked moved back to an older commit, or the newest version has gone.",
    "POL031": "What is tracked was rewritten, or a version was tagged anew.",
    "POL032": "How the newest commit is related to the accepted one cannot be told.",
    "POL033": "What runs came from another source.",
    "POL034": "The engine does not tell what was accepted.",
    "POL040": "Another engine answers, which holds nothing of the environment.",
}
