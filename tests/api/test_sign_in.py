from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient

from api.app import create_app
from api.security import CACHE_SECONDS, Attempts, Doorkeeper, csrf_token
from gis.errors import (
    AreaUnknown,
    CredentialInvalid,
    LinkInvalid,
    OutsideScope,
    RoleUnknown,
    TooManyAttempts,
)
from gis.governance.actors import SYSTEM, Actor
from gis.services.access import (
    Issued,
    actor_of_secret,
    consume_link,
    issue_link,
    issue_token,
    open_session,
    revoke,
    tidy,
)
from gis.settings import Settings
from gis.store.unit_of_work import Database

HTML = {"Accept": "text/html"}


def signed_in(door: TestClient, link: Issued) -> str:
    answer = door.post("/sign-in", data={"link": link.secret})
    assert answer.status_code == 303
    return door.cookies["gridward_session"]


def test_opening_a_link_does_not_spend_it(door: TestClient, one_time_link: Issued) -> None:
    page = door.get("/sign-in", params={"link": one_time_link.secret}, headers=HTML)
    assert page.status_code == 200
    assert "gridward_session" not in page.cookies
    assert page.headers["cache-control"] == "no-store"
    answer = door.post("/sign-in", data={"link": one_time_link.secret})
    assert (answer.status_code, answer.headers["location"]) == (303, "/")


def test_a_link_works_once(door: TestClient, one_time_link: Issued) -> None:
    signed_in(door, one_time_link)
    again = door.post("/sign-in", data={"link": one_time_link.secret})
    assert again.status_code == 401
    assert again.json()["type"] == "/problems/link-invalid"
    in_browser = door.post("/sign-in", data={"link": one_time_link.secret}, headers=HTML)
    assert in_browser.status_code == 401
    assert 'name="token"' in in_browser.text


def test_two_that_come_with_one_link_at_once_get_one_session(shared_database: Database) -> None:
    link = issue_link(shared_database, SYSTEM)
    together = threading.Barrier(6)
    outcomes: list[str] = []

    def come() -> None:
        together.wait()
        try:
            consume_link(shared_database, link.secret, hours=1)
        except LinkInvalid:
            outcomes.append("refused")
        else:
            outcomes.append("in")

    threads = [threading.Thread(target=come) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["in"] + ["refused"] * 5


def test_session_cookie_is_guarded(door: TestClient, one_time_link: Issued) -> None:
    answer = door.post("/sign-in", data={"link": one_time_link.secret})
    session, csrf = answer.headers.get_list("set-cookie")
    assert "HttpOnly" in session
    assert "SameSite=lax" in session
    assert "Secure" not in session
    assert "HttpOnly" not in csrf
    assert "SameSite=lax" in csrf
    me = door.get("/v1/me").json()
    assert (me["role"], me["signed_in_by"], me["area"]) == ("dispatcher", "session", None)


def test_cookie_is_secure_behind_tls(
    shared_database: Database, quiet_settings: Settings, one_time_link: Issued
) -> None:
    settings = quiet_settings.model_copy(update={"cookie_secure": True})
    client = TestClient(create_app(settings, shared_database), follow_redirects=False)
    answer = client.post("/sign-in", data={"link": one_time_link.secret})
    assert all("Secure" in cookie for cookie in answer.headers.get_list("set-cookie"))


def test_token_opens_a_session_that_ends_with_it(
    door: TestClient, shared_database: Database
) -> None:
    token = issue_token(shared_database, SYSTEM, role="planner", days=1 / 24, label="desk")
    session = open_session(shared_database, token.secret, hours=12)
    assert session.expires_at <= token.expires_at
    assert door.post("/sign-in", data={"token": f" {token.secret}\n"}).status_code == 303
    me = door.get("/v1/me").json()
    assert (me["role"], me["label"]) == ("planner", "desk")


def test_sign_out_ends_the_session_for_good(door: TestClient, one_time_link: Issued) -> None:
    secret = signed_in(door, one_time_link)
    assert door.get("/v1/me").status_code == 200
    answer = door.post("/sign-out", data={"csrf": csrf_token(secret)})
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    door.cookies.set("gridward_session", secret)
    assert door.get("/v1/me").json()["type"] == "/problems/credential-invalid"
    assert door.get("/").status_code == 200  # an old cookie keeps nobody out of public pages


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 403),
        ({"X-CSRF-Token": "wrong"}, 403),
        ({"X-CSRF-Token": "é".encode()}, 403),
        ({"X-CSRF-Token": "{right}"}, 303),
        ({"X-CSRF-Token": "{right}", "Origin": "http://testserver"}, 303),
        ({"X-CSRF-Token": "{right}", "Origin": "http://evil.example"}, 403),
        ({"X-CSRF-Token": "{right}", "Origin": "null"}, 403),
        ({"X-CSRF-Token": "{right}", "Sec-Fetch-Site": "cross-site"}, 403),
        ({"X-CSRF-Token": "{right}", "Sec-Fetch-Site": "same-site"}, 403),
        ({"X-CSRF-Token": "{right}", "Sec-Fetch-Site": "same-origin"}, 303),
    ],
)
def test_writes_by_cookie_need_the_token_and_the_site(
    door: TestClient, one_time_link: Issued, headers: dict[str, str | bytes], status: int
) -> None:
    right = csrf_token(signed_in(door, one_time_link))
    sent = {
        name: right if value == "{right}" else value  # the fixture knows no secret yet
        for name, value in headers.items()
    }
    assert door.post("/sign-out", headers=sent).status_code == status


