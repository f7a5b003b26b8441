"""Output ``validate``."""

from __future__ import annotations

from reconciler.outputs.parts import Envelope


class ValidateOutput(Envelope):
    """``reconciler validate --json``."""

    documents: dict[str, int]
