"""Where webhooks may go, and the connection that goes only there.

An address is judged when it is registered and again at each delivery, by what its name resolves to
then; the connection is made to the very address that was judged, redirects are not followed.
"""

from __future__ import annotations

import http.client
import ipaddress
import socket
import ssl
import threading
from contextlib import suppress
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from gis.errors import WebhookTargetRefused

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

TIMEOUT_S: Final = 10.0
"""The longest silence; the whole of a call may take three times as long."""
ANSWER_BYTES: Final = 4096
_PORTS: Final = {"http": 80, "https": 443}

# Metadata services of cloud hosts that are not link-local.
_METADATA: Final = frozenset(
    {ipaddress.ip_address("100.100.100.200"), ipaddress.ip_address("fd00:ec2::254")}
)


@dataclass(frozen=True, slots=True)
class Target:
    """A webhook's address, taken apart."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def authority(self) -> str:
        """Return what the ``Host`` header says."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"


class Targets:
    """The rule of the setting ``GRIDWARD_WEBHOOK_HOSTS``.

    Empty: every host that an administrator registers, except this machine itself. Otherwise only
    hosts that it names: ``12345.example.gov.cn``, ``.example.gov.cn`` (all below), or networks
    (``10.0.0.0/8``). Link-local, multicast and metadata addresses are refused in any case.
    """

    def __init__(self, allowed: str) -> None:
        named = [part.strip().lower() for part in allowed.split(",") if part.strip()]
        self._networks = [network for part in named if (network := _network(part)) is not None]
        self._names = [part for part in named if _network(part) is None]
        self._open = not named

    def target(self, url: str) -> Target:
        """Take a webhook's address apart and judge what can be judged without asking its name.

        Raises
        ------
        gis.errors.WebhookTargetRefused
            Neither http nor https, no host, a user name, a fragment, or a host that is not allowed.
        """
        try:
            parts = urlsplit(url)
            host, port = (parts.hostname or "").rstrip("."), parts.port
        except ValueError as error:
            raise _refused(url[:200], "不是有效的网址", "it is no valid URL") from error
        if parts.scheme not in _PORTS:
            raise _refused(host or url[:200], "协议不是 http 或 https", "it is not http or https")
        if not host or any(ord(c) <= 32 or ord(c) == 127 for c in url) or not url.isascii():
            raise _refused(url[:200], "不是有效的网址", "it is no valid URL")
        if parts.username is not None or parts.password is not None or parts.fragment:
            raise _refused(host, "地址不得含用户名或 #", "it holds a user name or a fragment")
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        found = Target(parts.scheme, host, port or _PORTS[parts.scheme], path)
        literal = _address(host)
        if literal is not None:
            self._judge(host, literal)
        elif not _is_name(host):
            raise _refused(url[:200], "不是有效的网址", "it is no valid URL")
        elif not self._open and not self._is_named(host) and not self._networks:
            raise _not_listed(host)
        return found

    def addresses(self, target: Target) -> list[str]:
        """Return the addresses that a target's name has now, all judged (blocking).

        Raises
        ------
        gis.errors.WebhookTargetRefused
            One of them is not allowed: a name that points to several places points nowhere.
        OSError
            The name cannot be resolved.
        """
        found = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
        addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
        for text in addresses:
            self._judge(target.host, ipaddress.ip_address(text.partition("%")[0]))
        return addresses

    def _judge(self, host: str, address: Address) -> None:
        judged = getattr(address, "ipv4_mapped", None) or address
        if (
            judged.is_link_local
            or judged.is_multicast
            or judged.is_unspecified
            or judged.is_reserved
            or judged in _METADATA
        ):
            raise _refused(
                host,
                "该地址为链路本地、组播或元数据地址",
                "it is link-local, multicast or metadata",
            )
        listed = self._is_named(host) or any(judged in network for network in self._networks)
        if not self._open and not listed:
            raise _not_listed(host)
        if judged.is_loopback and not listed:
            raise _refused(host, "该地址是本机", "it is this machine")

    def _is_named(self, host: str) -> bool:
        return any(
            host == name or (name.startswith(".") and host.endswith(name)) for name in self._names
        )


def post(
    targets: Targets,
    url: str,
    headers: dict[str, str],
    body: bytes,
    *,
    timeout_s: float = TIMEOUT_S,
) -> tuple[int, str]:
    """Send one POST to an allowed target; return status and the beginning of the answer.

    Raises
    ------
    gis.errors.WebhookTargetRefused
    OSError, http.client.HTTPException
        No connection, no certificate, no answer in time.
    """
    target = targets.target(url)
    last: OSError | None = None
    for address in targets.addresses(target):
        try:
            connection = _connection(target, address, timeout_s)
        except OSError as error:
            last = error
            continue
        # One that answers letter by letter is never silent for long.
        late = threading.Event()
        ends = threading.Timer(3 * timeout_s, _cut, (connection.sock, late))
        ends.daemon = True
        ends.start()
        try:
            connection.putrequest("POST", target.path, skip_host=True, skip_accept_encoding=True)
            connection.putheader("Host", target.authority)
            for name, value in headers.items():
                connection.putheader(name, value)
            connection.putheader("Content-Length", str(len(body)))
            connection.putheader("Connection", "close")
            connection.endheaders(body)
            answer = connection.getresponse()
            words = answer.read1(ANSWER_BYTES).decode("utf-8", "replace")
            if late.is_set():  # half a head would do for the library
                raise TimeoutError("the answer does not end")
            return answer.status, words
        finally:
            ends.cancel()
            connection.close()
    raise last or OSError("no address")


def _connection(target: Target, address: str, timeout_s: float) -> http.client.HTTPConnection:
    """Return a connection to the judged address; the certificate is checked for the name."""
    raw = socket.create_connection((address, target.port), timeout_s)
    try:
        if target.scheme == "https":
            raw = ssl.create_default_context().wrap_socket(raw, server_hostname=target.host)
    except BaseException:
        raw.close()
        raise
    connection = http.client.HTTPConnection(target.host, target.port, timeout=timeout_s)
    connection.sock = raw
    return connection


def _cut(connected: socket.socket, late: threading.Event) -> None:
    late.set()
    with suppress(OSError):  # closed meanwhile
        connected.shutdown(socket.SHUT_RDWR)


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None


def _address(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _is_name(host: str) -> bool:
    """Tell whether a host could be asked for: no part of it is empty or too long."""
    try:
        host.encode("idna")
    except UnicodeError:
        return False
    return True


def _refused(host: str, zh: str, en: str) -> WebhookTargetRefused:
    return WebhookTargetRefused(host=host, reason_zh=zh, reason_en=en)


def _not_listed(host: str) -> WebhookTargetRefused:
    return _refused(host, "不在允许的主机之列", "it is not among the allowed hosts")
