"""``storyboard diff``: compare two versions of the film shot by shot, with the cost from one to the other."""

from collections.abc import Mapping
from pathlib import Path

import click
import msgspec

from storyboard.cli.history import GitHistory, open_history, working_version
from storyboard.cli.options import completes, json_option, provider_option
from storyboard.cli.output import CommandOutput, Exit, paint, print_result, problem
from storyboard.cli.project import Project, read_project, require_valid
from storyboard.cli.project_root import find_file, find_root
from storyboard.core.clip import ClipInfo
from storyboard.core.compare import Version, compare
from storyboard.core.plan import TakeResult
from storyboard.engine.project_store import ProjectStore
from storyboard.engine.versions import StoryboardVersion, footage_facts, plan_between, plan_from_lockfile
from storyboard.report.diff import Between, diff_data, diff_markdown, diff_text
from storyboard.store.lockfile import Lockfile

HERE = "working tree"


@click.command("diff", epilog="Example: storyboard diff main...HEAD --format markdown")
@click.argument("revision", metavar="[REV[..REV]]", required=False)
@click.argument(
    "path",
    metavar="[STORYBOARD]",
    type=click.Path(path_type=Path),
    required=False,
    shell_complete=completes("storyboards"),
)
@provider_option
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "markdown"]),
    default="text",
    help="Output format; Markdown as GitHub reads it.",
)
@json_option
def command(revision: str | None, path: Path | None, provider: str | None, form: str, as_json: bool) -> None:
    """Show what changed between two versions of the film, and the cost to get from one to the other.

    REV compares a commit with the working tree, HEAD by default; A..B two commits; A...B the merge base of A and B
    with B. Read-only, no network requests.
    """
    output = CommandOutput("diff", as_json=as_json)
    if revision is not None and path is None and Path(revision).exists():
        path, revision = Path(revision), None
    between = _compare_versions(output, revision, path or Path(), provider)
    if form == "markdown" and not as_json:
        print_result(diff_markdown(between))
        return
    next_commands = ["storyboard plan", "storyboard build"] if between.plan.cost() or between.elsewhere else []
    output.result(diff_text(between, paint), diff_data(between), next_commands=next_commands)


def _compare_versions(output: CommandOutput, revision: str | None, path: Path, provider: str | None) -> Between:
    project = read_project(path, provider)
    file = find_file(path)
    with open_history(output, project, file.relative_to(find_root(file)).as_posix(), provider) as past:
        old_name, new_name = _parse_revisions(past, revision)
        new = _read_version(output, past, new_name) if new_name else _working_version(output, project)
        old = _read_version(output, past, old_name, before=new)
    with ProjectStore(project.state(), new.storyboard, new.lockfile, writable=False) as store:
        plan = plan_between(store, project.cards, new, [old.lockfile])
        elsewhere = tuple(
            step.action.shot
            for step in plan.takes()
            if (digest := getattr(step.result, "digest", None)) and not store.blobs.path(digest).exists()
        )
        lengths = [_add_lengths(version, footage_facts(store, version)) for version in (old, new)]
    order = tuple(shot.id for shot in new.storyboard.shots())
    counts = len(list(old.storyboard.shots())), len(order)
    comparison = compare(*lengths)
    return Between((old_name, new_name or HERE), comparison, plan, counts, order, elsewhere)


def _parse_revisions(past: GitHistory, revision: str | None) -> tuple[str, str]:
    """Return the two revisions; the second is empty for the working tree."""
    if revision is None:
        return ("HEAD", "")
    if "..." in revision:
        old, new = (name or "HEAD" for name in revision.split("...", 1))
        base = past.git.run("merge-base", past.git.commit(old), past.git.commit(new)).strip()
        return (base[:12], new)
    if ".." in revision:
        old, new = (name or "HEAD" for name in revision.split("..", 1))
        return (old, new)
    return (revision, "")


def _working_version(output: CommandOutput, project: Project) -> StoryboardVersion:
    return working_version(output, project, require_valid(output, project))


def _read_version(
    output: CommandOutput, past: GitHistory, name: str, *, before: StoryboardVersion | None = None
) -> StoryboardVersion:
    """Return the version in a commit; an empty one, without shots, if *before* is newer than the storyboard."""
    read = past.at(past.git.commit(name))
    if read.written is not None:
        if read.error:
            output.warn("lockfile", f"{name}: {read.error}")
        return read.written
    if read.loaded is not None or before is None:
        code = Exit.STORYBOARD if read.loaded is not None else Exit.FAILED
        output.fail(
            code,
            [problem("revision", f"{name}: {read.error}", "name a commit whose storyboard passes `storyboard check`")],
        )
    return StoryboardVersion(msgspec.structs.replace(before.storyboard, scenes=()), Lockfile(), {})


def _add_lengths(written: StoryboardVersion, footage: Mapping[str, ClipInfo]) -> Version:
    """Return the version with the measured lengths of its *footage* and of the takes that its lockfile names."""
    steps = plan_from_lockfile(written).takes()
    takes = {step.action.shot: step.result.info for step in steps if isinstance(step.result, TakeResult)}
    return Version(written.storyboard, written.files, {**footage, **takes})
