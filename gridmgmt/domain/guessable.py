"""Secrets that anybody would guess first: production refuses them."""

from urllib.parse import urlsplit

KEY_OF_DEVELOPMENT = "development-only-this-is-not-a-secret"
KEY_MINIMUM_CHARACTERS = 32
PLACEHOLDERS = frozenset({"", "postgres", "password", "secret", "gridmgmt", "changeme", "change-me"})


def is_guessable_key(key: str) -> bool:
    """Whether a signing key is the one of development, a placeholder, or too short."""
    return key == KEY_OF_DEVELOPMENT or len(key) < KEY_MINIMUM_CHARACTERS or key.lower() in PLACEHOLDERS


def has_guessable_password(url: str) -> bool:
    """Whether a database URL has a password by default; one without a host uses a local socket and none."""
    parts = urlsplit(url)
    return bool(parts.hostname) and (parts.password or "").lower() in PLACEHOLDERS
