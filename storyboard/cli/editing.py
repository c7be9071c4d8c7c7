"""Edits of the storyboard's text in place: computed, checked by reading the result, then written in one step.

A file is left unchanged if the edit would touch other text, or if the file was changed since it was read.
"""

import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct

from storyboard.cli.open_session import plan_next_build
from storyboard.cli.output import CommandOutput, Exit, problem
from storyboard.cli.project import Project, read_project, require_valid
from storyboard.cli.project_root import display_path
from storyboard.core.model import Json, Storyboard
from storyboard.document.yaml.edit import CannotEdit, set_fields
from storyboard.durable import read_regular, write_atomic
from storyboard.report.text import clean


class Edit(Struct, frozen=True):
    """An edit of *file*, called *name* in the project, with its content *before* and *after*."""

    file: Path
    name: str
    before: bytes
    after: bytes

    @property
    def changes(self) -> bool:
        """Return whether the edit changes the content."""
        return self.before != self.after


def make_edit(output: CommandOutput, project: Project, shot: str, values: Mapping[str, Json]) -> Edit:
    """Return the edit that sets fields of *shot*, or removes them for ``None``. Ends the verb if it is impossible."""
    located = project.loaded.locate(shot)
    if located is None:
        raise KeyError(shot)
    name, place = located
    file = (project.root / name).resolve()
    before = read_regular(file)
    try:
        text = set_fields(before.decode("utf-8"), place, values)
    except CannotEdit as refused:
        output.fail(Exit.FAILED, [problem("cannot-edit", *_manual_edit(project, shot, file, refused))])
    except UnicodeDecodeError:
        output.fail(Exit.FAILED, [problem("cannot-edit", f"{display_path(file)} is not UTF-8 text")])
    return Edit(file, name, before, text.encode("utf-8"))


def _manual_edit(project: Project, shot: str, file: Path, refused: Exception) -> tuple[str, str]:
    span = project.loaded.place(shot)
    where = f"{display_path(file)}:{span.line}" if span is not None else display_path(file)
    lines = str(getattr(refused, "lines", ""))
    hint = f"write these lines into shot `{shot}` at {where}:\n\n{_indent(lines)}\n"
    return (
        f"{display_path(file)} was not changed: {refused}",
        hint if lines else f"edit shot `{shot}` at {where} by hand",
    )


def _indent(lines: str) -> str:
    return "\n".join(f"    {line}" for line in lines.splitlines())


def read_edited(
    output: CommandOutput, project: Project, edit: Edit, provider: str | None
) -> tuple[Project, Storyboard]:
    """Return the project as *edit* will leave it. Ends the verb if that has errors."""
    changed = read_project(project.named, provider, (edit.name, edit.after), settings=project.settings)
    # the warnings were printed when the file was first read
    again = CommandOutput(output.command, as_json=output.as_json, quiet=output.quiet)
    return changed, require_valid(again, changed, again=True)


def write_edit(output: CommandOutput, edit: Edit) -> None:
    """Write the new content atomically. Ends the verb if the file has changed since it was read.

    Raises ``OSError``.
    """
    if not edit.changes:
        return
    if read_regular(edit.file) != edit.before:
        text = f"{display_path(edit.file)} was changed by another program and was not written"
        output.fail(Exit.FAILED, [problem("file-changed", text, "run the command again")])
    write_atomic(edit.file, edit.after, stat.S_IMODE(edit.file.stat().st_mode))


def write_hold(
    output: CommandOutput,
    project: Project,
    provider: str | None,
    shot: str,
    edit: Edit,
    said: str,
    data: dict[str, Any],
) -> None:
    """Write an edit of the field ``hold`` and print what the next build does."""
    changed, storyboard = read_edited(output, project, edit, provider)
    write_edit(output, edit)
    plan, then = plan_next_build(output, changed, storyboard)
    held = storyboard.shot(shot).hold
    unchanged = f"; {'already' if held else 'not'} held, nothing changed"
    wrote = f"; written into {clean(display_path(edit.file))}" if edit.changes else unchanged
    data |= {"shot": shot, "hold": held, "file": display_path(edit.file), "changed": edit.changes}
    next_commands = [] if plan.nothing_to_do() else ["storyboard plan", "storyboard build"]
    output.result(f"{shot}: {said}{wrote}\n{then}", data, next_commands=next_commands)
