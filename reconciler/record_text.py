"""A record as a document: JSON that is written one way, and read with distrust. Pure."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from reconciler.desired import Json
from reconciler.ownership import Owner
from reconciler.proofs import Proof
from reconciler.record import AHEAD, COMMIT, Record, is_image
from reconciler.render import format_duration, format_time
from reconciler.strict_json import read_object
from specs.inputs import is_input_key

SCHEMA: Final = "reconciler/record/v1"
LIMIT: Final = 4 << 20
"""Bytes of a record at most."""
_MOST_SERVICES: Final = 2000
_MOST_IMAGES: Final = 20_000
_MOST_REPLICAS: Final = 10_000
_NAME: Final = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_FINGERPRINT: Final = re.compile(r"v[0-9]{1,3}:[0-9a-f]{64}")
_TEXT: Final = re.compile(r"[!-~]{1,512}")
_ENGINE: Final = re.compile(r"[!-~]{0,256}")
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
_PATH: Final = re.compile(r"[^/\x00-\x1f\x7f][^\x00-\x1f\x7f]{0,1023}")


@dataclass(frozen=True, slots=True)
class Unusable:
    """Why a record says nothing."""

    reason: str


def write_record(record: Record) -> bytes:
    """The document: canonical JSON."""
    document: dict[str, Json] = {
        "schema": SCHEMA,
        "owner": {"project": record.owner.project, "environment": record.owner.environment},
        "at": format_time(record.at),
        "engine": record.engine,
        "commit": record.commit,
        "services": {name: _written(proof) for name, proof in record.proofs.items()},
        "images": list(record.images),
    }
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode("ascii")


def _written(proof: Proof) -> dict[str, Json]:
    return {
        "commit": proof.commit,
        "path": proof.path,
        "fingerprint": proof.fingerprint,
        "input": proof.input,
        "image": proof.image,
        "image_name": proof.image_name,
        "healthy_since": format_time(proof.healthy_since),
        "ready": proof.ready,
        "replicas": proof.replicas,
        "settled": proof.is_settled,
    }


def read_record(document: bytes | None, owner: Owner, now: float, age: float) -> Record | Unusable:
    """What a record says at ``now`` (seconds, on the reader's clock); else why it says nothing."""
    if document is None:
        return Unusable("there is none")
    try:
        record = parse_record(document)
    except ValueError as error:
        return Unusable(f"it is damaged: {error}")
    if record.owner != owner:
        return Unusable("it belongs to another owner")
    if now - record.at > age:
        old = format_duration(now - record.at)
        return Unusable(f"it is {old} old, and believed for {format_duration(age)}")
    if record.at - now > AHEAD:
        return Unusable(f"its time lies {format_duration(record.at - now)} ahead of the clock here")
    return record


def parse_record(document: bytes) -> Record:
    """Read a document of version 1; fields that are added to it later are passed over.

    Raises ValueError, whose message holds no part of the document.
    """
    if len(document) > LIMIT:
        raise ValueError("it is too large")
    try:
        text = document.decode("ascii")
    except UnicodeDecodeError:
        raise ValueError("it is no text of ours") from None
    value = read_object(text)
    if value.get("schema") != SCHEMA:
        raise ValueError("it is of another schema")
    owner, services, images = value.get("owner"), value.get("services"), value.get("images")
    if not isinstance(owner, dict) or not isinstance(services, dict) or not isinstance(images, list):
        raise ValueError("a part is missing")
    if len(services) > _MOST_SERVICES or len(images) > _MOST_IMAGES:
        raise ValueError("it names more than any environment has")
    at = _moment(value.get("at"))
    if at is None:
        raise ValueError("it has no time")
    return Record(
        owner=Owner(_match(_NAME, owner.get("project")), _match(_NAME, owner.get("environment"))),
        at=at,
        engine=_match(_ENGINE, value.get("engine")),
        commit=_match(COMMIT, value.get("commit")),
        proofs={_match(_NAME, name): _proof(name, entry, at) for name, entry in sorted(services.items())},
        images=tuple(_image(image) for image in images),
    )


def _proof(service_name: str, entry: Json, at: float) -> Proof:
    if not isinstance(entry, dict):
        raise ValueError("a service that is no mapping")
    input_key, image_name, path = (
        _match(_TEXT, entry.get("input")),
        entry.get("image_name"),
        entry.get("path"),
    )
    if image_name is not None and not is_input_key(input_key):
        raise ValueError("a service whose image is one of ours and from outside at once")
    healthy_since = _moment(entry.get("healthy_since"))
    if healthy_since is not None and healthy_since > at + 1:
        raise ValueError("a service that is healthy since later than the record")
    return Proof(
        service_name=service_name,
        commit=_match(COMMIT, entry.get("commit")),
        path=None if path is None else _match(_PATH, path),
        fingerprint=_match(_FINGERPRINT, entry.get("fingerprint")),
        spec="",
        input=input_key,
        image=_image(entry.get("image")),
        image_name=None if image_name is None else _match(_NAME, image_name),
        healthy_since=healthy_since,
        ready=_number(entry.get("ready")),
        replicas=_number(entry.get("replicas")),
        is_settled=entry.get("settled") is True,
    )


def _match(pattern: re.Pattern[str], value: Json) -> str:
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise ValueError("a field that is not of its form")
    return value


def _image(value: Json) -> str:
    if not isinstance(value, str) or not is_image(value):
        raise ValueError("an image that is not named by its digest")
    return value


def _number(value: Json) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= _MOST_REPLICAS:
        raise ValueError("a number that is none")
    return value


def _moment(value: Json) -> float | None:
    if value is None:
        return None
    return datetime.fromisoformat(_match(_TIME, value)).timestamp()
