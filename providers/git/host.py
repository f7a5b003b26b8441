"""Which hosts a repository may be fetched from: none that poses as a number, none that is nobody's."""

from __future__ import annotations

import ipaddress
import re
import socket

from reconciler.fault import Refused

_NUMBERS = re.compile(r"(?:0x[0-9a-f]*|[0-9]+)(?:\.(?:0x[0-9a-f]*|[0-9]+))*\.?", re.IGNORECASE)
"""What a resolver may read as an address: decimal, octal and hexadecimal forms too."""
_PLAIN = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}")
_EXPECTED = "a host name, or an address that is a machine's own"
_REMEDY = "correct the URL"


def check_host(host: str) -> None:
    """Refuse a host that poses as something else, before anything is resolved. Raises Refused (GIT012)."""
    bare = host.strip("[]")
    if _NUMBERS.fullmatch(bare) and not (_PLAIN.fullmatch(bare) and _address(bare)):
        raise Refused("GIT012", "repository URL", "a host that poses as a number", _EXPECTED, _REMEDY)
    address = _address(bare)
    if address and _is_nobodys(address):
        raise Refused("GIT012", "repository URL", "an address of no machine", _EXPECTED, _REMEDY)


def resolve_host(host: str, port: int) -> str | None:
    """The address to connect to, looked at once and then kept to: a name may say another one a moment later.
    None for an address, and where the name says nothing (git tells that better).

    Raises Refused (GIT012) where any of the host's addresses is a link's own (cloud machines give out their
    credentials there), everybody's, or nobody's.
    """
    if _address(host.strip("[]")):
        return None
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError:
        return None
    addresses = [str(place[0]) for _, _, _, _, place in found]
    for text in addresses:
        address = _address(text.partition("%")[0])
        if address is None or _is_nobodys(address):
            raise Refused(
                "GIT012", f"host {host}", "it leads to an address of no machine", _EXPECTED, _REMEDY
            )
    return addresses[0] if addresses else None


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def _is_nobodys(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    """Link-local, multicast, unspecified or reserved, also where IPv6 packs such an address."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = _packed(address)
        if inner:
            return _is_nobodys(inner)
    elif address.is_reserved:
        return True
    return address.is_link_local or address.is_multicast or address.is_unspecified


def _packed(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address in a mapped, compatible, 6to4, Teredo or NAT64 one."""
    teredo = address.teredo[1] if address.teredo else None
    found = address.ipv4_mapped or address.sixtofour or teredo
    tail = ipaddress.IPv4Address(address.packed[12:])
    if not found and address.packed[:12] == bytes.fromhex("0064ff9b") + bytes(8):
        found = tail
    if not found and address.packed[:12] == bytes(12) and int(address) > 1:
        found = tail
    return found
