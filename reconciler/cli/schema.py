"""Verb ``schema``: the JSON Schema of spec documents, or of the Run file, for editors."""

from __future__ import annotations

import json

from reconciler.cli.envelope import Report
from reconciler.cli.exits import DONE
from reconciler.cli.options import Options


def run(options: Options) -> Report:
    """Print it; with ``--json`` inside the envelope like every result."""
    # Either of the two needs models that the other does not.
    if options.run_file:
        from specs.run_schema import text
    else:
        from specs.json_schema import text

    written = text()
    return Report(DONE, written, {"json_schema": json.loads(written)}, mode="offline")
