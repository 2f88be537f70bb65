"""Prefect's server: which, and does it answer? Run by itself it prints that as JSON."""

import json
import os
from typing import Any

from gan_augment.errors import UserError, reason

CHOICES_AGAINST = ("1", "true", "yes", "on")


def look() -> dict[str, Any]:
    """Return what Prefect is like here.

    Returns:
        `version` of the client; `url` of the server's API, None if none is named; `server`, its
        version, None if it cannot be used; the `trouble` with it; and `analytics`, whether any
        are sent.
    """
    from prefect import __version__
    from prefect.client.orchestration import get_client
    from prefect.settings import get_current_settings

    settings = get_current_settings()
    against = os.environ.get("DO_NOT_TRACK", "").lower() in CHOICES_AGAINST
    told: dict[str, Any] = {
        "version": __version__,
        "url": settings.api.url,
        "server": None,
        "trouble": trouble(),
        "analytics": settings.server.analytics_enabled and not against,
    }
    if told["url"] and not told["trouble"]:
        with get_client(sync_client=True) as client:
            told["server"] = client.api_version()
    return told


def check() -> None:
    """See that the server that settings name, if they do, answers and takes this client.

    Raises:
        UserError: it does not.
    """
    if said := trouble():
        raise UserError(said)


def trouble() -> str:
    """Return what keeps this client from using the server that settings name, or ""."""
    from httpx import TransportError
    from prefect.settings import get_current_settings

    if (url := get_current_settings().api.url) is None:
        return ""
    found = _asked()
    if isinstance(found, TransportError):
        return f"no server answers at {url} ({reason(found)}): start it, or unset PREFECT_API_URL"
    return f"{reason(found)} ({url})" if found else ""


def _asked() -> Exception | None:
    """Return what the client says of the server, if that is not that all is well."""
    from prefect.client.orchestration import get_client

    try:
        with get_client(sync_client=True) as client:
            if found := client.api_healthcheck():
                return found
            client.raise_for_api_version_mismatch()
    except Exception as error:  # of HTTP, of TLS, of versions
        return error
    return None


if __name__ == "__main__":
    print(json.dumps(look()))
