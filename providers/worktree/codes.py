"""What can go wrong with a working tree. Codes are stable: none is ever given another meaning."""

from __future__ import annotations

CODES = {
    "WRK001": "A file cannot be read.",
    "WRK002": "A file changed while it was read.",
    "WRK003": "The content of a committed file is not in the clone.",
}
