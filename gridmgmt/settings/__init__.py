"""All settings of an installation, read from environment variables that start with ``GRIDMGMT_``.

Read once by ``api``, ``cli`` and ``worker`` through :func:`load_settings` and handed on as plain values;
nothing further in reads the environment. Invariants:

* In production there is no default secret: the key, and a password in the database URL, must have been
  chosen. Development and the demo run without any choice, and the demo never runs in production.
* Secrets are shown neither by ``repr`` nor by an error.

No settings file of our own: compose, systemd and shells can all give environment variables.
"""

from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import SettingsConfigDict

from gridmgmt.adapters.evidence.s3 import S3Place
from gridmgmt.domain.guessable import (
    KEY_MINIMUM_CHARACTERS,
    KEY_OF_DEVELOPMENT,
    has_guessable_password,
    is_guessable_key,
)
from gridmgmt.domain.merkle import Algorithm, hash_of
from gridmgmt.domain.sessionrules import SessionLimits, SessionTimes
from gridmgmt.errors import InvalidInput, NotAllowed
from gridmgmt.settings.basemap import BasemapSettings
from gridmgmt.settings.channels import ChannelSettings
from gridmgmt.settings.patrols import PatrolSettings
from gridmgmt.settings.push import PushSettings
from gridmgmt.storage.embedded import default_home

CHECKOUT = Path(__file__).resolve().parents[2]
PostgreSQLScheme = Literal["postgresql+psycopg", "postgresql", "postgres"]
SCHEMES: frozenset[str] = frozenset(PostgreSQLScheme.__args__)  # type: ignore[attr-defined]


class Environment(StrEnum):
    """What an installation is for."""

    DEVELOPMENT = "development"
    DEMO = "demo"
    PRODUCTION = "production"


