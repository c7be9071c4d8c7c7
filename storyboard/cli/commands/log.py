"""``storyboard log``: the versions of a shot in git, each with the take that answered it."""

from itertools import islice
from pathlib import Path

import click

from storyboard.cli.history import HERE, ShotHistory, open_history, working_version
from storyboard.cli.options import WholeNumber, completes, json_option, provider_option, storyboard_argument
from storyboard.cli.output import CommandOutput
from storyboard.cli.project import read_project, require_valid
from storyboard.core.model import FOOTAGE, maker_of
from storyboard.core.plan import LockEntry
from storyboard.core.shot_history import ShotVersion
from storyboard.engine.project_store import ProjectStore
from storyboard.report.log import Answer, LogEntry, log_data, log_text


@click.command("log", epilog="Example: storyboard log glide -n 3")
@click.argument("shot", metavar="SHOT", shell_complete=completes("shots"))
@storyboard_argument
@click.option("-n", "--max-count", type=WholeNumber(1), default=20, show_default=True, help="Show at most this many.")
@provider_option
@json_option
def command(shot: str, path: Path, max_count: int, provider: str | None, as_json: bool) -> None:
    """Show the versions of a shot in git: what changed in its request, and the take of each version.

    Follows renames. Read-only, no network requests.
    """
    output = CommandOutput("log", as_json=as_json)
    project = read_project(path, provider)
    storyboard = require_valid(output, project)
    if shot not in {known.id for known in storyboard.shots()}:
        raise click.UsageError(f"no shot is called {shot!r}")
    here = working_version(output, project, storyboard)
    with (
        open_history(output, project, storyboard.file, provider) as past,
        ProjectStore(project.state(), storyboard, here.lockfile, writable=False) as store,
    ):
        line = ShotHistory(past, here, list(project.loaded.files))
        answers = _TakeAnswers(line, store)
        entries = [
            LogEntry(moment, line.commits.get(moment.id), answers.find(moment))
            for moment in islice(line.moments(shot, pictures=True), max_count)
        ]
        for error in past.errors():
            output.warn("revision", error)
    output.result(log_text(shot, entries), log_data(shot, entries), next_commands=[f"storyboard why {shot}"])


class _TakeAnswers:
    """The takes that the lockfiles of all versions name, by key."""

    def __init__(self, line: ShotHistory, store: ProjectStore) -> None:
        self._line = line
        self._store = store
        self._locked: dict[str, LockEntry] = {}
        self._unread = iter((HERE, *line.commits))

    def find(self, moment: ShotVersion) -> Answer:
        """Return the take that answered the request at *moment*: from that lockfile, any other, or the cache."""

        written = self._line.written(moment.id)
        maker = maker_of(written.storyboard.shot(moment.shot).source) if written is not None else ""
        if maker is None:
            return Answer("drawn")
        footage = maker == FOOTAGE
        step = self._line.step(moment.id, moment.shot)
        if step is None or step.key is None:
            return Answer("none")
        entry = self._find_own(moment, step.key) or self._find_any(step.key)
        if entry is not None:
            here = self._store.blobs.path(entry.take).exists()
            return Answer("locked", entry.take, entry.seed, entry.cost, here)
        for record in self._store.records.find(step.key):
            return Answer("cached", record.digest, record.made.seed, record.made.cost, here=True, footage=footage)
        return Answer("none", footage=footage)

    def _find_own(self, moment: ShotVersion, key: str) -> LockEntry | None:
        written = self._line.written(moment.id)
        entries = written.lockfile.shots.get(moment.shot, {}) if written is not None else {}
        return next((entry for entry in entries.values() if entry.key == key), None)

    def _find_any(self, key: str) -> LockEntry | None:
        """Return the newest lockfile entry for *key*, reading lockfiles until one is found."""
        while key not in self._locked:
            version = next(self._unread, None)
            if version is None:
                return None
            written = self._line.written(version)
            for entries in written.lockfile.shots.values() if written is not None else ():
                for entry in entries.values():
                    self._locked.setdefault(entry.key, entry)
        return self._locked[key]
