"""Who receives results: forges and other people's webhooks, as the Run file says now."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import quote

from reconciler.cli.github_app import forget_token, installation_token
from reconciler.cli.result_letters import Letter
from specs.run_access import GithubApp
from specs.run_file import RunSpec
from specs.run_results import Forge, Notify

_APIS: Final = {"github": "https://api.github.com", "gitlab": "https://gitlab.com/api/v4"}
_MAX_SECRET: Final = 1 << 12


@dataclass(frozen=True, slots=True)
class Request:
    """One POST of JSON."""

    url: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class ForgePlace:
    """A repository at its forge. ``name`` is how letters say it."""

    repository: str
    forge: Forge
    app: GithubApp | None = None
    """Whose tokens are used where the forge names none."""

    @property
    def name(self) -> str:
        return f"forge of {self.repository}"

    def path(self, commit: str) -> str:
        """Where statuses of a commit are posted to, below the API's address."""
        if self.forge.provider == "gitlab":
            return f"/projects/{quote(self.forge.project, safe='')}/statuses/{commit}"
        return f"/repos/{self.forge.project}/statuses/{commit}"

    def request(self, letter: Letter, now: float) -> Request:
        """What is sent. Blocking. Raises OSError, ValueError and ProviderError where there is no token."""
        token = self._token()
        if self.forge.provider == "gitlab":
            login = {"PRIVATE-TOKEN": token}
        else:
            login = {"Authorization": f"{'Bearer' if self.forge.provider == 'github' else 'token'} {token}"}
        address = self.forge.api or _APIS.get(self.forge.provider, "")
        accept = "application/vnd.github+json" if self.forge.provider == "github" else "application/json"
        headers = {"Content-Type": "application/json", "Accept": accept, **login}
        return Request(f"{address.rstrip('/')}{letter.path}", headers, json.dumps(dict(letter.body)).encode())

    def renew(self) -> bool:
        """The forge refused the token: throw it away. Whether there may be another."""
        if self.forge.token is not None or self.app is None:
            return False
        forget_token(self.app)
        return True

    def _token(self) -> str:
        if self.forge.token is None and self.app is not None:
            return installation_token(self.app)
        return read_token(self.forge.token or "")


@dataclass(frozen=True, slots=True)
class NotifyPlace:
    """A receiver of notifications; its address may itself be a secret, so that no message shows it."""

    number: int
    notify: Notify

    @property
    def name(self) -> str:
        # Entries of one address and one secret are one receiver: what several of them ask for is sent once.
        receiver = f"{self.notify.url}\n{self.notify.secret or ''}"
        mark = hashlib.sha256(receiver.encode()).hexdigest()[:8]
        return f"notify {mark}"

    def wants(self, environment: str, event: str) -> bool:
        """Whether it is told of this event; an empty environment is about all."""
        chosen = self.notify.environments
        return event in self.notify.on and (not chosen or not environment or environment in chosen)

    def request(self, letter: Letter, now: float) -> Request:
        """What is sent, signed. Raises OSError and ValueError where the secret cannot be read."""
        body = json.dumps(dict(letter.body), ensure_ascii=False, sort_keys=True).encode()
        headers = {"Content-Type": "application/json"}
        if self.notify.secret is not None:
            stamp = str(int(now))
            key = read_token(self.notify.secret).encode()
            digest = hmac.new(key, f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
            headers |= {"X-Reconciler-Timestamp": stamp, "X-Reconciler-Signature-256": digest}
        return Request(self.notify.url, headers, body)


ResultPlace = ForgePlace | NotifyPlace


def places_of(spec: RunSpec) -> Mapping[str, ResultPlace]:
    """All of them, by name."""
    found: list[ResultPlace] = [
        ForgePlace(r.name, r.forge, r.github_app) for r in spec.repositories if r.forge is not None
    ]
    found += [NotifyPlace(number, notify) for number, notify in enumerate(spec.notify)]
    return {place.name: place for place in found}


def notified(spec: RunSpec, environment: str, event: str) -> Sequence[NotifyPlace]:
    """Who is told of this event; an empty environment is about all."""
    places = [NotifyPlace(number, notify) for number, notify in enumerate(spec.notify)]
    wanting = {place.name: place for place in places if place.wants(environment, event)}
    return list(wanting.values())


def read_token(path: str) -> str:
    """A token or secret, without the space around it. Raises OSError, ValueError where there is none."""
    with Path(path).open("rb") as stream:
        token = stream.read(_MAX_SECRET + 1).strip()
    if not token or len(token) > _MAX_SECRET or not token.isascii() or any(byte < 33 for byte in token):
        raise ValueError("no token")
    return token.decode("ascii")
