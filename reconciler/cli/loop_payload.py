"""What a webhook says has happened: which refs of which repository moved. Pure; every byte may be hostile.

Nothing of it is believed but "there may be news": commits are read from git, never from here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal
from urllib.parse import parse_qsl

from reconciler.desired import Json
from reconciler.strict_json import read_object

Kind = Literal["push", "ping", "other"]
_OBJECT_ID: Final = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_LONGEST: Final = 2048
_MOST_CHANGES: Final = 1000
_FORM: Final = "application/x-www-form-urlencoded"
_GITHUB_LIKE: Final = ("x-gitea-event", "x-forgejo-event", "x-gogs-event", "x-github-event")
_GITLAB: Final = "x-gitlab-event"
_BITBUCKET: Final = "x-event-key"
_GITHUB_URLS: Final = ("clone_url", "ssh_url", "git_url", "html_url")
_GITLAB_URLS: Final = ("git_http_url", "git_ssh_url", "http_url", "ssh_url", "web_url")


@dataclass(frozen=True, slots=True)
class Moved:
    """One ref that was pushed, by its full path. ``before`` and ``after`` are object ids; None where there is
    none, or where nobody says."""

    ref: str
    before: str | None = None
    after: str | None = None


@dataclass(frozen=True, slots=True)
class Delivery:
    """One webhook. A push that names no ref may be about any; ``urls`` are spellings of one repository."""

    kind: Kind
    moved: tuple[Moved, ...] = ()
    urls: tuple[str, ...] = ()


def read_delivery(headers: Mapping[str, str], body: bytes) -> Delivery:
    """Read one by its provider's rules; ``headers`` by their names in lower case. Raises ValueError, in words
    that quote nothing of the body."""
    github = next((headers[name] for name in _GITHUB_LIKE if name in headers), None)
    bitbucket, gitlab = headers.get(_BITBUCKET), headers.get(_GITLAB)
    if gitlab is None and bitbucket is None and github is None and not body.strip():
        return Delivery("push")
    event = read_object(_text(headers, body))
    if gitlab is not None:
        return _gitlab(gitlab, event)
    if bitbucket is not None:
        return _bitbucket(bitbucket, event)
    if github is not None:
        return _github(github, event)
    return _generic(event)


def _text(headers: Mapping[str, str], body: bytes) -> str:
    """The JSON text: the body, or the member ``payload`` of a form, which GitHub sends unless told not to.
    Tools that call every body a form (``curl -d``) are understood."""
    text = body.decode("utf-8")  # UnicodeDecodeError is a ValueError
    is_form = headers.get("content-type", "").partition(";")[0].strip().lower() == _FORM
    if not is_form or text.lstrip().startswith("{"):
        return text
    fields = dict(parse_qsl(text, keep_blank_values=True, max_num_fields=8))
    if "payload" not in fields:
        raise ValueError("a form without payload")
    return fields["payload"]


def _github(name: str, event: Mapping[str, Json]) -> Delivery:
    if name != "push":
        return Delivery("ping" if name == "ping" else "other")
    urls = tuple(_urls(_object(event, "repository"), _GITHUB_URLS))
    if not urls:
        raise ValueError("repository: a URL is expected")
    moved = Moved(_ref(event.get("ref")), _id(event, "before"), _id(event, "after"))
    return Delivery("push", (moved,), urls)


def _gitlab(name: str, event: Mapping[str, Json]) -> Delivery:
    kind = event.get("object_kind", event.get("event_name"))
    if name not in ("Push Hook", "Tag Push Hook") and kind not in ("push", "tag_push"):
        return Delivery("other")
    urls = tuple(_urls(_object(event, "project"), _GITLAB_URLS))
    if not urls:
        raise ValueError("project: a URL is expected")
    moved = Moved(_ref(event.get("ref")), _id(event, "before"), _id(event, "after"))
    return Delivery("push", (moved,), urls)


def _bitbucket(name: str, event: Mapping[str, Json]) -> Delivery:
    """Bitbucket's cloud and its data center, which have little in common."""
    if name == "diagnostics:ping":
        return Delivery("ping")
    if name == "repo:push":
        found = _list(_object(event, "push"), "changes")
        moved = tuple(_cloud_change(change) for change in found)
    elif name == "repo:refs_changed":
        moved = tuple(_server_change(change) for change in _list(event, "changes"))
    else:
        return Delivery("other")
    if not moved:
        raise ValueError("changes: at least one is expected")
    return Delivery("push", moved, tuple(_bitbucket_urls(_object(event, "repository"))))