def test_foreign_pages_cannot_sign_a_browser_in(door: TestClient, one_time_link: Issued) -> None:
    answer = door.post(
        "/sign-in", data={"link": one_time_link.secret}, headers={"Sec-Fetch-Site": "cross-site"}
    )
    assert answer.status_code == 403
    assert "gridward_session" not in door.cookies


def test_failed_sign_ins_are_limited(shared_database: Database, quiet_settings: Settings) -> None:
    client = TestClient(create_app(quiet_settings, shared_database), follow_redirects=False)
    statuses = [client.post("/sign-in", data={"token": f"gwt_{n}"}).status_code for n in range(12)]
    assert statuses == [401] * 10 + [429] * 2
    refused = client.post("/sign-in", data={"token": "x"}, headers={"Accept-Language": "en"})
    assert 1 <= int(refused.headers["retry-after"]) <= 61
    link = issue_link(shared_database, SYSTEM)
    in_browser = client.post("/sign-in", data={"link": link.secret}, headers=HTML)
    assert in_browser.status_code == 429
    assert link.secret in in_browser.text  # not spent: the same button works a minute later


def test_the_limit_is_per_client_and_forgets() -> None:
    moment = [0.0]
    attempts = Attempts(limit=2, window_s=60, clock=lambda: moment[0])
    for _ in range(2):
        attempts.check("a")
        attempts.failed("a")
    with pytest.raises(TooManyAttempts):
        attempts.check("a")
    attempts.check("b")
    moment[0] = 60.0
    attempts.check("a")


def test_only_the_hash_is_stored(database: Database) -> None:
    issued = issue_token(database, SYSTEM, role="viewer")
    assert issued.secret not in repr(issued)
    with database.reading(SYSTEM) as work:
        row = work.rows(sa.text("select * from credentials"))[0]
    assert len(row["secret_hash"]) == 32
    assert issued.secret not in str(dict(row))


