"""What the parts of the conversion share: the project, the draft, the names and secrets given so far."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field

from reconciler.compose.draft import Draft, Loss, Topic
from reconciler.compose.passwords import name_of
from reconciler.compose.places import EngineFacts, Files
from reconciler.compose.project import Project
from reconciler.compose.tree import ComposeError, JsonObject, Tree, as_json
from reconciler.compose.variables import Found
from reconciler.desired import Json
from reconciler.ownership import Owner

CHANGE_ME = "CHANGE-ME"


@dataclass(slots=True)
class Conversion:
    """A whole project on its way. ``images`` maps builds and image names of Compose to Images of ours."""

    project: Project
    files: Files
    engine: EngineFacts
    owner: Owner
    draft: Draft = field(default_factory=Draft)
    images: dict[str, str] = field(default_factory=dict)
    jobs: frozenset[str] = frozenset()
    aliases: dict[str, list[str]] = field(default_factory=dict)
    """By Compose's service: names that its neighbours use beside its own."""
    renames: dict[str, str] = field(default_factory=dict)
    """Compose's name -> ours, of the services that have another one here."""
    _texts: dict[str, str] = field(default_factory=dict, repr=False)

    def written(self, text: str) -> str:
        """Text as the language writes it: dollars doubled, ``${NAME}`` for what has no value."""
        return self.project.marks.fill(text.replace("$", "$$"), self._variable)

    def _variable(self, found: Found) -> str:
        value = CHANGE_ME if found.kind != "missing" else ""
        self.draft.variables.setdefault(found.name, value)
        return f"${{{found.name}}}"

    def json(self, value: object) -> Json:
        """A tree with every text written as the language writes it."""
        return self._write(as_json(value))

    def _write(self, value: Json) -> Json:
        if isinstance(value, dict):
            return {self.project.marks.value(key): self._write(part) for key, part in value.items()}
        if isinstance(value, list):
            return [self._write(part) for part in value]
        return self.written(value) if isinstance(value, str) else value

    def secret(self, wanted: str, value: str | None, service_name: str) -> str:
        """The name of the secret with this value: ``wanted``, or one of the service's own where another
        value has taken that."""
        name, known = name_of(wanted), self.draft.secrets
        if name in known and None not in (known[name], value) and known[name] != value:
            name = name_of(f"{service_name}-{wanted}")
        known[name] = known.get(name) if value is None else value
        return name

    def is_named(self, name: str, compose_name: str) -> bool:
        """Whether another service's words hold a name."""
        if not self._texts:
            self._texts = {key: json.dumps(as_json(part)) for key, part in self.project.services.items()}
        return any(name in text for other, text in self._texts.items() if other != compose_name)

    def renamed(self, text: str, is_host: bool) -> str:
        """The text with a renamed service's new name where it is a host; ``is_host``: as a whole, too."""
        for old, new in self.renames.items():
            if old in text:
                if is_host and text == old:
                    return new
                text = re.sub(
                    rf"(?<=[/@]){re.escape(old)}(?=[:/?,]|$)|(?<![\w./@-]){re.escape(old)}(?=:[0-9])",
                    new,
                    text,
                )
        return text

    def secret_of(self, value: str) -> str | None:
        """The secret that has this value already."""
        return next((name for name, known in self.draft.secrets.items() if known == value), None)


@dataclass(slots=True)
class ServiceWork:
    """One service on its way: its name of ours, Compose's, what Compose says, the spec as it grows."""

    whole: Conversion
    name: str
    compose_name: str
    service: Tree
    spec: JsonObject = field(default_factory=dict)

    def note(self, topic: Topic | Loss, text: str) -> None:
        """One line about this service."""
        self.whole.draft.note(topic, self.name, text)

    def flat(self, value: object) -> str:
        """A text as Compose makes it, with nothing where there is no value."""
        return self.whole.project.marks.value(str(value))

    def number(self, word: str, value: object) -> int | None:
        """A whole number; None where its variable has no value. Raises ComposeError for anything else."""
        text = self.flat(value).strip().removesuffix("us")
        if text and not text.lstrip("-").isdecimal():
            raise ComposeError(f"service {self.compose_name}: {word} is no whole number")
        return int(text) if text else None
