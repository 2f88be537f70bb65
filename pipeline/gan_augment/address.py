"""Addresses that fsspec reads, such as s3://bucket/folder: what goes wrong there, in a sentence."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from gan_augment.errors import UserError, reason

ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*(::|://)", re.IGNORECASE)
"""How an address begins."""
EXTRAS = {"s3://": "s3"}
"""Extras of this package that bring the library for a protocol."""
NOWHERE = "does not exist"


@contextmanager
def reached(url: str) -> Iterator[None]:
    """Say in one sentence why an address cannot be used.

    Raises:
        UserError: its protocol is unknown or the library for it missing, nothing is there, or it
            cannot be reached.
    """
    try:
        yield
    except UserError:
        raise
    except ImportError as error:
        extras = [extra for protocol, extra in EXTRAS.items() if protocol in url.lower()]
        advice = "".join(f": pip install 'gan-augment[{extra}]'" for extra in extras)
        raise UserError(f"{url} cannot be read: {reason(error)}{advice}") from None
    except ValueError as error:  # no such protocol
        raise UserError(f"{url} cannot be read: {reason(error)}") from None
    except FileNotFoundError as error:
        detail = "" if str(error) in url else f" ({reason(error)})"
        raise UserError(f"{url} {NOWHERE}{detail}") from None
    except Exception as error:  # each protocol's library has its own for no network, no rights
        raise UserError(f"{url} cannot be reached: {reason(error)}") from error