@pytest.mark.parametrize("kind", ["token", "session"])
def test_expired_and_revoked_secrets_admit_nobody(database: Database, kind: str) -> None:
    token = issue_token(database, SYSTEM, role="viewer")
    session = open_session(database, token.secret, hours=1)
    secret = {"token": token, "session": session}[kind].secret
    actor = actor_of_secret(database, secret, kind).actor  # type: ignore[arg-type]
    assert actor.role == "viewer"
    with database.transaction(SYSTEM) as work:
        work.execute(sa.text("update credentials set expires_at = now() where kind = :k"), k=kind)
    with pytest.raises(CredentialInvalid):
        actor_of_secret(database, secret, kind)  # type: ignore[arg-type]


def test_revoking_a_token_ends_its_sessions(shared_database: Database) -> None:
    token = issue_token(shared_database, SYSTEM, role="viewer")
    other = issue_token(shared_database, SYSTEM, role="viewer")
    sessions = [open_session(shared_database, token.secret, hours=1) for _ in range(2)]
    assert revoke(shared_database, SYSTEM, token.credential_id) == 3
    for session in sessions:
        with pytest.raises(CredentialInvalid):
            actor_of_secret(shared_database, session.secret, "session")
    actor_of_secret(shared_database, other.secret, "token")
    assert revoke(shared_database, SYSTEM, token.credential_id) == 0


@pytest.mark.parametrize("secret", ["", "x", "gwt_", "gwt_" + "é" * 43, "gwt_" + "a" * 43, "\x00"])
def test_nonsense_is_no_secret(shared_database: Database, secret: str) -> None:
    with pytest.raises(CredentialInvalid):
        actor_of_secret(shared_database, secret, "token")


def test_revocation_is_honoured_within_the_cache_lifetime(shared_database: Database) -> None:
    moment = [100.0]
    doorkeeper = Doorkeeper(shared_database, Settings(), clock=lambda: moment[0])
    token = issue_token(shared_database, SYSTEM, role="viewer")
    assert doorkeeper.remembered(token.secret, "token") is None
    doorkeeper.admit(token.secret, "token")
    assert doorkeeper.remembered(token.secret, "token") is not None
    assert doorkeeper.remembered(token.secret, "session") is None
    revoke(shared_database, SYSTEM, token.credential_id)
    moment[0] += CACHE_SECONDS
    assert CACHE_SECONDS <= 10
    assert doorkeeper.remembered(token.secret, "token") is None
    with pytest.raises(CredentialInvalid):
        doorkeeper.admit(token.secret, "token")


def test_unknown_roles_and_areas_are_refused(shared_database: Database) -> None:
    with pytest.raises(RoleUnknown):
        issue_token(shared_database, SYSTEM, role="king")
    with pytest.raises(AreaUnknown):
        issue_token(shared_database, SYSTEM, role="viewer", area="341102")


def test_a_limited_actor_cannot_issue_beyond_its_area(shared_database: Database) -> None:
    limited = Actor("token:1", "admin", "341102")
    for area in (None, "341103"):
        with pytest.raises(OutsideScope):
            issue_token(shared_database, limited, role="viewer", area=area)


def test_old_credentials_are_forgotten(database: Database) -> None:
    issue_token(database, SYSTEM, role="viewer")
    with database.transaction(SYSTEM) as work:
        work.execute(sa.text("update credentials set expires_at = now() - interval '91 days'"))
    assert tidy(database) == 1


def test_area_scope_travels_with_the_sign_in(demo_city: Database) -> None:
    with demo_city.reading(SYSTEM) as work:
        code = work.scalar(
            sa.text("select area_code from area_versions where level = 'county' order by 1 limit 1")
        )
    token = issue_token(demo_city, SYSTEM, role="dispatcher", area=code)
    session = open_session(demo_city, token.secret, hours=1)
    assert actor_of_secret(demo_city, session.secret, "session").actor.area_code == code


def test_me_by_token(door: TestClient, bearer: Callable[[str], dict[str, str]]) -> None:
    me = door.get("/v1/me", headers=bearer("grid_worker")).json()
    assert (me["role_title_zh"], me["signed_in_by"]) == ("网格员", "token")
    assert me["id"].startswith("token:")
