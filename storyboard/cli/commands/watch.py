"""``storyboard watch``: rebuild what is free on every save."""

import os
import threading
import time
from pathlib import Path

import click

from storyboard.cli.build_run import build_free
from storyboard.cli.commands.build import print_build
from storyboard.cli.commands.view import open_file
from storyboard.cli.open_session import open_session, report_lock_owner
from storyboard.cli.options import jobs_option, quiet_option, storyboard_argument, verbose_option, worker_count
from storyboard.cli.output import CommandOutput, ExitWith, print_note
from storyboard.cli.process import GcPause
from storyboard.cli.project import Project, read_project, require_valid
from storyboard.cli.project_root import display_path, find_file
from storyboard.cli.settings import state_error
from storyboard.cli.watched_files import WatchedFiles, folders_of
from storyboard.core.build_events import BuildResult
from storyboard.core.model import Storyboard
from storyboard.engine.session import BuildOptions, Session
from storyboard.report.diagnostics import error_text
from storyboard.report.plan import summary
from storyboard.report.text import clean
from storyboard.store.state import StateRefused

# Changed files that are named; the others are counted.
_NAMED = 3
_SIGNALS = 128


@click.command("watch", epilog="Example: storyboard watch --open")
@storyboard_argument
@click.option("--open", "opens", is_flag=True, help="Open the film in a player, once, as `storyboard view` does.")
@jobs_option
@quiet_option
@verbose_option
def command(path: Path, opens: bool, jobs_count: int | None, quiet: bool, verbose: bool) -> None:
    """Rebuild what is free on every save: animatics, own footage, cards and the cut.

    Nothing is bought, resumed or downloaded from a provider: shots without a take are drawn, as by `build --fill
    animatic`, and the price of a paid build is printed. Mistakes are printed, and the next save tries again. Builds in
    other terminals run between its own. Ctrl-C ends it.
    """
    _Watch(find_file(path), worker_count(jobs_count), opens=opens, quiet=quiet, verbose=verbose).run()


class _Watch:
    """Builds of one storyboard, each after a change of its files."""

    def __init__(self, file: Path, jobs: int, *, opens: bool, quiet: bool, verbose: bool) -> None:
        self._file = file
        self._home = Path.cwd()
        self._jobs = jobs
        self._opens, self._quiet, self._verbose = opens, quiet, verbose
        self._files = WatchedFiles()
        self._files.keep([file])

    def run(self) -> None:
        """Build, then wait for a change, until Ctrl-C. Raises ``ExitWith`` if a signal ends a build."""
        self._round()
        self._report(clean(f"watching {display_path(self._file)} and the files that it names; Ctrl-C ends it"))
        while True:
            changed = self._files.wait()
            self._files.refresh()
            names = ", ".join(self._shown(file) for file in changed[:_NAMED])
            more = f" and {len(changed) - _NAMED} more" if len(changed) > _NAMED else ""
            self._report(f"\n{time.strftime('%H:%M:%S')}  {clean(names)}{more} changed")
            self._round()

    def _report(self, text: str) -> None:
        if not self._quiet:
            print_note(text)

    def _shown(self, file: Path) -> str:
        return str(file.relative_to(self._home)) if file.is_relative_to(self._home) else str(file)

    def _round(self) -> None:
        """Read the storyboard and build; print what is wrong. Raises ``ExitWith`` if a signal ends the build."""
        output = CommandOutput("watch", as_json=False, quiet=self._quiet)
        try:
            os.chdir(self._home)  # the folder may have been removed and made again
            project = read_project(self._file, remember=True)
            self._keep_files(project)
            self._build(output, project, require_valid(output, project))
        except ExitWith as ended:
            if ended.code > _SIGNALS:
                raise
        except StateRefused as refused:
            error = state_error(refused)
            print_note(error_text(error["message"], error["code"], help=error["help"]))
        except click.UsageError as wrong:
            print_note(error_text(wrong.format_message(), "usage"))
        except OSError as wrong:
            print_note(error_text(f"{wrong.filename or self._file}: {wrong.strerror or wrong}", "system"))

    def _keep_files(self, project: Project) -> None:
        """Watch the files that the storyboard is made of; one with errors also for files that it may lack."""
        files = {self._file, *(project.root / name for name in project.loaded.files)}
        if project.storyboard is None:
            self._files.keep({*files, *self._files.files()}, folders_of(project.root))
            return
        inputs = (project.root / file.path for file in project.storyboard.files())
        self._files.keep({*files, *inputs, self._lockfile(project, project.storyboard)})

    @staticmethod
    def _lockfile(project: Project, storyboard: Storyboard) -> Path:
        return project.root / storyboard.lockfile

    def _build(self, output: CommandOutput, project: Project, storyboard: Storyboard) -> None:
        began = time.monotonic()
        choices = BuildOptions(jobs=self._jobs, fill="animatic")
        with open_session(output, project, storyboard, choices, report_lock_owner) as session:
            session.fill_before("animatic")
            with GcPause():
                plan = session.plan()
            outcome = build_free(output, session, plan, verbose=self._verbose).result
            # what this build has written there is no change
            self._files.keep(self._files.files(), anew=(self._lockfile(project, storyboard),))
            self._open_film(session, outcome)
            if not outcome.stopped_by:
                self._print_price(output, project, storyboard)
            print_build(output, session, storyboard, outcome, time.monotonic() - began, verbose=self._verbose)

    def _print_price(self, output: CommandOutput, project: Project, storyboard: Storyboard) -> None:
        """Print what a build by the storyboard's providers would make and cost, if it costs anything."""
        with open_session(output, project, storyboard, BuildOptions()) as session:
            plan = session.plan()
        if plan.cost_at_most():
            self._report(f"a paid build: {summary(plan, storyboard)}; run `storyboard build` for it")

    def _open_film(self, session: Session, outcome: BuildResult) -> None:
        films = {film.name: Path(film.path) for film in outcome.films}
        film = films.get(session.storyboard.output.name)
        if self._opens and film is not None:
            self._opens = False
            # a player that the user has named runs until it is closed
            threading.Thread(target=self._open, args=(film,), daemon=True).start()

    def _open(self, film: Path) -> None:
        try:
            reason = open_file(film)
        except click.UsageError as wrong:
            reason = wrong.format_message()
        if reason:
            print_note(clean(reason))
