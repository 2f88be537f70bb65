"""A flow run by hand ends as a whole: nothing that it started outlives it.

Prefect starts a temporary server where none is set up. Killed, a flow would leave it behind, with
some 200 MB, and the next flow another one.
"""

import os
import subprocess
import sys
from collections.abc import Callable

from gan_augment.versions.supervisor import supervised

INSIDE = "GAN_AUGMENT_SUPERVISED"
"""Set in the process that the flow runs in."""


def as_a_whole(module: str, run: Callable[[], None]) -> None:
    """Run a flow in a supervised process, and end with its exit code.

    Args:
        module: which this process runs as, `python -m MODULE`.
        run: runs the flow; called in the process that does.
    """
    if INSIDE in os.environ:
        run()
        return
    command = supervised([sys.executable, "-m", module, *sys.argv[1:]])
    inside = {**os.environ, INSIDE: "1"}
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, env=inside, start_new_session=True
    ) as process:
        try:
            code = process.wait()
        except KeyboardInterrupt:
            process.communicate()  # closes the pipe, at which the supervisor ends the flow
            code = process.returncode
    sys.exit(code)
