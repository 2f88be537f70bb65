"""Findings as lines of a terminal."""

from collections.abc import Sequence

import typer

from gan_augment.doctor.finding import Finding

COLOURS = {"ok": "green", "attention": "red", "not needed": "bright_black"}


def line(finding: Finding) -> str:
    """Return a finding as a line: state, what it is about, what was found and what to do."""
    state = typer.style(f"{finding.state:<10}", fg=COLOURS[finding.state])
    joint = "for " if finding.state == "not needed" else ""
    return f"{state}  {finding.about:<18} {joint}{finding.said}"


def summary(findings: Sequence[Finding]) -> str:
    """Return whether a run would work, in a sentence."""
    stopping = [finding.about for finding in findings if finding.stops]
    if stopping:
        return f"this would stop a run: {', '.join(dict.fromkeys(stopping))}"
    return "nothing here would stop a run"
