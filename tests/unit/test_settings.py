"""Settings: what the environment may say, and that no password is shown."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from gis.errors import SettingInvalid
from gis.settings import Settings, load, redacted


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(f"GRIDWARD_{name.upper()}", raising=False)


def test_nothing_set_means_a_private_local_server(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    settings = load()
    assert settings.database_url is None
    assert settings.database_owner_url is None
    assert (settings.host, settings.port, settings.workers) == ("127.0.0.1", 8000, 1)
    assert settings.home == tmp_path / ".gridward"
    assert settings.language == "zh-CN"


def test_home_stays_where_it_was_after_a_change_of_directory(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GRIDWARD_HOME", "city/../homes/a")
    settings = load()
    monkeypatch.chdir("/")
    assert settings.home == tmp_path / "homes" / "a"


def test_empty_variable_counts_as_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRIDWARD_DATABASE_URL", "")
    monkeypatch.setenv("GRIDWARD_PORT", "")
    assert load().database_url is None
    assert load().port == 8000


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_database_url_names_the_installed_driver(scheme: str) -> None:
    settings = Settings(database_url=f"{scheme}://map:pw@db/city")
    assert settings.database_url == "postgresql+psycopg://map:pw@db/city"
    assert settings.database_owner_url == settings.database_url


def test_owner_may_log_in_elsewhere_but_not_alone() -> None:
    settings = Settings(
        database_url="postgresql://app@db/city", database_owner_url="postgresql://owner@db/city"
    )
    assert settings.database_owner_url == "postgresql+psycopg://owner@db/city"
    with pytest.raises(ValidationError, match="needs GRIDWARD_DATABASE_URL"):
        Settings(database_owner_url="postgresql://owner@db/city")


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("GRIDWARD_PORT", "ninety"),
        ("GRIDWARD_PORT", "70000"),
        ("GRIDWARD_DATABASE_URL", "mysql://root:s3cret@db/city"),
        ("GRIDWARD_AUTO_THRESHOLD", "0.5"),
        ("GRIDWARD_AUTO_THRESHOLD", "nan"),
        ("GRIDWARD_LANGUAGE", "fr"),
        ("GRIDWARD_BASEMAP_URL", "https://tiles.example/{z}/{x}"),
        ("GRIDWARD_DATABASE_OWNER_URL", "postgresql://o:s3cret@db/city"),
    ],
)
def test_invalid_variable_is_named_and_its_value_is_not_quoted(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(SettingInvalid) as refused:
        load()
    assert variable in refused.value.detail("zh")
    assert variable in refused.value.detail("en")
    assert "s3cret" not in str(refused.value)
    assert refused.value.__suppress_context__


def test_no_listing_shows_a_password() -> None:
    url = "postgresql://map:s3cret@db/city?sslpassword=s3cret"
    settings = Settings(database_url=url)
    for text in (repr(settings), str(settings), str(settings.rows())):
        assert "s3cret" not in text
        assert "map:***@db/city" in text


@given(
    user=st.text("abcdefgh_", min_size=1),
    password=st.text(st.characters(codec="utf-8", exclude_characters="/?#\n\r "), min_size=1).map(
        "秘密{}".format
    ),
)
def test_any_password_is_hidden_whole(user: str, password: str) -> None:
    shown = redacted(f"postgresql://{user}:{password}@db.example:5432/city")
    assert shown == f"postgresql://{user}:***@db.example:5432/city"


def test_every_setting_is_listed_in_both_languages() -> None:
    rows = Settings().rows()
    assert [row.variable for row in rows] == [
        f"GRIDWARD_{name.upper()}" for name in Settings.model_fields
    ]
    for row in rows:
        assert row.title_zh
        assert row.title_en
        assert row.title_zh != row.title_en


def test_settings_do_not_change_after_construction() -> None:
    settings = Settings()
    with pytest.raises(ValidationError):
        setattr(settings, "port", 1)  # noqa: B010 - the type checker refuses the plain form
