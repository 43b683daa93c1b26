"""Who asks, and under which name: what counts as one address, and which names are this machine's.

**Who counts as one address.** The address that the connection comes from; of IPv6, its network of
64 bits. Behind a proxy that is the proxy's for everybody. Where the proxy writes
``X-Forwarded-For``, the environment variable ``FORWARDED_ALLOW_IPS`` says so, with the proxy's
addresses: it is uvicorn's own setting, and uvicorn then gives the address that the proxy saw.
Without it a request with that header shares one rate with all others that have it, because anybody
can write it.

**Which names are this machine's.** ``localhost``, what this machine calls itself, and every
address in figures: a page of another site reaches none of these under a name of its own. Any other
name is one that somebody has made point here, and is answered only where an option names it:
``server.allowedHosts``, ``server.address`` or ``browser.serverAddress``.
"""

from __future__ import annotations

import ipaddress
import os
import socket
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from starlette.requests import HTTPConnection

__all__ = ["address_word", "client_address", "is_own_name", "is_own_origin", "name_in"]

FORWARDED = "forwarded"
TRUST_VARIABLE = "FORWARDED_ALLOW_IPS"


def client_address(connection: HTTPConnection) -> str:
    """Returns what counts as one address; the module's docstring says which."""
    host = connection.client.host if connection.client else ""
    return address_word(host, connection.headers)


def address_word(host: str, headers: Mapping[str, str]) -> str:
    """Returns what counts as one address, as ``client_address``.

    Args:
        host: Address in figures that the connection comes from.
        headers: Of the request; their names in any case.
    """
    if TRUST_VARIABLE not in os.environ and "x-forwarded-for" in headers:
        return FORWARDED
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return "unknown"
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped:
            return str(address.ipv4_mapped)
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)


def name_in(host: str) -> str:
    """Returns the name in a ``Host`` header, without the port; empty where there is none.

    Example:
        >>> [name_in(host) for host in ("Localhost:8501", "[::1]:8501", "example.org.", "a@b")]
        ['localhost', '::1', 'example.org', '']
    """
    try:
        parts = urlsplit(f"//{host}")
        _ = parts.port  # raises where it is no number
    except ValueError:
        return ""
    if parts.username is not None or parts.path or parts.query or parts.fragment:
        return ""
    return (parts.hostname or "").rstrip(".")


def is_own_name(name: str, allowed: Sequence[str] = ()) -> bool:
    """Says whether this machine answers under a name.

    Args:
        name: As ``name_in`` gives it.
        allowed: Streamlit's ``server.allowedHosts``: names, ``*.example.org`` for all below one, or
            ``*`` for any.

    Example:
        >>> names = ("localhost", "192.0.2.7", "evil.example", "faces.example.org")
        >>> [is_own_name(name, ["*.example.org"]) for name in names]
        [True, True, False, True]
    """
    if not name:
        return False
    if name == "localhost" or name.endswith(".localhost") or _is_in_figures(name):
        return True
    own = socket.gethostname().lower().rstrip(".")
    if name in (own, f"{own}.local", own.partition(".")[0]):
        return True
    return any(_matches(name, pattern.strip().lower().rstrip(".")) for pattern in allowed)


def is_own_origin(origin: str, host: str, others: Sequence[str] = ()) -> bool:
    """Says whether the page that makes a request came from here.

    Args:
        origin: The request's ``Origin``, or empty: only a browser sends one.
        host: The request's ``Host``.
        others: Streamlit's ``server.corsAllowedOrigins``.

    Example:
        >>> [is_own_origin(origin, "a.org:80") for origin in ("", "http://a.org:80", "null")]
        [True, True, False]
    """
    if not origin:
        return True
    try:
        place = urlsplit(origin).netloc.lower()
    except ValueError:
        return False
    return place == host.lower() or origin.lower() in (one.lower().rstrip("/") for one in others)


def _is_in_figures(name: str) -> bool:
    try:
        ipaddress.ip_address(name.partition("%")[0])
    except ValueError:
        return False
    return True


def _matches(name: str, pattern: str) -> bool:
    if pattern.startswith("*."):
        return name.endswith(pattern[1:])
    return pattern in ("*", name)
