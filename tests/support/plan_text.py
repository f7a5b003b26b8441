"""A plan as stable text, one line an action, wait or block, with words instead of digests."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from plan_case import COMMITS, Case
from plan_commit import OWNER
from plan_traffic import slots_text
from reconciler.actions import (
    Action,
    CreateInstance,
    LoadProxy,
    MendInstance,
    PublishFiles,
    PutMarker,
    RemoveMarker,
    RetireInstance,
    ReviveInstance,
    RunHook,
    SwitchRoute,
)
from reconciler.decision import Block, Plan, Wait
from reconciler.render_action import describe_change, interruption, verb_of
from reconciler.secret_volume import secret_volume

_INSTANCE = re.compile(r"shop_dev_([a-z0-9-]+)_([a-z0-9]+)_(\d+)(_kept|_held|_pre-deploy|_post-deploy)?")


def plan_text(case: Case, decided: Plan) -> str:
    """The text that a case expects."""
    lines = [_action(case, action) for action in decided.actions]
    lines += [_wait(wait, case.now) for wait in decided.waits]
    lines += [_block(block) for block in decided.blocks]
    lines += [f"prune id {decided.prune_id}"] if decided.prune_id else []
    text = "\n".join(lines or ["nothing"]) + "\n"
    for long, short in _names(case):
        text = text.replace(long, short)
    return _INSTANCE.sub(lambda m: f"{m[1]}@{m[2]} {m[3]}{m[4] or ''}", text).replace("shop_dev_", "")


def _action(case: Case, action: Action) -> str:
    subject = action.subject.instance or str(action.subject)
    if action.subject.kind in ("Image", "Config", "Network", "Volume"):
        subject = f"{action.subject.kind} {action.subject.name}"
    if isinstance(action, PutMarker | RemoveMarker):
        kind = action.kind if isinstance(action, PutMarker) else action.object_name.split("_")[1]
        subject = f"{kind} of {action.subject.name}"
    if isinstance(action, LoadProxy):
        subject = action.service_name
    if action.subject.kind == "Config" and not isinstance(action, PublishFiles):
        subject = f"{subject} ({action.subject.instance})"
    longest = interruption(action)
    breaks = f"; interrupts for at most {longest:g} s" if longest is not None else ""
    what = f"{verb_of(action)} {subject}{_details(case, action)}"
    return f"{what} -- {action.cause.type}: {', '.join(action.cause.refs)}{breaks}"


def _details(case: Case, action: Action) -> str:
    if isinstance(action, MendInstance):
        return f": {', '.join(describe_change(change) for change in action.changes)}"
    if isinstance(action, RetireInstance | ReviveInstance):
        first = action.pre_stop if isinstance(action, RetireInstance) else None
        return f" as {action.name}" + (f" after {' '.join(first.command)}" if first else "")
    if isinstance(action, SwitchRoute):
        return f": {slots_text(action.slots)}"
    if isinstance(action, PutMarker) and action.kind == "step":
        standing = json.loads(action.value)
        return f": {standing['index']} {standing['state']}"
    if isinstance(action, PutMarker) and action.kind == "release":
        names = [f"{e['digest']} x{e['replicas']}" for e in json.loads(action.value)["releases"]]
        return f": {', '.join(names)}"
    if isinstance(action, PutMarker) and action.kind == "hook":
        hooks = [f"{e['hook']} of {e['digest']} {e['state']}" for e in json.loads(action.value)["hooks"]]
        return f": {', '.join(hooks)}"
    if isinstance(action, RunHook):
        return f": {' '.join(action.words)}"
    if isinstance(action, CreateInstance) and action.second_writer:
        return f": second writer of {', '.join(action.second_writer)}"
    return ""


def _wait(wait: Wait, now: float) -> str:
    at = f", in {round(wait.recheck_at - now, 3):g} s" if wait.recheck_at is not None else ""
    subject = f"{wait.subject.kind} {wait.subject.name}" if wait.subject.kind == "Image" else wait.subject
    return f"wait {subject} -- {wait.reason} ({wait.ender.value}{at})"


def _block(block: Block) -> str:
    word = "held" if block.held else "block"
    subject = f"{block.subject.kind} {block.subject.name}" if block.subject.kind == "Image" else block.subject
    return f"{word} {subject} -- {block.code} {block.reason}"


def _names(case: Case) -> Iterator[tuple[str, str]]:
    """What is long in the text, and the word for it; the desired commit's word comes first."""
    for word in COMMITS:
        commit, desired = case.commit(word), case.resolve(word)
        for image in desired.images.values():
            yield image.key, f"in-{word}"
        for service in desired.services.values():
            generation = commit.generation(service)
            yield generation.digest, word
            yield f"_{service.name}_{generation.g8}_", f"_{service.name}_{word}_"
            volume = secret_volume(OWNER, service.name, generation, service.form)
            yield from [(volume, f"secrets of {service.name}@{word}")] if volume else []
            yield f"; {generation.g8} serves", f"; {word} serves"
        for network in desired.networks.values():
            yield network.object_name, f"{network.name}@{word}"
        for files in desired.files.values():
            yield files.volume, f"{files.config_name}@{word}"
        yield commit.id[:12], word
