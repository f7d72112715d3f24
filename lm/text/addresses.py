"""Addresses on the web: how they are shown, how they are known, and where a redirect may lead."""

import hashlib
import ipaddress
import re
import socket
from urllib.parse import urlsplit

from lm.errors import BadInput

PLACES_WITH_AT = ("github", "abfs", "abfss")  # owner:repository@branch, container@account: nothing secret
HIDDEN_QUERY = "?…"
MAX_ADDRESS = 2_000  # characters
_ADDRESS = re.compile(
    r"(?P<scheme>[a-z][a-z0-9+.-]*://)(?P<user>[^\s/?#]*@)?(?P<place>[^\s?#'\"]*)(?P<query>\?[^\s#'\"]*)?(?:#[^\s'\"]*)?",
    re.I,
)


def is_url(word: str) -> bool:
    """Whether a word is meant as an address rather than as a path or a name."""
    return "://" in word


def check_url(url: str) -> None:
    """Raise BadInput unless this is an http(s) address that can be asked for."""
    scheme = url.partition("://")[0].lower()
    if scheme not in ("http", "https"):
        raise BadInput(
            f"addresses must begin with https://, http:// or such as s3://, got {scheme[:20]}://: for a file give its "
            "path"
        )
    try:
        parts = urlsplit(url)
        usable = bool(parts.hostname) and (parts.port is None or parts.port > 0) and url.isprintable()
    except ValueError:
        usable = False
    if not usable or " " in url or len(url) > MAX_ADDRESS:
        raise BadInput(f"this address cannot be understood: {scheme}://… (host, port or a character in it is wrong)")
    if url.endswith(HIDDEN_QUERY):
        raise BadInput(f"{shown(url)}: what follows the question mark was hidden here, give the address in full")


def shown(address: str) -> str:
    """Return an address as it may be shown and stored: without user, password, query and fragment."""
    if not is_url(address):
        return printable(address)
    parts = urlsplit(address)
    return printable(f"{parts.scheme.lower()}://{_host(address)}{parts.path or '/'}")


def without_secrets(text: str) -> str:
    """Return a text, such as a command line, with every address in it as it may be shown; a hidden query is marked."""
    return _ADDRESS.sub(_without_secrets, text)


def _without_secrets(match: re.Match[str]) -> str:
    user = match["user"] or "" if match["scheme"].lower().removesuffix("://") in PLACES_WITH_AT else ""
    return match["scheme"] + user + match["place"] + (HIDDEN_QUERY if match["query"] else "")


def printable(text: str) -> str:
    """Return a name or path without characters that a terminal or JSON would choke on."""
    return "".join(c if c.isprintable() else "�" for c in text)


def _host(url: str) -> str:
    parts = urlsplit(url)
    return (parts.netloc if parts.scheme.lower() in PLACES_WITH_AT else parts.netloc.rpartition("@")[2]).lower()


def identity(address: str) -> str:
    """Name an address as a source: what is shown of it, and a hash of the query that may choose the content."""
    query = urlsplit(address).query if is_url(address) else ""
    return shown(address) + ("?" + hashlib.sha256(query.encode()).hexdigest()[:16] if query else "")


def check_redirect(typed: str, target: str) -> None:
    """Raise BadInput when the server behind the address that the user typed sends us where it should not.

    Allowed: https, or http where the user typed http; and a private or loopback host only if it is the typed one.
    """
    old, new = urlsplit(typed), urlsplit(target)
    if new.scheme != "https" and not (new.scheme == "http" and old.scheme == "http"):
        raise BadInput(f"{shown(typed)} redirects to {new.scheme[:20] or 'nowhere'}:, which is not followed")
    if not new.hostname:
        raise BadInput(f"{shown(typed)} redirects to an address without a host, which is not followed")
    if new.hostname != old.hostname and is_private(new.hostname):
        raise BadInput(f"{shown(typed)} redirects to {new.hostname}, a private address, which is not followed")


def is_private(host: str) -> bool:
    """Whether any of a host's addresses lies outside the public internet; False where the name is not known here."""
    try:
        found = {info[4][0] for info in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)}
    except (OSError, UnicodeError):  # behind a proxy, names may be resolved elsewhere
        return False
    return not all(_is_global(str(address)) for address in found)


def _is_global(address: str) -> bool:
    parsed = ipaddress.ip_address(address.partition("%")[0])
    mapped = parsed.ipv4_mapped if isinstance(parsed, ipaddress.IPv6Address) else None
    return (mapped or parsed).is_global
