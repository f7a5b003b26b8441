"""The journal as text and as JSON (contracts, section 3: history). Pure; every entry may be damaged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from reconciler.desired import Json
from reconciler.render import escape, short_commit

Entry = Mapping[str, Json]


def render_history(entries: Sequence[Entry], environment_name: str) -> str:
    """The newest first; a line for each entry, for each service that moved and for each thing done."""
    if not entries:
        return f"nothing is known of {escape(environment_name)}, here or there\n"
    lines: list[str] = []
    for entry in entries:
        lines.append(_headline(entry))
        lines += [f"  {line}" for line in map(_moved, _objects(entry, "services")) if line]
        for action in _objects(entry, "actions"):
            failed = "" if action.get("result") == "done" else f" {_text(action, 'result')}"
            what = f"{_text(action, 'verb')} {_text(action, 'kind')} {_text(action, 'name')}"
            lines.append(f"  {escape(what)}{escape(failed)}: {escape(_reason(action))}")
            if hint := _text(action, "if_that_was_meant"):
                lines.append(f"    if that was meant: {escape(hint)}")
    return "\n".join(lines) + "\n"


def _headline(entry: Entry) -> str:
    took = entry.get("duration_s")
    seconds = f" in {took:g} s" if isinstance(took, (int, float)) else ""
    commit = short_commit(_text(entry, "commit") or "-")
    verb = escape(_trigger(entry) or "-")
    about = f" {_text(entry, 'about')}" if _text(entry, "about") else ""
    reason = f": {_text(entry, 'reason')}" if _text(entry, "reason") else ""
    actor = f" by {_actor(entry)}" if _actor(entry) else ""
    at = escape(_text(entry, "at") or "at an unknown time")
    result = escape(f"{_text(entry, 'result')}{about}")
    return f"{at}  {verb:<6} {commit}  {result}{seconds}{escape(actor)}{escape(reason)}"


def _moved(step: Entry) -> str:
    before, after = step.get("from"), step.get("to")
    if before == after:
        return ""
    names = [escape(_text(one, "generation")) if isinstance(one, dict) else "-" for one in (before, after)]
    return f"{escape(_text(step, 'service'))} {names[0]} -> {names[1]}"


def history_entries(entries: Sequence[Entry]) -> list[Json]:
    """The entries as contracts, section 3 say."""
    return [_entry_json(entry) for entry in entries]


def _entry_json(entry: Entry) -> dict[str, Json]:
    steps: list[Json] = list(_objects(entry, "services")) if "services" in entry else _touched(entry)
    return {
        "at": entry.get("at"),
        "commit": entry.get("commit"),
        "trigger": _trigger(entry) or None,
        "actor": _actor(entry) or None,
        "result": entry.get("result"),
        "duration_s": entry.get("duration_s"),
        "services": steps,
        "about": entry.get("about"),
        "reason": entry.get("reason"),
    }


def _touched(entry: Entry) -> list[Json]:
    """Of an entry of an older version: the services that anything was done to."""
    services: dict[str, Json] = {}
    for action in _objects(entry, "actions"):
        if action.get("kind") == "Service":
            name = _text(action, "name")
            services[name] = {"service": name, "from": None, "to": None, "cause": action.get("cause")}
    return [services[name] for name in sorted(services)]


def _trigger(entry: Entry) -> str:
    """What brought it about, without who: ``push 0a1b by ann`` is a push."""
    return (_text(entry, "trigger") or _text(entry, "verb")).partition(_BY)[0]


def _actor(entry: Entry) -> str:
    return _text(entry, "actor") or _text(entry, "trigger").partition(_BY)[2]


_BY = " by "


def _objects(entry: Entry, name: str) -> list[dict[str, Json]]:
    found = entry.get(name)
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


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
