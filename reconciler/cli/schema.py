"""Verb ``schema``: the JSON Schema of spec documents, of the Run file, or of what a verb prints."""

from __future__ import annotations

import json

from reconciler.cli.envelope import Report
from reconciler.cli.exits import DONE
from reconciler.cli.options import Options


def run(options: Options) -> Report:
    """Print it; with ``--json`` inside the envelope like every result."""
    # Each of them needs models that the others do not.
    if options.output is not None:
        from reconciler.outputs import schema

        printed = schema.text(options.output)
        return Report(DONE, printed, {"json_schema": json.loads(printed)}, mode="offline")
    if options.run_file:
        from specs.run_schema import text
    else:
        from specs.json_schema import text

    written = text()
    return Report(DONE, written, {"json_schema": json.loads(written)}, mode="offline")
