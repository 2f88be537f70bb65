"""A flow run by hand ends as a whole: nothing that it started outlives it.

Prefect starts a temporary server where none is set up. Killed, a flow would leave it behind, with
some 200 MB, and the next flow another one.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable

from gan_augment.errors import UserError, reason
from gan_augment.versions.supervisor import supervised
from gan_augment_flows import password

INSIDE = "GAN_AUGMENT_SUPERVISED"
"""Set in the process that the flow runs in."""
PATIENCE = {"PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120"}
"""For the temporary server, of which Prefect expects that it starts in 20 seconds."""


def as_a_whole(module: str, run: Callable[[], None]) -> None:
    """Run a flow in a supervised process, and end with its exit code.

    Args:
        module: which this process runs as, `python -m MODULE`.
        run: runs the flow; called in the process that does.
    """
    if INSIDE in os.environ:
        run()
        return
    try:
        check_home()
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(1)
    command = supervised([sys.executable, "-m", module, *sys.argv[1:]])
    inside = {**PATIENCE, **os.environ, INSIDE: "1"}
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, env=inside, start_new_session=True
    ) as process:
        try:
            code = process.wait()
        except KeyboardInterrupt:
            process.communicate()  # closes the pipe, at which the supervisor ends the flow
            code = process.returncode
    sys.exit(code)


def check_home() -> None:
    """Refuse a folder in which Prefect can keep nothing: it would say that a server timed out.

    Raises:
        UserError: names it.
    """
    home = password.home()
    try:
        home.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=home):
            pass
    except OSError as error:
        raise UserError(
            f"PREFECT_HOME = {home} cannot be used ({reason(error)}): set it to a folder of yours"
        ) from None
