"""Outputs as verbs print them, whole and small, for tests of what is made of them."""

from __future__ import annotations

from typing import Any

from reconciler.desired import Json
from reconciler.outputs.read import Output, read_output

COMMIT = "3f2a91cd01" + "0" * 30


def envelope(verb: str, **members: Any) -> dict[str, Json]:
    return {
        "schema": f"reconciler/{verb}/v1",
        "tool": "gitops-reconciler 0.1.0",
        "exit": 0,
        "owner": {"project": "shop", "environment": "dev"},
        "commit": COMMIT,
        "at": "2026-01-02T03:04:05Z",
        "mode": "live",
        "problems": [],
        "unreadable": [],
        **members,
    }


def subject(name: str, kind: str = "Service", instance: str | None = None) -> dict[str, Json]:
    role = {"host": "h", "id": "c1", "name": instance, "role": "live"}
    return {"kind": kind, "name": name, "instance": role if instance else None}


def diff(path: str, before: Json, after: Json, origin: str = "commit") -> dict[str, Json]:
    known = {"desired": after, "applied": before, "live": None}
    known = known if origin == "commit" else {"desired": before, "applied": before, "live": after}
    return {"path": path, "origin": origin, "verdict": "different", **known}


def action(verb: str, name: str, kind: str = "Service", **members: Any) -> dict[str, Json]:
    return {
        "id": "0a1b2c3d",
        "verb": verb,
        "subject": subject(name, kind),
        "cause": members.pop("cause", {"type": "commit", "refs": [], "diffs": []}),
        "interrupts": None,
        "destructive": False,
        **members,
    }


def plan(*steps: list[dict[str, Json]], **members: Any) -> dict[str, Json]:
    """A plan whose forecast has these passes."""
    first = steps[0] if steps else []
    return envelope(
        "plan",
        **{
            "endpoint": None,
            "plan_id": "0a1b2c3d",
            "prune_id": None,
            "base": None,
            "settled": not first,
            "actions": first,
            "waits": [],
            "blocks": [],
            "forecast": [{"pass": n, "actions": step} for n, step in enumerate(steps, 1)],
            "images": {},
            **members,
        },
    )


def drifted(name: str, *diffs: dict[str, Json], **members: Any) -> dict[str, Json]:
    return {
        "service": name,
        "result": "drifted" if diffs else "clean",
        "since": None,
        "diffs": list(diffs),
        "missing": 0,
        "extra": [],
        "heal": ["mend"] if diffs else [],
        "heal_steps": [],
        "interrupts": None,
        "withheld": None,
        "seen": [],
        "ignored": [],
        "place": {"file": "specs/shop.yaml", "line": 7, "column": 1},
        **members,
    }


def drift(*services: dict[str, Json], **members: Any) -> dict[str, Json]:
    results = {service["result"] for service in services}
    result = next((r for r in ("drifted", "cannot_tell") if r in results), "clean")
    return envelope("drift", **{"result": result, "pending": 0, "services": list(services), **members})


def problem(seen: str = 'unknown field "prots"', **members: Any) -> dict[str, Json]:
    return {
        "code": "SPEC012",
        "severity": "error",
        "file": "specs/shop.yaml",
        "line": 12,
        "column": 3,
        "subject": "Service web",
        "seen": seen,
        "expected": "",
        "remedy": 'did you mean "ports"?',
        **members,
    }


def read(value: dict[str, Json]) -> Output:
    return read_output(value)
