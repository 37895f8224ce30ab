from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import typer
from typer.testing import CliRunner

from api.cli import access
from gis.errors import CredentialInvalid
from gis.services.access import actor_of_secret
from gis.store.unit_of_work import Database

runner = CliRunner()


@pytest.fixture
def app(shared_database: Database, monkeypatch: pytest.MonkeyPatch) -> typer.Typer:
    """The command on the tests' database instead of the one that the environment names."""

    @contextmanager
    def ours() -> Iterator[Database]:
        yield shared_database

    monkeypatch.setattr(access, "open_database", ours)
    monkeypatch.setenv("LC_ALL", "en_US.UTF-8")
    app = typer.Typer()
    access.register(app)
    return app


def test_prints_a_token_that_works(app: typer.Typer, shared_database: Database) -> None:
    result = runner.invoke(app, ["token", "--role", "dispatcher", "--days", "2"])
    assert result.exit_code == 0
    secret = result.stdout.strip()
    assert actor_of_secret(shared_database, secret, "token").actor.role == "dispatcher"


def test_json_says_all_of_it(app: typer.Typer) -> None:
    result = runner.invoke(app, ["token", "--role", "viewer", "--label", "kiosk", "--json"])
    answer = json.loads(result.stdout)
    assert set(answer) == {"token", "id", "role", "area", "label", "expires_at"}
    assert (answer["role"], answer["area"], answer["label"]) == ("viewer", None, "kiosk")


@pytest.mark.parametrize(
    ("locale", "words"),
    [
        ("en_US.UTF-8", "names neither a person nor an area: it sees no case"),
        ("zh_CN.UTF-8", "既未写明本人，也未写明区域：看不到任何案件"),
    ],
)
def test_a_workers_token_for_nowhere_says_what_is_missing(
    app: typer.Typer, monkeypatch: pytest.MonkeyPatch, locale: str, words: str
) -> None:
    monkeypatch.setenv("LC_ALL", locale)
    result = runner.invoke(app, ["token", "--role", "grid_worker", "--json"])
    assert result.exit_code == 0
    assert json.loads(result.stdout)["role"] == "grid_worker"
    for expected in (words, "--person", "--area"):
        assert expected in result.stderr
    other = runner.invoke(app, ["token", "--role", "viewer", "--json"])
    assert "--person" not in other.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--role", "king"], "no role king"),
        (["--role", "viewer", "--area", "999999"], "no area 999999"),
        (["--role", "viewer", "--days", "0"], "days"),
        ([], "role"),
    ],
)
def test_wrong_usage_is_status_2_with_words(
    app: typer.Typer, arguments: list[str], words: str
) -> None:
    result = runner.invoke(app, ["token", *arguments])
    assert result.exit_code == 2
    assert words in " ".join(result.output.replace("│", " ").split())


def test_revoking_says_how_many_ended(app: typer.Typer, shared_database: Database) -> None:
    made = json.loads(runner.invoke(app, ["token", "--role", "viewer", "--json"]).stdout)
    assert runner.invoke(app, ["revoke", str(made["id"])]).exit_code == 0
    with pytest.raises(CredentialInvalid):
        actor_of_secret(shared_database, made["token"], "token")
    assert runner.invoke(app, ["revoke", str(made["id"])]).exit_code == 1