def _cloud_change(change: Mapping[str, Json]) -> Moved:
    old, new = change.get("old"), change.get("new")
    there = new if isinstance(new, dict) else old if isinstance(old, dict) else None
    if there is None:
        raise ValueError("changes: old or new is expected")
    folder = {"branch": "heads", "named_branch": "heads", "tag": "tags"}.get(str(there.get("type")))
    if folder is None or not isinstance(there.get("name"), str):
        raise ValueError("changes: a branch or a tag is expected")
    before, after = (
        (_id(_object(side, "target"), "hash") if isinstance(side, dict) else None) for side in (old, new)
    )
    return Moved(_ref(f"refs/{folder}/{there['name']}"), before, after)


def _server_change(change: Mapping[str, Json]) -> Moved:
    return Moved(_ref(_object(change, "ref").get("id")), _id(change, "fromHash"), _id(change, "toHash"))


def _bitbucket_urls(repository: Mapping[str, Json]) -> Iterator[str]:
    """The cloud names its page, the data center how to clone; some versions name nothing."""
    links = repository.get("links")
    if not isinstance(links, dict):
        return
    html, clone = links.get("html"), links.get("clone")
    if isinstance(html, dict):
        yield from _urls(html, ("href",))
    for link in clone if isinstance(clone, list) else ():
        if isinstance(link, dict):
            yield from _urls(link, ("href",))


def _generic(event: Mapping[str, Json]) -> Delivery:
    """``{"ref": …, "before": …, "after": …, "repository": URL}``, each of them or none; the repository may be
    as GitHub writes it."""
    given, place = event.get("ref"), event.get("repository")
    urls = tuple(_urls(place, _GITHUB_URLS) if isinstance(place, dict) else _urls(event, ("repository",)))
    if "repository" in event and not urls:
        raise ValueError("repository: a URL is expected")
    if given is None:
        return Delivery("push", (), urls)
    ref = given if isinstance(given, str) and given.startswith("refs/") else f"refs/heads/{_word(given)}"
    return Delivery("push", (Moved(_ref(ref), _id(event, "before"), _id(event, "after")),), urls)


def _ref(value: Json) -> str:
    ref = _word(value)
    if not ref.startswith("refs/") or len(ref) <= len("refs/"):
        raise ValueError("ref: a full path such as refs/heads/main is expected")
    return ref


def _word(value: Json) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= _LONGEST:
        raise ValueError("a text is expected")
    return value


def _id(event: Mapping[str, Json], name: str) -> str | None:
    """An object id; None where it is absent, null or all zeros, which says that there is none."""
    value = event.get(name)
    if value is None:
        return None
    if not isinstance(value, str) or not _OBJECT_ID.fullmatch(value):
        raise ValueError(f"{name}: an object id is expected")
    return value if value.strip("0") else None


def _object(event: Mapping[str, Json], name: str) -> Mapping[str, Json]:
    value = event.get(name)
    if not isinstance(value, dict):
        raise ValueError(f"{name}: an object is expected")
    return value


def _list(event: Mapping[str, Json], name: str) -> list[dict[str, Json]]:
    value = event.get(name)
    if not isinstance(value, list) or len(value) > _MOST_CHANGES:
        raise ValueError(f"{name}: a list is expected")
    found = [item for item in value if isinstance(item, dict)]
    if len(found) != len(value):
        raise ValueError(f"{name}: a list of objects is expected")
    return found


def _urls(place: Mapping[str, Json], names: tuple[str, ...]) -> Iterator[str]:
    for name in names:
        value = place.get(name)
        if isinstance(value, str) and 0 < len(value) <= _LONGEST:
            yield value
