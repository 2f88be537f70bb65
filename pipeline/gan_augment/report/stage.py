"""Report: what the other stages found, as one page. It computes nothing and trains nothing."""

from collections.abc import Mapping
from pathlib import Path

from gan_augment import spreadsheet, table
from gan_augment.decision import same_data
from gan_augment.params import AssembleParams, ReportParams
from gan_augment.report.page import render
from gan_augment.storage import read_record, write_text


def run(
    params: ReportParams,
    inputs: Mapping[str, Path],
    outputs: Mapping[str, Path],
    assemble: AssembleParams,
) -> None:
    """Write the page. Of the real images it looks at the train split alone.

    Args:
        params: the section `report`.
        inputs: `verdict` (JSON) and `repeats` (CSV) of the evaluation; `real` and `synthetic`,
            image tables; `ingest`, `synthesis`, `history` and `model`, folders that other stages
            leave: where one is missing, so is its section.
        outputs: `report` (HTML).
        assemble: the section `assemble`, which says what ships.

    Raises:
        UserError: there is no verdict, or it is about other images.
    """
    verdict = read_record(inputs["verdict"], "overall", "classifiers", "provenance")
    same_data(verdict, inputs["real"], inputs["synthetic"])
    page = render(
        verdict,
        spreadsheet.read(inputs["repeats"], ["class"]).fillna({"class": ""}),
        table.read(inputs["real"], "train"),
        table.read(inputs["synthetic"]),
        inputs,
        params,
        assemble,
    )
    write_text(outputs["report"], page)
    print(f"report: {outputs['report']}")