class Settings(ChannelSettings, PatrolSettings, BasemapSettings, PushSettings):
    """One value per setting; the text below each is its documentation.

    Raises
    ------
    pydantic.ValidationError : a value cannot be used; :func:`load_settings` says which in plain words.
    """

    model_config = SettingsConfigDict(
        env_prefix="GRIDMGMT_",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
        use_attribute_docstrings=True,
        validate_default=True,
    )

    environment: Environment = Environment.DEVELOPMENT
    """``development``, ``demo`` or ``production``."""

    database_url: SecretStr | None = None
    """SQLAlchemy URL of a PostgreSQL 15+ with PostGIS 3; without it the embedded cluster is used."""

    worker_database_url: SecretStr | None = None
    """As ``database_url``, with the login of the worker (``gridmgmt_worker``); by default the same URL."""

    migration_database_url: SecretStr | None = None
    """As ``database_url``, with the login that changes the schema and sets up (``gridmgmt_migrate``). Only
    ``gridmgmt db migrate`` and the commands that load data need it; keep it from the serving processes."""

    home: Path = Field(default_factory=default_home)
    """Directory of everything this installation keeps: the embedded cluster and the photos."""

    photo_dir: Path = Field(default_factory=lambda data: data["home"] / "photos")
    """Directory of photos; by default ``photos`` in ``home``."""

    incoming_dir: Path = Field(default_factory=lambda data: data["home"] / "incoming")
    """Directory of photos that are on their way in, one for all servers of an installation and no part of a
    backup; by default ``incoming`` in ``home``."""

    key_file: Path | None = None
    """File (mode 0400) of the keys that wrap all other keys, made by ``gridmgmt keys init``; required in
    production, elsewhere ``keys/kek.json`` in ``home``, made at first use."""

    key_dir: Path = Field(default_factory=lambda data: data["home"] / "keys" / "data")
    """Directory of the wrapped keys that personal data and secrets are sealed under, shared by every server
    of an installation and outside the database; by default ``keys/data`` in ``home``."""

    export_dir: Path = Field(default_factory=lambda data: data["home"] / "exports")
    """Directory of export files, which lie sealed and for a day; by default ``exports`` in ``home``."""

    export_most_rows: int = Field(default=50_000, ge=1, le=1_000_000)
    """Most rows of an export."""

    reveals_per_day: int = Field(default=20, ge=1, le=1_000)
    """How many contacts one person may see in full within 24 hours."""

    web_dir: Path = CHECKOUT / "web" / "dist"
    """Directory of the built pages; by default that of the checkout or image."""

    data_dir: Path = CHECKOUT / "data"
    """Directory of the demo's inputs and the catalogue's tables; by default that of the checkout or image."""

    host: str = "127.0.0.1"
    """Address to serve on; ``0.0.0.0`` opens the server to the network."""

    port: int = Field(default=8000, ge=1, le=65535)
    """TCP port to serve on."""

    processes: int = Field(default=1, ge=1, le=64)
    """Server processes; more than the cores gain nothing."""

    secret_key: SecretStr = SecretStr(KEY_OF_DEVELOPMENT)
    """Key that signs sessions: at least 32 characters, the same on every server of an installation."""

    centre_idle_minutes: int = Field(default=30, ge=5, le=24 * 60)
    """Minutes without a request after which a desk of the command centre is signed out."""

    centre_hours: int = Field(default=12, ge=1, le=24)
    """Hours after which somebody at a desk has to sign in again, however busy."""

    field_idle_hours: int = Field(default=12, ge=1, le=72)
    """Hours without a request after which a phone in the field is signed out."""

    field_days: int = Field(default=7, ge=1, le=14)
    """Days after which somebody in the field has to sign in again, however busy."""

    password_minimum_characters: int = Field(default=10, ge=8, le=64)
    """Least length of a password."""

    password_complexity: bool = False
    """Whether a password needs three of the four kinds of characters (GB/T 22239 §8.1.4.1)."""

    password_days: int = Field(default=0, ge=0, le=3650)
    """Days after which a password has to be changed; 0: never."""

    link_hours: int = Field(default=24, ge=1, le=24 * 14)
    """Hours that a one-time link for a first or new password is good for."""

    public_url: str | None = None
    """Address that people open, such as ``https://grid.example.gov.cn``; one-time links begin with it."""

    peer_audience: str = "gridmgmt"
    """What the assertions of machine peers must name as their audience; one per installation."""

    max_body_bytes: int = Field(default=2**20, ge=2**10)
    """Largest JSON body accepted, in bytes."""

    max_photo_bytes: int = Field(default=25 * 2**20, ge=2**10)
    """Largest photo accepted, in bytes."""

    s3_bucket: str | None = None
    """Bucket to keep photos in; without it they are kept below ``photo_dir``."""

    s3_region: str = "us-east-1"
    """Region of the bucket; a service of one's own takes any."""

    s3_endpoint: str | None = None
    """URL of an S3 service that is not Amazon's."""

    s3_access_key_id: str | None = None
    """Name of the key that the S3 service gave."""

    s3_secret_access_key: SecretStr | None = None
    """The key itself."""

    audit_origin: str = Field(default="gridmgmt/audit", pattern=r"^[!-*,-~]{1,64}$")
    """Name of this installation's audit log on its signed heads; a log keeps the one that it began with."""

    audit_algorithm: Algorithm = Algorithm.SHA256
    """``sha256`` or ``sm3`` (GB/T 32905); a log keeps the one that it began with."""

    audit_key_file: Path = Field(default_factory=lambda data: data["home"] / "audit" / "sealer.key")
    """Private key of the sealer; production makes it by ``gridmgmt audit key create``, never by itself."""

    audit_witness_dir: Path | None = None
    """Directory of a witness, to which the sealer copies a signed head each day; best on another host."""

    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """Least severity that is logged."""

    backup_dir: Path = Field(default_factory=lambda data: data["home"] / "backups")
    """Directory of backups: on another disk than ``home``, where the data are to outlive that disk."""

    backup_database_url: SecretStr | None = None
    """URL of the same database for a role with REPLICATION; by default ``database_url``."""

    backup_keep: int = Field(default=14, ge=1)
    """Finished backups that are kept; older ones go after a new one was verified."""

    log_requests: bool | None = None
    """Whether every answered request is a log line (errors always are); by default in production only."""

    metrics_host: str = "127.0.0.1"
    """Address to serve ``/metrics`` on, apart from the pages: one that only monitoring can reach."""

    metrics_port: int | None = Field(default=None, ge=1, le=65535)
    """TCP port of the server's ``/metrics``; without it there is none."""

    worker_metrics_port: int | None = Field(default=None, ge=1, le=65535)
    """TCP port of ``/metrics`` of a worker that runs by itself; beside the server it shares the server's."""

    stop_within_s: int = Field(default=10, ge=1, le=300)
    """Seconds that requests under way get to end when the server is told to stop."""

    backup_within_h: int | None = Field(default=None, ge=1)
    """Hours within which there must be a new backup; by default 26 in production, else none."""

    alarm_command: str | None = None
    """Command that the watchdog starts in an alarm, without a shell, with the alarm as JSON on its input."""

    alarm_file: Path | None = None
    """File that the watchdog adds a line of JSON to in an alarm, for a collector to pick up."""

    map_review_number: str | None = None
    """审图号 printed on every map, where the map has been reviewed."""

    @field_validator("audit_algorithm")
    @classmethod
    def _can_be_computed(cls, value: Algorithm) -> Algorithm:
        try:
            hash_of(value)
        except InvalidInput as fault:
            raise ValueError(fault.message) from None
        return value

    @field_validator("database_url", "worker_database_url", "migration_database_url", "backup_database_url")
    @classmethod
    def _names_postgresql(cls, value: SecretStr | None) -> SecretStr | None:
        if value is None:
            return None
        scheme, separator, rest = value.get_secret_value().partition("://")
        if scheme not in SCHEMES or not separator:
            raise ValueError("must start with postgresql+psycopg://")
        return SecretStr(f"postgresql+psycopg://{rest}")

    @model_validator(mode="after")
    def _has_its_own_secrets(self) -> Self:
        if self.environment is not Environment.PRODUCTION:
            return self
        if is_guessable_key(self.secret_key.get_secret_value()):
            raise ValueError(
                f"secret_key must be set to {KEY_MINIMUM_CHARACTERS} or more random characters in production;"
                " make one with: python3 -c 'import secrets; print(secrets.token_urlsafe(48))'"
            )
        for name in ("database_url", "worker_database_url", "migration_database_url", "backup_database_url"):
            url: SecretStr | None = getattr(self, name)
            if url is not None and has_guessable_password(url.get_secret_value()):
                raise ValueError(f"{name} has a default password, which production refuses")
        if self.key_file is None:
            raise ValueError("key_file must be set in production; make one with: gridmgmt keys init")
        return self

    @property
    def s3_place(self) -> S3Place | None:
        """The bucket that photos are kept in; None: a local directory."""
        if self.s3_bucket is None:
            return None
        secret = self.s3_secret_access_key
        return S3Place(
            self.s3_bucket,
            self.s3_region,
            self.s3_endpoint,
            self.s3_access_key_id,
            secret.get_secret_value() if secret else None,
        )

    @property
    def is_demo(self) -> bool:
        """Whether visitors may play the synthetic people's parts."""
        return self.environment is Environment.DEMO

    def link_to_set_up(self, token: str) -> str:
        """The one-time link; its secret stands in the fragment, which browsers send to nobody."""
        base = (self.public_url or f"http://{self.host}:{self.port}").rstrip("/")
        return f"{base}/account#set-up/{token}"

    @property
    def session_times(self) -> SessionTimes:
        """When sessions end by themselves, by kind."""
        return SessionTimes(
            centre=SessionLimits(
                timedelta(minutes=self.centre_idle_minutes), timedelta(hours=self.centre_hours)
            ),
            field=SessionLimits(timedelta(hours=self.field_idle_hours), timedelta(days=self.field_days)),
        )

    @property
    def session_cookie(self) -> str:
        """Name of the session's cookie. A browser takes ``__Host-`` over TLS only, for this host only."""
        return "__Host-gridmgmt" if self.cookies_are_secure else "gridmgmt_session"

    @property
    def device_cookie(self) -> str:
        """Name of the cookie by which a device is known again."""
        return "__Host-gridmgmt-device" if self.cookies_are_secure else "gridmgmt_device"

    @property
    def cookies_are_secure(self) -> bool:
        """Whether cookies may travel over TLS only: so in production."""
        return self.environment is Environment.PRODUCTION

    @property
    def key_file_in_use(self) -> Path:
        """The key file that was set, or the installation's own."""
        return self.key_file or self.home / "keys" / "kek.json"

    @property
    def makes_its_keys(self) -> bool:
        """Whether a missing key file is made at first use: nowhere but in development and the demo."""
        return self.environment is not Environment.PRODUCTION

    def with_database_url(self, url: str) -> Self:
        """The same settings with the URL of a database, for whoever has just brought the embedded one up."""
        return self.model_copy(update={"database_url": SecretStr(url)})

    def require_database_url(self) -> str:
        """The URL of the database, for those who do not start one.

        Raises
        ------
        InvalidInput : none is set.
        """
        if self.database_url is None:
            variables = ["GRIDMGMT_DATABASE_URL"]
            raise InvalidInput(
                "settings cannot be used: GRIDMGMT_DATABASE_URL is not set", variables=variables
            )
        return self.database_url.get_secret_value()

    def require_worker_url(self) -> str:
        """The URL that the worker logs in with.

        Raises
        ------
        InvalidInput : none is set.
        """
        given = self.worker_database_url
        return given.get_secret_value() if given is not None else self.require_database_url()

    def require_migration_url(self) -> str:
        """The URL that migrations and loading log in with.

        Raises
        ------
        InvalidInput : none is set.
        """
        given = self.migration_database_url
        return given.get_secret_value() if given is not None else self.require_database_url()

    def require_demo(self) -> None:
        """Refuse to load or play the demo into a production installation.

        Raises
        ------
        NotAllowed : this is production.
        """
        if self.environment is Environment.PRODUCTION:
            raise NotAllowed("the demo does not run in production", environment=self.environment.value)


def load_settings() -> Settings:
    """Read the environment once and answer the settings.

    Raises
    ------
    InvalidInput : one sentence per variable that cannot be used; ``facts["variables"]`` lists them.
    """
    try:
        return Settings()
    except ValidationError as error:
        prefix = Settings.model_config["env_prefix"]
        faults = [
            (
                f"{prefix}{'_'.join(map(str, fault['loc']))}".upper(),
                fault["msg"].removeprefix("Value error, "),
            )
            for fault in error.errors(include_input=False, include_url=False, include_context=False)
            # A default that rests on another setting is not at fault when that one is.
            if fault["type"] != "default_factory_not_called"
        ]
        sentences = (f"{name.rstrip('_')}: {message}" for name, message in faults)
        variables = [name for name, _ in faults]
        raise InvalidInput("settings cannot be used: " + "; ".join(sentences), variables=variables) from None
