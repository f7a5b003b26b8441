"""Outputs read back: what anybody could have written is taken for what it is, or refused. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import ValidationError

from reconciler.desired import Json
from reconciler.outputs.drift import DriftOutput
from reconciler.outputs.parts import Envelope
from reconciler.outputs.plan import PlanOutput
from reconciler.outputs.promote import PromoteOutput
from reconciler.outputs.validate import ValidateOutput
from reconciler.render import escape

Output = PlanOutput | DriftOutput | ValidateOutput | PromoteOutput | Envelope
"""An ``Envelope`` alone is that of a verb that failed, or of one that is not told further."""
_Model = type[PlanOutput] | type[DriftOutput] | type[ValidateOutput] | type[PromoteOutput]
_MODELS: Mapping[str, tuple[str, _Model]] = {
    "plan": ("plan_id", PlanOutput),
    "drift": ("result", DriftOutput),
    "validate": ("documents", ValidateOutput),
    "promote": ("from", PromoteOutput),
}
"""Verb -> a member that its output has where it did not fail, and the model."""
_MAX_PARTS = 50


def read_outputs(value: Mapping[str, Json]) -> list[Output]:
    """The output, or one for each environment where it is about several. Raises ValueError."""
    parts = value.get("environments")
    if not isinstance(parts, list):
        return [read_output(value)]
    if len(parts) > _MAX_PARTS:
        raise ValueError(f"it is about {len(parts)} environments")
    shared = {name: member for name, member in value.items() if name != "environments"}
    return [read_output({**shared, **part}) for part in parts if isinstance(part, dict)]


def read_output(value: Mapping[str, Json]) -> Output:
    """One output. Raises ValueError with the first member that is not as its verb prints it."""
    member, model = _MODELS.get(verb_of(value), ("", Envelope))
    try:
        return (model if not member or member in value else Envelope).model_validate(dict(value))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ValueError(f"{escape(where, 200)}: {escape(first['msg'], 200)}") from None
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def verb_of(value: Mapping[str, Json]) -> str:
    """The verb that printed it; empty where it does not say."""
    words = str(value.get("schema", "")).split("/")
    return words[1] if len(words) == 3 and words[0] == "reconciler" and words[2] == "v1" else ""


def output_verb(output: Envelope) -> str:
    """The verb that printed an output that was read."""
    return output.output.split("/")[1]
