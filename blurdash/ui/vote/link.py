"""Where phones find the vote: its address, as text and as a QR code, and whether they get there."""

from __future__ import annotations

import base64
import io
import ipaddress
import socket
from urllib.parse import urlsplit

import segno

from blurdash.errors import SettingError
from blurdash.ui.vote.ballots import CODE_LENGTH, CODE_LETTERS

__all__ = ["lan_addresses", "phone_address", "qr_data_url", "qr_svg", "reachable_from", "vote_link"]

# Addresses of documentation and of private networks that are hardly anybody's own. Nothing is
# sent to them: the system is only asked which of its own addresses it would send from.
PROBES = ("192.0.2.1", "10.254.254.254", "172.30.254.254", "192.168.254.254")
QUIET_ZONE = 4  # modules of white around the code; without them, phones do not see it in the dark


def reachable_from(server_address: str | None) -> bool:
    """Says whether other machines can reach a server that listens on this address.

    Args:
        server_address: Streamlit's ``server.address``; None or empty is its default, every
            network of this machine.

    Example:
        >>> [reachable_from(address) for address in ("localhost", "0.0.0.0", "192.168.1.7")]
        [False, True, True]
    """
    if not server_address:
        return True
    return not (server_address.startswith("unix:") or _is_loopback(server_address))


def lan_addresses() -> list[str]:
    """Returns this machine's own IPv4 addresses on its networks, the likeliest first.

    Empty where it has none. Asks the system only; nothing is sent and no name is looked up.
    """
    found: list[str] = []
    for probe in PROBES:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
            try:
                asking.connect((probe, 9))  # of a datagram socket: chooses a route, sends nothing
                address = asking.getsockname()[0]
            except OSError:
                continue
        if address not in found and not _is_own_only(ipaddress.ip_address(address)):
            found.append(address)
    return found


def phone_address(page_url: str, server_address: str | None, base_path: str = "") -> str | None:
    """Returns the dashboard's address as a phone in the same room can open it.

    Where the page was opened by a name or address of the network, that is it. Where it was opened
    as ``localhost``, it is this machine's address on its network, if the server listens there.

    Args:
        page_url: What the host's browser has opened (``st.context.url``).
        server_address: Streamlit's ``server.address``.
        base_path: Streamlit's ``server.baseUrlPath``.

    Returns:
        The address without a page, for `vote_link`; None where no phone can reach this server.
    """
    try:
        parts = urlsplit(page_url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return None
    if not host or parts.scheme not in ("http", "https"):
        return None
    if _is_loopback(host) or host == "0.0.0.0":  # noqa: S104 - what a browser was told to open
        if not reachable_from(server_address):
            return None
        host = next(iter(lan_addresses()), "")
        if not host:
            return None
    shown = f"[{host}]" if ":" in host else host
    origin = f"{parts.scheme}://{shown}" + (f":{port}" if port else "")
    base = base_path.strip("/")
    return f"{origin}/{base}" if base else origin


def vote_link(base_url: str, code: str) -> str:
    """Returns the address of a ballot's page for phones.

    Args:
        base_url: The dashboard's address, ``http://host:port`` with its base path, if any.
        code: The ballot's code.

    Raises:
        SettingError: If the address is none of the web, or the code is none.

    Example:
        >>> vote_link("http://192.168.1.7:8501", "F7KM3Q")
        'http://192.168.1.7:8501/vote/F7KM3Q'
    """
    parts = urlsplit(base_url)
    if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
        raise SettingError(
            "the dashboard's address is none that a phone opens, wanted http:// or https:// and a "
            "name, without a password"
        )
    if len(code) != CODE_LENGTH or not set(code) <= set(CODE_LETTERS):
        raise SettingError(f"the code of a vote is {CODE_LENGTH} letters of {CODE_LETTERS}")
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}/vote/{code}"


def qr_svg(link: str, title: str = "QR code of the vote's address") -> str:
    """Returns a QR code as one SVG element that takes the size of what it stands in.

    Black on white with its quiet zone, whatever the page's theme: phones look for that.

    Args:
        link: What a phone is to open.
        title: What a screen reader says of it.
    """
    written = io.BytesIO()
    segno.make_qr(link, error="m").save(
        written,
        kind="svg",
        border=QUIET_ZONE,
        dark="#000",
        light="#fff",
        omitsize=True,
        xmldecl=False,
        nl=False,
        svgclass="bd-vote-code",
        title=title,
    )
    return written.getvalue().decode()


def qr_data_url(link: str, title: str = "QR code of the vote's address") -> str:
    """Returns the same as the address of a picture."""
    return f"data:image/svg+xml;base64,{base64.b64encode(qr_svg(link, title).encode()).decode()}"


def _is_own_only(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    """Says whether an address is of no use to another machine."""
    return address.is_loopback or address.is_link_local or address.is_unspecified


def _is_loopback(host: str) -> bool:
    name = host.strip("[]").lower().rstrip(".")
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return False  # a name of the network
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback
