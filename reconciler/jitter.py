"""Pauses that differ a little, so that many who failed together do not try together."""

from __future__ import annotations

import random


def jittered(seconds: float) -> float:
    """So long, a fifth more or less."""
    return seconds * random.uniform(0.8, 1.2)  # noqa: S311 (spreads load, protects nothing)
