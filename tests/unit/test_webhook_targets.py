"""Where webhooks may go."""

from __future__ import annotations

import http.client
import socket
import threading
import time
from contextlib import suppress
from typing import Any

import pytest

from gis.errors import WebhookTargetRefused
from gis.services.webhook_targets import Targets, post

EVERYWHERE_REFUSED = (
    "http://169.254.169.254/latest/meta-data",
    "http://[fe80::1]/",
    "http://[::ffff:169.254.169.254]/",
    "http://100.100.100.200/",
    "http://224.0.0.1/",
    "http://0.0.0.0/",
)


@pytest.mark.parametrize("allowed", ["", "0.0.0.0/0,::/0", "169.254.169.254"])
@pytest.mark.parametrize("url", EVERYWHERE_REFUSED)
def test_link_local_and_metadata_are_refused_whatever_is_allowed(allowed: str, url: str) -> None:
    with pytest.raises(WebhookTargetRefused):
        Targets(allowed).target(url)


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.org/",
        "file:///etc/passwd",
        "//example.org/",
        "http://",
        "http://user:pass@example.org/",
        "http://example.org/#part",
        "http://example.org:99999/",
        "http://exa mple.org/",
        "http://example.org/\r\nX: y",
        "http://例子.中国/",
        "http://example..org/",
        "http://.example.org/",
        f"http://{'a' * 64}.org/",
        "gopher",
    ],
)
def test_what_is_no_plain_address_is_refused(url: str) -> None:
    with pytest.raises(WebhookTargetRefused):
        Targets("").target(url)


def test_this_machine_only_when_it_is_named() -> None:
    for url in ("http://127.0.0.1:80/", "http://[::1]/", "http://[::ffff:127.0.0.1]/"):
        with pytest.raises(WebhookTargetRefused):
            Targets("").target(url)
    assert Targets("127.0.0.0/8").target("http://127.0.0.1:8099/x?y=1").path == "/x?y=1"


def test_only_named_hosts_once_some_are_named() -> None:
    targets = Targets("12345.example.cn, .gov.example, 10.1.0.0/16")
    assert targets.target("https://12345.example.cn/hook").port == 443
    assert targets.target("https://a.gov.example:8443/").authority == "a.gov.example:8443"
    assert targets.target("http://10.1.2.3/").host == "10.1.2.3"
    with pytest.raises(WebhookTargetRefused):
        targets.target("http://10.2.0.1/")
    with pytest.raises(WebhookTargetRefused):
        Targets("12345.example.cn").target("https://notgov.example.org/")


def test_a_name_is_judged_by_what_it_points_to(monkeypatch: pytest.MonkeyPatch) -> None:
    def resolved(*addresses: str) -> Any:  # noqa: ANN401 - stands for socket.getaddrinfo
        return lambda *_a, **_k: [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 80)) for address in addresses
        ]

    listed = Targets("10.1.0.0/16")
    inside = listed.target("http://inside.example/")  # a name is judged when it is resolved
    monkeypatch.setattr(socket, "getaddrinfo", resolved("10.1.0.9"))
    assert listed.addresses(inside) == ["10.1.0.9"]
    monkeypatch.setattr(socket, "getaddrinfo", resolved("10.2.0.9"))
    with pytest.raises(WebhookTargetRefused):
        listed.addresses(inside)
    targets = Targets("")
    target = targets.target("http://rebound.example/")
    monkeypatch.setattr(socket, "getaddrinfo", resolved("93.184.216.34"))
    assert targets.addresses(target) == ["93.184.216.34"]
    for address in ("169.254.169.254", "127.0.0.1"):
        monkeypatch.setattr(socket, "getaddrinfo", resolved("93.184.216.34", address))
        with pytest.raises(WebhookTargetRefused):
            post(targets, "http://rebound.example/", {}, b"{}")


def test_an_answer_letter_by_letter_has_an_end() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def dribble() -> None:
            one, _ = listening.accept()
            with one, suppress(OSError):
                one.sendall(b"HTTP/1.1 200 OK\r\n")
                for _ in range(90):
                    one.sendall(b"X: 1\r\n")
                    time.sleep(0.02)
                one.sendall(b"\r\n")

        thread = threading.Thread(target=dribble)
        thread.start()
        url = f"http://127.0.0.1:{listening.getsockname()[1]}/"
        with pytest.raises((OSError, http.client.HTTPException)):
            post(Targets("127.0.0.0/8"), url, {}, b"{}", timeout_s=0.2)
        thread.join()
