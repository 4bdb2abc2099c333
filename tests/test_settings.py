"""Settings: safe without any choice, refused in production until chosen, never shown."""

import os
from pathlib import Path

import pytest

from gridmgmt.errors import InvalidInput, NotAllowed
from gridmgmt.settings import Environment, Settings, load_settings

KEY = "k3y-" * 12
URL = "postgresql+psycopg://gridmgmt:x9Ws-4pq7@database/gridmgmt"


@pytest.fixture(autouse=True)
def empty_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("GRIDMGMT_")]:
        monkeypatch.delenv(name)


def set_variables(monkeypatch: pytest.MonkeyPatch, **variables: str) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(f"GRIDMGMT_{name.upper()}", value)


def test_nothing_needs_to_be_set_for_development() -> None:
    settings = load_settings()
    assert settings.environment is Environment.DEVELOPMENT
    assert settings.database_url is None
    assert (settings.host, settings.port) == ("127.0.0.1", 8000)
    assert (settings.max_body_bytes, settings.max_photo_bytes) == (1_048_576, 26_214_400)
    assert not settings.cookies_are_secure


def test_photos_lie_in_the_home_unless_placed_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    set_variables(monkeypatch, home="/srv/grid")
    assert load_settings().photo_dir == Path("/srv/grid/photos")
    set_variables(monkeypatch, photo_dir="/srv/photos")
    assert load_settings().photo_dir == Path("/srv/photos")


@pytest.mark.parametrize("key", [None, "", "development-only-this-is-not-a-secret", "short", "change-me"])
def test_production_refuses_a_default_missing_or_short_key(
    monkeypatch: pytest.MonkeyPatch, key: str | None
) -> None:
    set_variables(monkeypatch, environment="production", database_url=URL)
    if key is not None:
        set_variables(monkeypatch, secret_key=key)
    with pytest.raises(InvalidInput, match="secret_key must be set"):
        load_settings()


@pytest.mark.parametrize("password", ["", ":postgres", ":change-me", ":GridMgmt"])
def test_production_refuses_a_default_password_of_the_database(
    monkeypatch: pytest.MonkeyPatch, password: str
) -> None:
    url = f"postgresql://gridmgmt{password}@database/gridmgmt"
    set_variables(monkeypatch, environment="production", secret_key=KEY, database_url=url)
    with pytest.raises(InvalidInput, match="default password"):
        load_settings()


def test_production_starts_with_chosen_secrets_and_cookies_are_secure(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    set_variables(
        monkeypatch, environment="production", secret_key=KEY, database_url=URL, key_file="/srv/kek.json"
    )
    assert load_settings().cookies_are_secure


def test_production_asks_where_its_keys_lie(monkeypatch: pytest.MonkeyPatch) -> None:
    set_variables(monkeypatch, environment="production", secret_key=KEY, database_url=URL)
    with pytest.raises(InvalidInput, match="key_file must be set"):
        load_settings()


def test_without_a_choice_the_keys_lie_in_the_home(monkeypatch: pytest.MonkeyPatch) -> None:
    set_variables(monkeypatch, home="/srv/grid")
    settings = load_settings()
    assert settings.makes_its_keys
    assert (settings.key_file_in_use, settings.key_dir) == (
        Path("/srv/grid/keys/kek.json"),
        Path("/srv/grid/keys/data"),
    )


def test_production_may_reach_its_database_by_a_local_socket_without_password(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    url = "postgresql+psycopg://gridmgmt@/gridmgmt?host=/run/postgresql"
    set_variables(
        monkeypatch, environment="production", secret_key=KEY, database_url=url, key_file="/srv/kek.json"
    )
    assert load_settings().database_url is not None


def test_the_demo_is_refused_in_production_only(monkeypatch: pytest.MonkeyPatch) -> None:
    for environment in ("development", "demo"):
        set_variables(monkeypatch, environment=environment)
        load_settings().require_demo()
    set_variables(monkeypatch, environment="production", secret_key=KEY, key_file="/srv/kek.json")
    with pytest.raises(NotAllowed, match="demo does not run in production"):
        load_settings().require_demo()


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_every_spelling_of_the_scheme_means_psycopg(monkeypatch: pytest.MonkeyPatch, scheme: str) -> None:
    set_variables(monkeypatch, database_url=f"{scheme}://a:b@h/d")
    url = load_settings().database_url
    assert url is not None
    assert url.get_secret_value() == "postgresql+psycopg://a:b@h/d"


def test_every_fault_is_named_and_no_secret_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    set_variables(monkeypatch, port="99999", processes="0", database_url="mysql://u:p4ssw0rd@h/d")
    with pytest.raises(InvalidInput) as refused:
        load_settings()
    expected = {"GRIDMGMT_PORT", "GRIDMGMT_PROCESSES", "GRIDMGMT_DATABASE_URL"}
    assert expected == set(refused.value.facts["variables"])
    assert "p4ssw0rd" not in str(refused.value)


def test_secrets_are_not_in_the_repr(monkeypatch: pytest.MonkeyPatch) -> None:
    set_variables(monkeypatch, secret_key=KEY, database_url=URL)
    shown = repr(load_settings())
    assert KEY not in shown
    assert "x9Ws-4pq7" not in shown


def test_the_url_of_the_embedded_database_is_handed_on() -> None:
    settings = load_settings()
    with pytest.raises(InvalidInput, match="GRIDMGMT_DATABASE_URL is not set"):
        settings.require_database_url()
    assert settings.with_database_url(URL).require_database_url() == URL


def test_only_the_demo_is_a_demo(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not load_settings().is_demo
    set_variables(monkeypatch, environment="demo")
    assert load_settings().is_demo


def test_an_empty_variable_counts_as_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    set_variables(monkeypatch, database_url="", map_review_number="")
    settings = load_settings()
    assert (settings.database_url, settings.map_review_number) == (None, None)


CHANNEL = {"webhook_url": "https://gate.example/hook?key=robot", "webhook_secret": KEY}


def test_channels_are_made_of_what_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_settings().senders() == []
    set_variables(monkeypatch, **CHANNEL, sms_dir="/srv/sms")
    settings = load_settings()
    assert [sender.channel for sender in settings.senders()] == ["webhook", "sms"]
    assert "robot" not in repr(settings)


@pytest.mark.parametrize(
    ("over", "words"),
    [
        ({"webhook_secret": ""}, "webhook_secret needs 32"),
        ({"webhook_secret": "short"}, "webhook_secret needs 32"),
        ({"webhook_url": "http://gate.example/hook"}, "called by https"),
        ({"sms_url": "https://sms.example/"}, "sms_secret needs 32"),
        ({"sms_url": "https://sms.example/", "sms_secret": KEY, "sms_dir": "/srv/sms"}, "exclude each other"),
    ],
)
def test_a_channel_without_secret_or_in_the_clear_is_refused(
    monkeypatch: pytest.MonkeyPatch, over: dict[str, str], words: str
) -> None:
    set_variables(monkeypatch, **CHANNEL | over)
    with pytest.raises(InvalidInput, match=words):
        load_settings()


def test_plain_http_is_a_choice(monkeypatch: pytest.MonkeyPatch) -> None:
    set_variables(monkeypatch, **CHANNEL | {"webhook_url": "http://10.1.2.3/hook"}, channel_plain_http="true")
    assert len(load_settings().senders()) == 1


def test_every_setting_is_documented() -> None:
    assert all(field.description for field in Settings.model_fields.values())
