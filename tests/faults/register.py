"""Faults that tests provoke, what comes of each, and which test shows it.

`python -m tests.faults.register` writes docs/reliability.md of it.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from tests.faults.damage import DAMAGES, READ

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "reliability.md"


class Fault(NamedTuple):
    """A fault, its outcome, and the test that provokes it: a file below `tests` and a function."""

    what: str
    outcome: str
    test: str


FAULTS: Mapping[str, tuple[Fault, ...]] = {
    "Processes that die": (
        Fault(
            "SIGKILL of a study or a curve while it deletes its scratch at the end",
            "the next run begins anew; none of the rest counts as finished",
            "study/test_curve.py::test_what_is_being_deleted_is_not_found",
        ),
        Fault(
            "SIGKILL of `dvc repro`, of all its processes or of DVC alone, at random moments",
            "one rerun gives the bytes of an undisturbed run, dvc.lock included",
            "faults/test_kills.py::test_killed_at_any_moment_one_rerun_gives_the_same_bytes",
        ),
        Fault(
            "SIGKILL of `dvc` while it writes its record of readers and writers, `.dvc/tmp/rwlock`",
            "flows and publishing mend it; by hand DVC says that the file is corrupted, and "
            "`gan-augment doctor` to delete it",
            "versions/test_half_written.py::test_dvc_runs_after_it_was_killed_while_it_wrote_its_record",
        ),
        Fault(
            "SIGKILL of `dvc` while it writes `dvc.lock`",
            "flows and publishing take that of the last commit, and what DVC has in its cache of "
            "runs; by hand DVC says that it is not valid, and `gan-augment doctor` what to do",
            "versions/test_half_written.py"
            "::test_dvc_runs_after_it_was_killed_while_it_wrote_its_lock_file",
        ),
        Fault(
            "SIGKILL of `dvc` while it writes the `.dvc` file of data that it tracks",
            "flows and publishing take that of the last commit, and the next update records the "
            "data anew; `gan-augment doctor` tells it",
            "versions/test_half_written.py"
            "::test_data_is_known_after_dvc_was_killed_while_it_wrote_of_it",
        ),
        Fault(
            "SIGKILL of ingestion at many moments",
            "the old table is whole; a rerun gives the same bytes",
            "ingest/test_stage.py::test_killed_at_any_moment_a_rerun_gives_the_same_bytes",
        ),
        Fault(
            "SIGTERM of any command, as by a scheduler or a container that ends",
            "what Ctrl+C does: one message, and the same command goes on",
            "test_cli.py::test_to_be_stopped_is_one_message",
        ),
        Fault(
            "SIGKILL of training between checkpoints, and while one is written",
            "the next run resumes, with the bytes of an undisturbed one",
            "gan/test_stage.py::test_killed_while_a_checkpoint_is_written_it_ends_with_the_same_bytes",
        ),
        Fault(
            "SIGKILL of the flow while it trains",
            "the training ends with it; the next flow resumes",
            "e2e/test_rebuild.py::test_killing_the_flow_ends_the_training_which_then_resumes",
        ),
        Fault(
            "SIGKILL of `dvc` alone",
            "its stage ends within seconds",
            "test_alone.py::test_a_stage_ends_with_its_dvc_though_the_shell_stays",
        ),
        Fault(
            "A worker process is killed, as for lack of memory",
            "one message; what was finished is kept",
            "test_engine.py::test_a_killed_process_is_one_message",
        ),
        Fault(
            "A worker of a Ray cluster is killed, or a machine of it lost",
            "its tasks run again elsewhere; nothing is lost",
            "test_engine_ray.py::test_a_lost_machine_loses_nothing",
        ),
        Fault(
            "SIGKILL or SIGTERM of `make serve`",
            "server, worker and report server end with it",
            "flows/test_serve.py::test_serve_ends_with_all_that_it_started",
        ),
        Fault(
            "SIGKILL of a process with files in TMPDIR",
            "the next one deletes them",
            "test_temporary.py::test_what_a_killed_process_shared_is_deleted_by_the_next_and_nothing_else",
        ),
        Fault(
            "SIGKILL of a stage that is never run with the same settings again",
            "the next run deletes its scratch, and that of no one at work",
            "test_temporary.py::test_scratch_of_a_process_at_work_stays_and_of_a_killed_one_goes",
        ),
        Fault(
            "SIGKILL of a pull while git fetches",
            "the next pull goes on, once that git has ended",
            "versions/test_clone.py::test_a_git_that_was_killed_while_it_fetched_is_in_nobodys_way",
        ),
        Fault(
            "SIGKILL of publishing, at each of its steps",
            "consumers see the last whole version; a rerun completes the new one",
            "versions/test_publish.py::test_killed_at_any_moment_the_last_version_is_whole_and_a_rerun_completes",
        ),
    ),
    "Two at once": (
        Fault(
            "Machines that share a folder of finished tasks, and write the same file there",
            "one waits for the other; the file is whole",
            "test_storage.py::test_writers_of_one_file_do_not_meet",
        ),
        Fault(
            "A run waits for another of the same settings, which deletes its scratch at the end",
            "it works in a folder of its own",
            "test_temporary.py::test_who_waited_works_in_a_folder_that_is_there",
        ),
        Fault(
            "Two runs of a stage in one folder",
            "the second waits, and says for whom",
            "test_alone.py::test_two_trainings_in_one_folder_lose_nothing",
        ),
        Fault(
            "Two flows, or publishers, in one folder",
            "the second is refused or waits; a killed one leaves no lock",
            "versions/test_lock.py::test_a_second_is_refused_or_waits",
        ),
        Fault(
            "Pulls of a version at the same time",
            "each gets it whole",
            "versions/test_download.py::test_pulls_at_the_same_time",
        ),
    ),
    "Disks and folders": (
        Fault(
            "The disk fills up while samples are decoded into a file that is mapped",
            "one message; nothing is left behind",
            "test_mapped.py::test_a_disk_that_fills_up_is_one_message",
        ),
        Fault(
            "A file system without locks",
            "one message that says so",
            "test_lock.py::test_a_file_system_without_locks_is_one_message",
        ),
        Fault(
            "Ctrl+C, or an error of the disk, just as an output takes the place of the old one",
            "the old one is back in its place",
            "test_storage.py::test_what_ends_it_between_the_renames_loses_nothing",
        ),
        Fault(
            "The disk is full while ingestion writes, at each step",
            "one message; the old table is whole, nothing is left behind",
            "ingest/test_stage.py::test_a_full_disk_is_one_message",
        ),
        Fault(
            "The disk is full while any other command writes",
            "one message; what was there is there",
            "faults/test_disks.py::test_a_full_disk_is_one_message",
        ),
        Fault(
            "A project, a folder of outputs or the cache of versions on a read-only file system",
            "one message; what only reads goes on; `doctor` says so",
            "faults/test_read_only.py::test_a_project_is_one_message",
        ),
        Fault(
            "The folder of an output cannot be written",
            "one message; what was there is there",
            "faults/test_disks.py::test_a_place_that_cannot_be_written_is_one_message",
        ),
    ),
    "Remotes": (
        Fault(
            "A remote out of reach while publishing",
            "one message; it is tried again when it is back",
            "versions/test_remotes.py::test_a_remote_out_of_reach_may_come_back",
        ),
        Fault(
            "A remote that loses or damages what was pushed",
            "publishing finds it, and publishes nothing until it is mended",
            "versions/test_publish.py::test_a_remote_that_loses_or_damages_data_is_found_and_then_mended",
        ),
        Fault(
            "A store of finished tasks that is out of reach, or not to be written",
            "one message, before any work",
            "test_kept.py::test_a_place_that_cannot_be_written_is_known_before_any_work",
        ),
        Fault(
            "A finished task that is damaged, in a folder or a store",
            "a message says so, and it is made again",
            "test_kept.py::test_finished_tasks_are_found_from_elsewhere",
        ),
        Fault(
            "A published version whose data the remote has lost",
            "publishing again makes it whole",
            "versions/test_publish.py::test_a_version_whose_data_was_lost_is_whole_after_publishing_it_again",
        ),
        Fault(
            "A remote that lacks or damaged the data of a pull",
            "one message",
            "versions/test_download.py::test_a_remote_that_lacks_or_damaged_data_is_told",
        ),
    ),
    "Input that is hostile, or merely large": (
        Fault(
            "A model whose config asks for more than its weights have",
            "one message, before memory is taken",
            "gan/test_stage.py::test_a_config_that_does_not_fit_its_weights_takes_no_memory",
        ),
        Fault(
            "Damaged bytes of every kind of file that is read, by a fuzzer",
            "one message, within bounds of time and memory, and nothing is written elsewhere",
            "faults/test_fuzz.py::test_no_file_does_more_than_be_refused",
        ),
        Fault(
            "Archives, icons, tables, idx files that unpack to gigabytes, and footers and headers "
            "that lie about it",
            "read or refused in 600 MB",
            "ingest/test_memory.py::test_what_would_fill_memory",
        ),
        Fault(
            "A published table with other columns, types, labels or pictures than it should have",
            "one message; none is opened but as PNG",
            "data/test_foreign.py::test_what_is_refused",
        ),
        Fault(
            "A published table that unpacks to gigabytes",
            "one message, in 400 MB",
            "data/test_foreign.py::test_what_would_fill_memory",
        ),
    ),
    "The test split": (
        Fault(
            "Other test images under the same training images",
            "every byte of generator, synthetic images, gates and choices is the same",
            "e2e/test_sealed_split.py::test_no_test_image_reaches_what_comes_before_the_end",
        ),
    ),
}


def page() -> str:
    """Return docs/reliability.md."""
    lines = [
        "# Reliability",
        "",
        "What happens when things go wrong. Each line is tested: `make test` provokes every fault, "
        "`make soak` kills `dvc repro` and the flow a hundred times and runs fifty scheduled "
        "rebuilds, `make fuzz` damages files for an hour. Written by "
        "`python -m tests.faults.register`.",
        "",
    ]
    for title, faults in FAULTS.items():
        lines += [f"## {title}", "", "| fault | outcome | test |", "|---|---|---|"]
        lines += [f"| {f.what} | {f.outcome} | {_file(f.test)} |" for f in faults]
        lines.append("")
    return "\n".join([*lines, *_damaged()])


def tests() -> Iterator[tuple[Path, str]]:
    """Yield the file and the function of every test that is named."""
    for faults in FAULTS.values():
        for fault in faults:
            file, _, function = fault.test.partition("::")
            yield ROOT / "tests" / file, function


def _damaged() -> Iterator[str]:
    """Yield the lines about damaged files."""
    kinds = ", ".join(damage.told for damage in DAMAGES.values())
    yield "## Damaged files"
    yield ""
    yield (
        f"Each of these files ({kinds}) ends the command that reads it with one message and exit "
        "code 1, and leaves all that was there as it was "
        f"({_file('faults/test_damage.py::test_a_damaged_file_is_one_message')})."
    )
    yield ""
    yield "| command | files |"
    yield "|---|---|"
    for command, files in READ.items():
        yield f"| `{command}` | {', '.join(f'`{file}`' for file in files)} |"
    yield ""


def _file(test: str) -> str:
    return f"`tests/{test.partition('::')[0]}`"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
