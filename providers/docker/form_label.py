"""Stands in for reconciler.form until that lands."""

from __future__ import annotations

import base64
import json
import zlib

from reconciler.desired import Fields


def encode_label(canonical: str) -> str:
    return base64.b64encode(zlib.compress(canonical.encode())).decode()


def decode_label(written: str) -> str:
    try:
        return zlib.decompress(base64.b64decode(written, validate=True)).decode()
    except zlib.error as error:
        raise ValueError(str(error)) from error


def fields_of(canonical: str) -> Fields:
    found = json.loads(canonical)
    if not isinstance(found, dict):
        raise ValueError("no fields")
    return found
