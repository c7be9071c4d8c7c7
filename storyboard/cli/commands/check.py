"""``storyboard check``: report everything wrong with a storyboard, without network, all at once."""

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click
from msgspec import Struct

from storyboard import __version__
from storyboard.cli.options import json_option, provider_option, quiet_option, storyboard_argument
from storyboard.cli.output import CommandOutput, Exit, ExitWith, print_result, problem
from storyboard.cli.project import Project, read_project, report_findings
from storyboard.cli.project_root import STORYBOARD
from storyboard.core.diagnostics import Diagnostic, error, has_errors, warning
from storyboard.core.lockfile_plan import OutdatedEntry
from storyboard.report.diagnostics import as_data, error_text, place_data
from storyboard.report.text import clean, several

if TYPE_CHECKING:
    from storyboard.report.annotations import CheckedFiles

_CI_FORMATS = ("github", "sarif", "gitlab", "junit")
# Where CI systems have the checkout; places of findings are relative to it.
_CHECKOUTS = ("GITHUB_WORKSPACE", "CI_PROJECT_DIR")
_SKIPPED_FOLDERS = frozenset(("node_modules", "__pycache__"))
_MAX_BYTES = 4 * 1024 * 1024
_TOP_FIELDS = (re.compile(rb"^(?:\xef\xbb\xbf)?version\s*:", re.MULTILINE), re.compile(rb"^scenes\s*:", re.MULTILINE))


@click.command("check", epilog="Example: storyboard check examples/mangrove")
@storyboard_argument
@provider_option
@click.option("--locked", is_flag=True, help="Refuse if the lockfile is not current and complete; needs no cache.")
@click.option("--all", "every", is_flag=True, help="Check every storyboard in the folder and in the folders below it.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", *_CI_FORMATS]),
    envvar="STORYBOARD_CHECK_FORMAT",
    help="Format of the findings: for people, scripts, or a CI system. In GitHub Actions: text, and github as well.",
)
@json_option
@quiet_option
def command(
    path: Path, provider: str | None, locked: bool, every: bool, form: str | None, as_json: bool, quiet: bool
) -> None:
    """Report what is wrong with a storyboard: its text, links and files, and requests beyond the model's limits.

    Needs no key and makes no network requests. Exit code 3 if there is an error; warnings do not count. With --locked,
    exit code 7 if a build would change the lockfile.
    """
    if as_json and form not in (None, "json"):
        raise click.UsageError(f"--json and --format {form} exclude each other; delete one of the two")
    output = CommandOutput("check", as_json=as_json or form == "json", quiet=quiet)
    checks = [_check(output, one, provider, locked=locked) for one in (_find_storyboards(path) if every else [path])]
    if form in _CI_FORMATS:
        _print_format(form, checks)
    if form is None and not output.as_json and os.environ.get("GITHUB_ACTIONS") == "true":
        _print_annotations("github", checks)
    _report(output, checks, quiet=quiet, locked=locked)


class StoryboardCheck(Struct):
    """A storyboard that was read, and the entries of its lockfile that are out of date, if they were looked for."""

    project: Project
    outdated: Sequence[OutdatedEntry] = ()

    @property
    def is_outdated(self) -> bool:
        """Return whether a build would change the lockfile; states that it cannot decide do not count."""
        return any(one.state != "unknown" for one in self.outdated)

    def findings(self) -> Iterator[Diagnostic]:
        """Yield the findings, and those about the lockfile as findings at their shots."""
        from storyboard.report.status import locked_line

        yield from self.project.findings
        for one in self.outdated:
            make = warning if one.state == "unknown" else error
            yield make("locked", locked_line(one), self.project.place(one.shot))


def _check(output: CommandOutput, path: Path, provider: str | None, *, locked: bool) -> StoryboardCheck:
    project = read_project(path, provider, remember=True)
    if not locked or project.storyboard is None or has_errors(project.findings):
        return StoryboardCheck(project)
    from storyboard.cli.history import working_version
    from storyboard.engine.versions import find_outdated_entries

    return StoryboardCheck(project, find_outdated_entries(working_version(output, project, project.storyboard)))


def _find_storyboards(folder: Path) -> list[Path]:
    """Return the storyboards in *folder* and below it, without hidden folders. Raises ``click.UsageError``."""
    if not folder.is_dir():
        raise click.UsageError(f"--all needs a folder, and {clean(str(folder))} is none")
    found = []
    for here, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name not in _SKIPPED_FOLDERS)
        found += [Path(here, name) for name in sorted(files) if _is_storyboard(Path(here, name))]
    if not found:
        raise click.UsageError(f"there is no storyboard in {clean(str(folder))} or below it")
    return found


