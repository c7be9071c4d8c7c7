"""The answers of a build that would find nothing to do, rendered in every output mode for the no-op check."""

import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

import click
from msgspec import Struct

from storyboard.cli.output import CommandOutput, envelope, is_colored, paint, terminal_width
from storyboard.cli.project import Project
from storyboard.cli.project_root import display_path, is_scene, names_before
from storyboard.cli.settings import Settings
from storyboard.core.build_events import BuildResult
from storyboard.core.plan import Plan
from storyboard.engine.build import FinishedBuild
from storyboard.engine.session import Session
from storyboard.fastpath.noop import DETAILS, JSON, NOTES, SECONDS, TEXT, output_mode, question, write_note
from storyboard.fastpath.noop_proof import BuildInputs, look_at, program_stamps, prove_noop
from storyboard.fastpath.plan_cache import write_cached_plan
from storyboard.report.build_result import outcome_data, outcome_text
from storyboard.report.diagnostics import render
from storyboard.store.file_stamps import StatEntry


class NoopQuestion(Struct, frozen=True):
    """The question of this build, its output mode, and the monotonic time at which it was asked.

    *words* are empty without a command line. *provider* is the provider that they name. *settings* is how the settings
    file looks, ``None`` if it cannot be read.
    """

    words: tuple[str, ...]
    asked: bytes
    mode: dict[str, bool]
    began: float
    provider: str | None
    settings: tuple[str, StatEntry] | None

    @classmethod
    def now(cls, provider: str | None) -> Self:
        """Return the question of the current command. To be called before anything is read."""
        words = click.get_current_context().find_object(tuple) or ()
        began = time.monotonic()
        try:
            settings = look_at(Settings().file)
        except OSError:
            settings = None
        return cls(words, question(words), output_mode(words), began, provider, settings)


def write_noop_note(
    asked: NoopQuestion, output: CommandOutput, project: Project, build: FinishedBuild, warnings: Sequence[Any]
) -> None:
    """Write a note and a plan cache if a second build with the same words would find everything in place.

    *warnings* are those that a second build has too, as the envelope holds them.
    """
    is_answered = asked.words and _is_understood_alike(asked, output) and not any(map(is_scene, _word_paths(asked)))
    then = build.next_result() if is_answered else None
    if then is None or asked.settings is None:
        return
    plan = Plan(tuple(then.reused.values()))
    absent = [*names_before(project.named), *(path for path in _word_paths(asked) if not os.path.lexists(path))]
    inputs = BuildInputs(project.read, tuple(_input_paths(project)), tuple(absent), asked.settings, asked.began)
    stamps = prove_noop(build, plan.steps, inputs)
    program = program_stamps()
    if stamps is None or program is None:
        return
    scenes = {name: scene for name, scene in project.loaded.scene_entries() if scene is not None}
    write_cached_plan(build, scenes, project.settings.cache_dir(project.root), asked.provider, plan, stamps, program)
    stamps.stamps |= program
    with suppress(OSError, OverflowError):
        answers = _render_answers(warnings, project, build.session, then)
        write_note(os.fspath(build.session.store.folder), asked.asked, stamps, answers)


def _is_understood_alike(asked: NoopQuestion, output: CommandOutput) -> bool:
    """Return whether click and the no-op check agree on the output mode."""
    return (output.as_json, output.quiet) == (asked.mode["json"], asked.mode["quiet"])


def _word_paths(asked: NoopQuestion) -> Iterator[Path]:
    """Yield the paths that words of the command line would be, if there were such files."""
    return (Path.cwd() / word for word in asked.words[1:] if not word.startswith("-"))


def _input_paths(project: Project) -> Iterator[Path]:
    """Yield the storyboard as it was named, and the paths of all files that the film is made of."""
    yield Path.cwd() / project.named
    yield from (project.root / name for name in project.loaded.files)
    if project.storyboard is not None:
        yield from (project.root / path for path in {file.path for file in project.storyboard.files()})


def _render_answers(warnings: Sequence[Any], project: Project, session: Session, then: BuildResult) -> dict[str, str]:
    board = session.storyboard
    text, details = (
        outcome_text(then, board, SECONDS, display_path, paint, verbose=verbose) for verbose in (False, True)
    )
    data = outcome_data(then, board, SECONDS, display_path)
    whole = envelope("build", ok=True, data=data, warnings=warnings)
    width = terminal_width(sys.stderr)
    notes = render(project.findings, project.texts, is_colored(sys.stderr), width) if project.findings else ""
    return {TEXT: text, DETAILS: details, JSON: whole, NOTES: notes}
