"""Codes of drift in reports for other tools, where a finding needs one."""

from __future__ import annotations

from typing import Final

CODES: Final = {
    "DRIFT001": "A live object differs from what was applied.",
    "DRIFT002": "What lives could not be compared with what was applied.",
}