def _is_storyboard(file: Path) -> bool:
    """Return whether *file* is a storyboard by its name, or by the fields at its top. A link to one is none."""
    if file.suffix not in (".yaml", ".yml") or file.is_symlink() or not file.is_file():
        return False
    if file.stem == Path(STORYBOARD).stem or file.stem.endswith(".storyboard"):
        return True
    try:
        with file.open("rb") as opened:
            text = opened.read(_MAX_BYTES)
    except OSError:
        return False
    return all(field.search(text) for field in _TOP_FIELDS)


def _print_format(form: str, checks: Sequence[StoryboardCheck]) -> NoReturn:
    """Print the findings of all storyboards in a format for CI systems, and end the verb."""
    _print_annotations(form, checks)
    if any(check.project.storyboard is None or has_errors(check.project.findings) for check in checks):
        raise ExitWith(Exit.STORYBOARD)
    raise ExitWith(Exit.LOCKED if any(check.is_outdated for check in checks) else Exit.DONE)


def _print_annotations(form: str, checks: Sequence[StoryboardCheck]) -> None:
    from storyboard.report.annotations import annotations

    text = annotations(form, _checked_files(checks))
    if text:
        print_result(text)


class _JoinedTexts(Mapping[str, str]):
    """The texts of the files of several storyboards; a text is read on its first use."""

    def __init__(self, checks: Sequence[StoryboardCheck]) -> None:
        self._texts = {file: check.project.texts for check in checks for file in check.project.files}

    def __getitem__(self, name: str) -> str:
        return self._texts[name][name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._texts)

    def __len__(self) -> int:
        return len(self._texts)


def _checked_files(checks: Sequence[StoryboardCheck]) -> "CheckedFiles":
    from storyboard.cli.main import explain
    from storyboard.report.annotations import CheckedFiles

    return CheckedFiles(
        findings=[finding for check in checks for finding in check.findings()],
        texts=_JoinedTexts(checks),
        files=list(dict.fromkeys(file for check in checks for file in check.project.files)),
        place_of=_place_in_checkout,
        explain=explain,
        version=__version__,
    )


def _place_in_checkout(file: str) -> str:
    """Return the path of *file* in the checkout of a CI system, else in the working folder."""
    folders = (Path(os.environ[name]) for name in _CHECKOUTS if os.environ.get(name))
    root = next((folder.resolve() for folder in folders if folder.is_dir()), Path.cwd())
    whole = Path(file).absolute().resolve()
    return whole.relative_to(root).as_posix() if whole.is_relative_to(root) else file


def _report(output: CommandOutput, checks: Sequence[StoryboardCheck], *, quiet: bool, locked: bool) -> None:
    """Print the findings as text or as JSON, and end the verb with an error if there is one."""
    projects = [check.project for check in checks]
    if len(projects) == 1:
        output.storyboard = projects[0].argument
    findings = [finding for project in projects for finding in project.findings]
    is_read = all(project.storyboard is not None for project in projects)
    report_findings(output, findings, _JoinedTexts(checks), is_read=is_read)
    shots = [sum(1 for _ in one.storyboard.shots()) for one in projects if one.storyboard is not None]
    files = list(dict.fromkeys(file for project in projects for file in project.files))
    data = {"shots": sum(shots), "files": files, "findings": as_data(findings)}
    if locked:
        _refuse_outdated(output, checks, data)
    state = ", the lockfile is current" if locked else ""
    lines = [
        f"{project.files[0]}: {several(count, 'shot')}, no errors{state}"
        for project, count in zip(projects, shots, strict=True)
    ]
    output.result("" if quiet else "\n".join(lines), data, next_commands=["storyboard plan"])


def _refuse_outdated(output: CommandOutput, checks: Sequence[StoryboardCheck], data: dict[str, Any]) -> None:
    """End the verb if a build would change a lockfile; states that a lockfile cannot decide are warnings."""
    from storyboard.report.status import locked_line

    found = [(check, one) for check in checks for one in check.outdated]
    data["out_of_date"] = [{"shot": one.shot, "state": one.state, "shots": list(one.shots)} for _, one in found]
    for _, one in found:
        if one.state == "unknown":
            output.warn("locked", locked_line(one))
    stale = [
        {**problem("locked", locked_line(one)), "place": place_data(check.project.place(one.shot))}
        for check, one in found
        if one.state != "unknown"
    ]
    if stale:
        texts = [_outdated_text(check) for check in checks if check.is_outdated]
        next_commands = ["storyboard plan", "storyboard build"]
        output.fail(Exit.LOCKED, stale, text="\n".join(texts), data=data, next_commands=next_commands)


def _outdated_text(check: StoryboardCheck) -> str:
    from storyboard.report.status import locked_line

    storyboard = check.project.storyboard
    return error_text(
        f"the lockfile is out of date: {storyboard.lockfile if storyboard is not None else ''}",
        "locked",
        details=[locked_line(one) for one in check.outdated if one.state != "unknown"],
        help="run `storyboard build`, then commit the storyboard and the lockfile together",
    )
