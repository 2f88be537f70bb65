"""Prefect: its server, if one is named, and what it tells its makers."""

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from gan_augment.doctor.ask import SilentError, ask
from gan_augment.doctor.finding import Finding, attention, not_needed, ok


def prefect(root: Path) -> Iterator[Finding]:
    """Look at Prefect and its server."""
    if find_spec("prefect") is None:
        said = "building and publishing; schedules want it: pip install 'gan-augment[flows]'"
        yield not_needed("Prefect", said)
        return
    try:
        told = ask("gan_augment_flows.server", root)
    except SilentError as error:
        yield attention("Prefect", f"does not start: {error}", stops=True)
        return
    client, url = told["version"], told["url"]
    if url is None:
        serve = "`python -m gan_augment_flows.serve` starts a server"
        said = f"building and publishing; {serve} ({client})"
        yield not_needed("Prefect", said)
    elif told["trouble"]:
        yield attention("Prefect", told["trouble"], stops=True)
    else:
        yield ok("Prefect", f"{client}, and {told['server']} at {url}")
    if told["analytics"]:
        advice = "set DO_NOT_TRACK=1 and PREFECT_SERVER_ANALYTICS_ENABLED=false"
        said = f"on in this shell ({advice}); off in what gan-augment serves"
        yield attention("Prefect telemetry", said, stops=False)
    else:
        yield ok("Prefect telemetry", "off")
