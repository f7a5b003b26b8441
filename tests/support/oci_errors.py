"""Catching errors of the registry client, and looking for a secret in everything that they carry."""

from __future__ import annotations

import base64
import traceback
from collections.abc import Awaitable
from urllib.parse import quote

import pytest

from providers.oci.faults import CODES, Fault
from reconciler.provider import ProviderError

CANARY = "canary/5f3a+71?"


async def fails_with(fault: Fault, awaited: Awaitable[object]) -> ProviderError:
    """The error with which something fails, which must have that code and four printable parts."""
    with pytest.raises(ProviderError) as caught:
        await awaited
    error = caught.value
    assert error.code == fault.code, str(error)
    assert error.code in CODES
    assert error.where
    assert error.seen
    assert error.expected
    assert error.remedy
    assert str(error).isprintable()
    assert_no_canary("".join(traceback.format_exception(error)), repr(error))
    return error


def assert_no_canary(*texts: str) -> None:
    """No text holds the canary, in plain or as it travels."""
    packed = base64.b64encode(CANARY.encode()).decode()
    forms = (CANARY, quote(CANARY, safe=""), packed, base64.b64encode(f"ci:{CANARY}".encode()).decode())
    for text in texts:
        assert not [form for form in forms if form in text], text
