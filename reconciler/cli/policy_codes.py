"""What can be wrong between a source, the policy over it, and the engine that it is for. Codes are stable:
none is ever given another meaning."""

from __future__ import annotations

CODES = {
    "POL001": "Tags that an environment tracks are no versions, and do not count. A warning.",
    "POL002": "The tracked ref has another Environment or Registry than the policy ref. A warning.",
    "POL010": "The documents say more than the Run file grants to their repository.",
}
