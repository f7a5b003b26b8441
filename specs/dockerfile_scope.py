"""The variables that a Dockerfile's words may use, as far as the commit alone decides them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from specs.expansion import Lookup, Undetermined, expand

_AUTOMATIC = frozenset(
    side + part for side in ("TARGET", "BUILD") for part in ("PLATFORM", "OS", "ARCH", "VARIANT")
)


@dataclass(slots=True)
class Scope:
    """Values by name, None where one exists but cannot be told. A stage sees its own; FROM the globals."""

    given: Mapping[str, str]
    escape: str
    declared: set[str] = field(default_factory=set)
    _globals: dict[str, str | None] = field(default_factory=dict)
    _stage: dict[str, str | None] | None = None

    def enter_stage(self) -> None:
        """Begin a stage: nothing but what it declares is visible."""
        self._stage = {}

    def declare(self, text: str) -> None:
        """``ARG NAME`` or ``ARG NAME=default``."""
        name, equals, default = text.partition("=")
        self.declared.add(name)
        if name in self.given:
            self._here[name] = self.given[name]
        elif equals:
            self._here[name] = self.value_of(default)
        elif name in self._globals:
            self._here[name] = self._globals[name]

    def assign(self, name: str, text: str) -> None:
        """``ENV NAME=text``."""
        self._here[name] = self.value_of(text)

    def value_of(self, text: str) -> str | None:
        """The value of a word in the current stage; None where it cannot be told."""
        try:
            return expand(text, self._lookup(self._here, None), self.escape)
        except Undetermined:
            return None

    def base_value(self, text: str, platform: str | None) -> str:
        """The value of the word after FROM for one target platform. Raises ``Undetermined``."""
        return expand(text, self._lookup(self._globals, platform), self.escape)

    @property
    def _here(self) -> dict[str, str | None]:
        return self._globals if self._stage is None else self._stage

    def _lookup(self, values: Mapping[str, str | None], platform: str | None) -> Lookup:
        automatic = _platform_values(platform)

        def lookup(name: str) -> str | None:
            value = values.get(name, automatic.get(name))
            if value is None and (name in values or name in _AUTOMATIC):
                raise Undetermined(f"the value of {name} depends on more than the commit")
            return value

        return lookup


def _platform_values(platform: str | None) -> dict[str, str]:
    if not platform:
        return {}
    os_name, architecture, variant = (*platform.split("/"), "", "")[:3]
    return {
        "TARGETPLATFORM": platform,
        "TARGETOS": os_name,
        "TARGETARCH": architecture,
        "TARGETVARIANT": variant,
    }
