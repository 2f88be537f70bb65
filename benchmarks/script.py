"""How a benchmark is run as a script."""

import sys
from collections.abc import Callable

from gan_augment.errors import UserError


def run(main: Callable[[], None]) -> None:
    """Run the `main` of a benchmark; what a user can put right is one message and exit code 1."""
    try:
        main()
    except UserError as error:
        sys.exit(str(error))
