"""The journal as text and as JSON (contracts, section 3: history). Pure; every entry may be damaged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from reconciler.desired import Json
from reconciler.render import escape, short_commit

Entry = Mapping[str, Json]


def render_history(entries: Sequence[Entry], environment_name: str) -> str:
    """The newest first; a line for each entry and one for each thing that was done."""
    if not entries:
        return f"nothing is known of {escape(environment_name)} on this machine\n"
    lines: list[str] = []
    for entry in entries:
        took = entry.get("duration_s")
        seconds = f" in {took:g} s" if isinstance(took, (int, float)) else ""
        commit = short_commit(_text(entry, "commit") or "-")
        verb, result = escape(_text(entry, "verb")), escape(_text(entry, "result"))
        lines.append(f"{escape(_text(entry, 'at'))}  {verb:<6} {commit}  {result}{seconds}")
        for action in _actions(entry):
            failed = "" if action.get("result") == "done" else f" {_text(action, 'result')}"
            what = f"{_text(action, 'verb')} {_text(action, 'kind')} {_text(action, 'name')}"
            lines.append(f"  {escape(what)}{escape(failed)}: {escape(_reason(action))}")
    return "\n".join(lines) + "\n"


def history_entries(entries: Sequence[Entry]) -> list[Json]:
    """The entries as contracts, section 3 say."""
    return [_entry_json(entry) for entry in entries]


def _entry_json(entry: Entry) -> dict[str, Json]:
    services: dict[str, Json] = {}
    for action in _actions(entry):
        if action.get("kind") == "Service":
            name = _text(action, "name")
            services[name] = {"service": name, "from": None, "to": None, "cause": action.get("cause")}
    return {
        "at": entry.get("at"),
        "commit": entry.get("commit"),
        "trigger": entry.get("trigger", entry.get("verb")),
        "actor": None,
        "result": entry.get("result"),
        "duration_s": entry.get("duration_s"),
        "services": [services[name] for name in sorted(services)],
    }


def _actions(entry: Entry) -> list[dict[str, Json]]:
    actions = entry.get("actions")
    return [a for a in actions if isinstance(a, dict)] if isinstance(actions, list) else []


def _reason(action: Entry) -> str:
    cause = action.get("cause")
    if not isinstance(cause, dict):
        return "unknown"
    refs = cause.get("refs")
    words = "; ".join(str(ref) for ref in refs) if isinstance(refs, list) else ""
    return f"{cause.get('type')}: {words}" if words else str(cause.get("type"))


def _text(value: Entry, name: str) -> str:
    found = value.get(name)
    return found if isinstance(found, str) else ""
