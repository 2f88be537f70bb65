"""A stream whose results are kept in files, so that a killed run goes on where it was."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from gan_augment.engine import Result, Task, stream
from gan_augment.storage import replace_file


def resumed(
    function: Callable[[Task], Result],
    tasks: Mapping[Path, Task],
    read: Callable[[Path], Result],
    write: Callable[[Path, Result], None],
) -> Iterator[Result]:
    """Yield `function` of each task, in order, as its file has it, or computed now and kept there.

    Args:
        function: what to compute, on all cores; can be pickled, and so can tasks.
        tasks: what to compute it of, by the file of the result.
        read: returns the result that a file has.
        write: makes a file of a result.

    Raises:
        UserError: of the function; a process was killed; or a file cannot be written.
    """
    kept = {file for file in tasks if file.exists()}
    left = (task for file, task in tasks.items() if file not in kept)
    made = stream(function, left, processes=True)
    for file in tasks:
        if file not in kept:
            with replace_file(file) as part:
                write(part, next(made))
        yield read(file)
