"""The forms of a result for other readers than a person at a terminal, each made of the one JSON object."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from reconciler.cli.envelope import Report, dump, envelope

if TYPE_CHECKING:
    from reconciler.cli.options import Options
    from reconciler.outputs.read import Output
    from reconciler.render_comment import Topic
    from reconciler.render_json import JsonObject
    from reconciler.render_sarif import Rule

_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


def written(report: Report, options: Options) -> str | None:
    """The result in the form that was asked for; None for text."""
    if not (options.as_json or options.markdown or options.sarif or options.junit):
        return None
    value = envelope(options.verb, report)
    if options.as_json:
        return dump(value) + "\n"
    from reconciler.outputs.read import read_outputs

    outputs = read_outputs(value)
    if options.markdown:
        # The environment of an offline plan stands among several that there could be.
        known = options.environments if len(options.environments) == 1 else (options.environment,)
        return markdown(outputs, known[0])
    return sarif(outputs, options.path) if options.sarif else _junit(outputs)


def markdown(outputs: Sequence[Output], environment: str) -> str:
    """One comment after another. ``environment``: what those are about that do not say so."""
    from reconciler.render_comment import render_comment

    return "\n".join(render_comment(output, topic(output, environment)) for output in outputs)


def topic(output: Output, environment: str) -> Topic:
    """What the comment is about; ``environment`` where the output does not say so, if it is a name."""
    from reconciler.outputs.read import output_verb
    from reconciler.render_comment import Topic

    if output.owner is not None:
        return Topic(output_verb(output), output.owner.project, output.owner.environment)
    return Topic(output_verb(output), None, environment if _NAME.fullmatch(environment) else None)


def sarif(outputs: Sequence[Output], path: str) -> str:
    """The log as text, indented: people read it where a reader fails to."""
    import json

    from reconciler.render_sarif import render_sarif

    value: JsonObject = render_sarif(outputs, _explain, path)
    return json.dumps(value, ensure_ascii=True, indent=1, allow_nan=False).replace("##", "#\\u0023") + "\n"


def _explain(code: str) -> Rule | None:
    from reconciler.cli.error_pages import meanings, written
    from reconciler.render_sarif import Rule

    texts, known = written().get(code), meanings()
    if texts is None or code not in known:
        return None
    cause, remedy = (" ".join(texts[name].split()) for name in ("cause", "remedy"))
    return Rule(known[code], cause, remedy)


def _junit(outputs: Sequence[Output]) -> str:
    from reconciler.render_junit import render_junit

    return render_junit(outputs)
