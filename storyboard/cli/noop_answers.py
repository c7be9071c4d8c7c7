"""Leaves a note after a build that has left nothing to do, for ``standing`` to answer the next one."""

import os
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from msgspec import Struct

from storyboard.cli.output import CommandOutput, colored, envelope
from storyboard.cli.project import Project
from storyboard.cli.project_root import typed
from storyboard.cli.settings import cache_dir, settings_file
from storyboard.core.plan import Plan
from storyboard.fastpath.noop import DETAILS, JSON, NOTES, SECONDS, TEXT, question, shown, write
from storyboard.fastpath.noop_proof import look_at, prove_noop
from storyboard.fastpath.plan_cache import write_cached_plan
from storyboard.media.renderer_version import LIBRARIES
from storyboard.report.build_result import outcome_data, outcome_text
from storyboard.report.diagnostics import render
from storyboard.store.file_stamps import Look, Stamp, stamp_of

if TYPE_CHECKING:
    from storyboard.core.build_events import BuildResult
    from storyboard.engine.session import Session

# The program was loaded before anybody looked at a clock.
_LOADING_NS = 10_000_000_000


class NoopQuestion(Struct, frozen=True):
    """What this build was asked, how it is to be shown, and when (monotonic). Empty words are no command line's.

    *provider* is who is to make everything, if the words say so.
    """

    words: tuple[str, ...]
    asked: bytes
    shown: dict[str, bool]
    began: float
    provider: str | None

    @classmethod
    def now(cls, provider: str | None) -> "NoopQuestion":
        """To be called before anything is read."""
        words = click.get_current_context().find_object(tuple) or ()
        return cls(words, question(words), shown(words), time.monotonic(), provider)


def write_noop_note(
    asked: NoopQuestion, speaker: CommandOutput, project: Project, session: "Session", outcome: "BuildResult"
) -> None:
    """Keep a note of what a build with the same words would say now, if it would find everything in place."""

    then = session.after(outcome) if asked.words and _is_meant(asked, speaker) else None
    if then is None:
        return
    read: dict[str, Look] = {path: (stamp_of(looks), digest) for path, (looks, digest) in project.read.items()}
    inputs = [Path.cwd() / project.named, *_inputs(project)]
    read |= _settings_look()
    looks = prove_noop(session, then.reused.values(), read, inputs, asked.began)
    program = _program_looks()
    if looks is None or program is None:
        return
    scenes = {name: scene for name, scene in project.loaded.scenes() if scene is not None}
    write_cached_plan(
        session, scenes, cache_dir(project.root), asked.provider, Plan(tuple(then.reused.values())), looks, program
    )
    looks.stamps |= program
    with suppress(OSError, OverflowError):
        write(os.fspath(session.workspace.state), asked.asked, looks, _answers(speaker, project, session, then))


def _settings_look() -> "dict[str, Look]":
    """How the settings look, which say where the cache is."""

    return dict([look_at(settings_file())])


def _is_meant(asked: NoopQuestion, speaker: CommandOutput) -> bool:
    """Whether the words and settings were understood as ``standing`` understands them."""
    return (speaker.as_json, speaker.quiet) == (asked.shown["json"], asked.shown["quiet"])


def _inputs(project: Project) -> Iterator[Path]:
    """The paths of all files that the film is made of."""
    yield from (project.root / name for name in project.loaded.files)
    if project.storyboard is not None:
        yield from (project.root / path for path in {file.path for file in project.storyboard.files()})


def _answers(speaker: CommandOutput, project: Project, session: "Session", then: "BuildResult") -> dict[str, str]:

    board = session.storyboard
    text, details = (outcome_text(then, board, SECONDS, typed, verbose=more) for more in (False, True))
    data: Any = outcome_data(then, board, SECONDS, typed)
    whole = envelope("build", ok=True, data=data, warnings=speaker.warnings)
    notes = render(project.findings, project.texts, color=colored(sys.stderr)) if project.findings else ""
    return {TEXT: text, DETAILS: details, JSON: whole, NOTES: notes}


def _program_looks() -> "dict[str, Stamp] | None":
    """How the program itself and the libraries whose versions count look; ``None`` if they have changed just now."""

    stamps = {}
    for path in {os.fspath(path) for path in _program()}:
        found = os.lstat(path)
        if found.st_ctime_ns > time.time_ns() - _LOADING_NS:
            return None
        stamps[path] = stamp_of(found)
    return stamps


def _program() -> Iterator[Path]:

    package = Path(__file__).resolve().parents[1]
    for folder, names, files in os.walk(package):
        names[:] = [name for name in names if name != "__pycache__"]
        yield Path(folder)
        yield from (Path(folder, name) for name in files)
    yield from (path for path in (package.parent / "schemas").glob("*.json"))
    for library in LIBRARIES:
        with suppress(PackageNotFoundError):
            files_of = distribution(library)
            yield Path(str(files_of.locate_file("")))
            yield from (Path(str(f.locate())) for f in files_of.files or () if f.name == "METADATA")
