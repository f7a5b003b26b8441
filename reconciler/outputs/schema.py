"""JSON Schema (draft 2020-12) of what ``--json`` prints, made from the models; committed in docs/schema/.

An output is whole, or the envelope alone: that of a verb that failed, or that had nothing to do.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from pydantic import TypeAdapter

from reconciler.outputs import apply, drift, files, plan, promote, status, validate
from reconciler.outputs.parts import Envelope, Part

OUTPUTS: Final[Mapping[str, tuple[type[Part], ...]]] = {
    "adopt": (apply.TakenOutput, apply.HandedOutput, apply.CandidatesOutput),
    "apply": (apply.ApplyOutput,),
    "destroy": (apply.DestroyOutput, apply.AskedOutput),
    "doctor": (status.DoctorOutput,),
    "drift": (drift.DriftOutput,),
    "explain": (files.ExplainOutput,),
    "history": (status.HistoryOutput,),
    "init": (files.InitOutput, files.SecretsOutput),
    "lock": (files.LockOutput,),
    "logs": (status.LogsOutput,),
    "plan": (plan.PlanOutput, plan.PlansOutput),
    "post": (files.PostOutput,),
    "promote": (promote.PromoteOutput,),
    "render": (files.RenderOutput,),
    "resume": (apply.WordOutput,),
    "retry": (apply.RetryOutput,),
    "rollback": (promote.RollbackOutput,),
    "rollout": (apply.RolloutOutput,),
    "schema": (files.SchemaOutput,),
    "status": (status.StatusOutput,),
    "suspend": (apply.WordOutput,),
    "validate": (validate.ValidateOutput,),
    "why": (status.WhyOutput,),
}
"""Verb -> the forms of its output."""
_ALONE: Final = "EnvelopeAlone"


def text(verb: str) -> str:
    """The schema as committed: sorted, indented, one line end at its end. Raises KeyError."""
    return json.dumps(schema(verb), indent=2, sort_keys=True) + "\n"


def schema(verb: str) -> dict[str, Any]:
    """The schema as a JSON value. Raises KeyError for a verb that prints none."""
    forms = OUTPUTS[verb]
    definitions: dict[str, Any] = {}
    models: list[type[Part]] = [*forms, Envelope]
    for model in models:
        made = TypeAdapter[Any](model).json_schema(ref_template="#/$defs/{model}")
        definitions |= made.pop("$defs", {})
        definitions[model.__name__] = made
    definitions[_ALONE] = _alone(forms)
    named = [*(model.__name__ for model in forms), _ALONE]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"What reconciler {verb} --json prints, reconciler/{verb}/v1",
        "type": "object",
        "required": ["schema"],
        "properties": {"schema": {"const": f"reconciler/{verb}/v1"}},
        "anyOf": [{"$ref": f"#/$defs/{name}"} for name in named],
        "$defs": {name: _plain(part) for name, part in sorted(definitions.items())},
    }


def _alone(forms: tuple[type[Part], ...]) -> dict[str, Any]:
    """The envelope without any member that a whole output has of its own."""
    shared = set(_members(Envelope))
    own = sorted({member for model in forms for member in _members(model)} - shared)
    return {
        "description": "The envelope alone: the verb failed, or had nothing to do.",
        "allOf": [{"$ref": "#/$defs/Envelope"}],
        "not": {"anyOf": [{"required": [member]} for member in own]},
    }


def _members(model: type[Part]) -> list[str]:
    return [field.alias or name for name, field in model.model_fields.items()]


def _plain(value: Any) -> Any:
    """Without the titles, which only repeat the names."""
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if not isinstance(value, dict):
        return value
    kept = {key: part for key, part in value.items() if key != "title" or not isinstance(part, str)}
    return {key: _plain(part) for key, part in kept.items()}
