"""What a Dockerfile declares: the ports and volumes of the stage that is built."""

from __future__ import annotations

import json
import re


def declared_words(content: bytes, instruction: str, target: str | None = None) -> list[str]:
    """The arguments of EXPOSE or VOLUME in a stage (the last one without a target), those of the stages that
    it is based on included; arguments with variables are left out."""
    text = re.sub(r"\\\s*\n", " ", content.decode(errors="replace"))
    stages = re.split(r"(?im)^[ \t]*FROM[ \t]", text)[1:]
    names = [_stage_name(stage) for stage in stages]
    at = names.index(target.lower()) if target and target.lower() in names else len(stages) - 1
    found: list[str] = []
    while at >= 0:
        for line in re.findall(rf"(?im)^[ \t]*{instruction}[ \t]+(.+)$", stages[at]):
            found += _split(line.strip())
        bases = [word for word in stages[at].split("\n", 1)[0].split() if not word.startswith("--")]
        parent = bases[0].lower() if bases else ""
        at = names.index(parent, 0, at) if parent in names[:at] else -1
    return [word for word in dict.fromkeys(found) if "$" not in word]


def _stage_name(stage: str) -> str:
    match = re.search(r"(?i)[ \t]AS[ \t]+(\S+)", stage.split("\n", 1)[0])
    return match[1].lower() if match else ""


def _split(line: str) -> list[str]:
    if not line.startswith("["):
        return line.split()
    try:
        return [word for word in json.loads(line) if isinstance(word, str)]
    except ValueError:
        return []
