"""The storyboard of a command, read and checked; paths in findings are as the user would type them.

Its sounds and clips are measured, its pictures decoded and its fonts tried once for each content, and what was found
is remembered by digest.
"""

import hashlib
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from fractions import Fraction
from functools import cached_property, partial
from hashlib import sha256
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import click
from msgspec import Struct, structs

from storyboard.cli.output import CommandOutput, Exit, is_colored, print_note, problem, readable, terminal_width
from storyboard.cli.process import GcPause
from storyboard.cli.project_root import NAMES, STORYBOARD, display_path, find_file, find_root, state_of, storyboard_at
from storyboard.cli.settings import Settings
from storyboard.core.diagnostics import Diagnostic, Severity, Span, warning
from storyboard.core.file_signatures import MAX_PICTURE, FileKind
from storyboard.core.lockfile_plan import BoughtTake, Entries, LockedLengths
from storyboard.core.model import Storyboard, lockfile_path
from storyboard.core.model_cards import ModelCard
from storyboard.core.suggest import quoted
from storyboard.document.load import Loaded, load
from storyboard.document.project_files import DiskFiles, OverlayFiles, ProjectFiles
from storyboard.durable import open_regular, real_folder
from storyboard.fonts import font_problem
from storyboard.operating_system import read_at
from storyboard.pictures import PictureFacts, picture_facts
from storyboard.providers import models
from storyboard.report.diagnostics import as_data, render
from storyboard.store.state import FOLDER, State, StateRefused
from storyboard.store.written_files import WrittenFiles

if TYPE_CHECKING:
    from storyboard.fastpath.plan_cache import CachedPlan
    from storyboard.fonts.installed import InstalledFonts
    from storyboard.store.digest_cache import DigestCache

    # Arguments: the project's root, the storyboard's file, the provider of the command line, the cache folder.
    PlanReader = Callable[[Path, Path, str | None, Path | None], CachedPlan | None]


class Project(Struct, frozen=True):
    """A storyboard that was read, with its findings; ``storyboard`` is ``None`` if errors prevent it.

    ``named`` is the path on the command line; ``read`` has the stat result and the sha256 of each file as it was read;
    ``known`` is the cached plan, if it was asked for.
    """

    root: Path
    storyboard: Storyboard | None
    cards: dict[str, ModelCard]
    findings: list[Diagnostic]
    texts: Mapping[str, str]
    files: list[str]
    loaded: Loaded
    named: Path
    read: Mapping[str, tuple[os.stat_result, str]]
    settings: Settings
    known: "CachedPlan | None" = None

    @property
    def argument(self) -> str:
        """The storyboard as it is named on a command line; empty for the one that is found without a name."""
        name = self.files[0] if self.files else STORYBOARD
        if self.named == Path() or name in NAMES:
            return ""
        folder, _, file = name.rpartition("/")
        return folder if folder and file in NAMES else name

    def state(self) -> State:
        """Return the project's state folders. Raises ``StateRefused``, ``click.UsageError`` and ``OSError``."""
        return state_of(self.root, self.settings)

    def place(self, shot: str, field: str | None = None) -> Span | None:
        """Return the place of a shot or of one of its fields, its file as the user would type it."""
        span = self.loaded.place(shot, field)
        return structs.replace(span, file=display_path(self.root / span.file)) if span is not None else None


def read_project(
    path: Path,
    provider: str | None = None,
    changed: tuple[str, bytes] | None = None,
    *,
    settings: Settings | None = None,
    recall: "PlanReader | None" = None,
    remember: bool = False,
) -> Project:
    """Read and check a storyboard. Raises ``click.UsageError`` if there is none.

    *changed* is a file of the project and what it would hold: the storyboard is read as if it did already. *settings*
    are read anew unless given. With *recall* scenes that it knows are not read, and nothing in them can be located.
    With *remember* the facts of sounds, clips, pictures and fonts are written to the project's state.
    """
    file = find_file(path)
    root = find_root(file)
    name = file.relative_to(root).as_posix()
    if readable(name) != name:
        raise click.UsageError(f"{readable(str(path))}: its name is not UTF-8; rename it")
    settings = settings or Settings()
    with GcPause(), ExaminedFiles(root, settings, writable=remember) as examined:
        disk = DiskFiles(
            root,
            measure=examined.length,
            examine_picture=examined.picture,
            examine_font=examined.font_problem,
            unwritten=examined.unwritten,
            find_writer=_Writers(root),
        )
        files: ProjectFiles = disk if changed is None else OverlayFiles(disk, *changed)
        known = recall(root, file, provider, settings.cache_dir(root)) if recall is not None else None
        take_length = _locked_lengths(root, name, settings)
        loaded = load(
            name,
            files,
            models.cards(),
            provider=provider,
            known=known,
            take_length=take_length,
            installed=_installed,
        )
    names = {name: display_path(root / name) for name in loaded.files}
    return Project(
        root=root,
        storyboard=loaded.storyboard,
        cards=dict(models.cards()),
        findings=[*_link_findings(path, file), *(_rename_files(finding, names) for finding in loaded.findings)],
        texts=_RenamedTexts(loaded.texts, {shown: name for name, shown in names.items()}),
        files=list(names.values()),
        loaded=loaded,
        named=path,
        read=disk.read_files,
        settings=settings,
        known=known,
    )


def _locked_lengths(root: Path, name: str, settings: Settings) -> LockedLengths:
    """Return the lengths of takes by the lockfile of the storyboard *name*; a file that cannot be read names none."""

    def read_entries() -> Entries:
        from storyboard.store.lockfile import LockfileProblem, read

        try:
            return read(root / lockfile_path(name)).shots
        except (LockfileProblem, OSError):  # a verb that needs the lockfile reports this
            return {}

    def bought_takes() -> list[BoughtTake]:
        from storyboard.store.ledger import Ledger

        try:
            folder = state_of(root, settings).folder if os.path.lexists(root / FOLDER) else None
            entries = Ledger(folder / "ledger.jsonl").entries() if folder is not None else []
        except (StateRefused, click.UsageError, OSError):
            return []
        failed = {entry.task_id for entry in entries if entry.failed or entry.event == "released"}
        return [BoughtTake(entry.shot, entry.key, entry.seconds) for entry in entries if entry.task_id not in failed]

    def digest_of(path: str) -> str | None:
        try:
            with os.fdopen(open_regular(root / path, follow=True), "rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest()
        except OSError:
            return None

    return LockedLengths(read_entries, bought_takes, digest_of)


def _link_findings(path: Path, file: Path) -> Iterator[Diagnostic]:
    """Yield a warning if the storyboard at *path*, read from *file*, is a link."""
    named = storyboard_at(path)
    if named.is_symlink():
        link, target = quoted(display_path(named), 200), quoted(display_path(file), 200)
        message = f"{link} is a link to {target}: paths count from there, and the lockfile is there"
        yield warning("linked-storyboard", message, None, help=f"name {target} itself")


class _Writers:
    """The storyboards whose builds have written the films and captions of the project in *root*; read on demand."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def __call__(self, file: str) -> str | None:
        """Return the storyboard whose build has last written *file*, ``None`` if none has."""
        target = self._root / file
        with suppress(ValueError):
            path = (target.parent.resolve() / target.name).relative_to(self._root.resolve()).as_posix()
            found = self._files.find(path) if self._files is not None else None
            return found.storyboard if found is not None else None
        return None

    @cached_property
    def _files(self) -> WrittenFiles | None:
        try:
            with real_folder(self._root, FOLDER):
                return WrittenFiles(self._root / FOLDER, self._root, list, writable=False)
        except OSError:
            return None


def _installed() -> tuple[str, ...]:
    from storyboard.providers.base import known_providers  # reads what is installed, for an error only

    return ("local", *known_providers())


class _RenamedTexts(Mapping[str, str]):
    """Texts of files under the names that the user would type; a text is read on its first use."""

    def __init__(self, texts: Mapping[str, str], names: Mapping[str, str]) -> None:
        self._texts = texts
        self._names = names

    def __getitem__(self, name: str) -> str:
        return self._texts[self._names[name]]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


def require_valid(output: CommandOutput, project: Project, *, again: bool = False) -> Storyboard:
    """Print the warnings, unless *again*, and return the storyboard. Ends the verb with all findings on errors."""
    output.storyboard = project.argument
    report_findings(output, project.findings, project.texts, is_read=project.storyboard is not None, again=again)
    assert project.storyboard is not None  # noqa: S101
    return project.storyboard


def report_findings(
    output: CommandOutput,
    findings: Sequence[Diagnostic],
    texts: Mapping[str, str],
    *,
    is_read: bool,
    again: bool = False,
) -> None:
    """Print the warnings, unless *again*. Ends the verb with all findings on errors, and if not all *is_read*."""
    found = as_data(findings)
    errors = [data for data, finding in zip(found, findings, strict=True) if finding.severity is Severity.ERROR]
    output.warnings += [data for data in found if data not in errors]
    text = render(findings, texts, is_colored(sys.stderr), terminal_width(sys.stderr)) if findings else ""
    if not is_read or errors:
        lines = errors or [problem("unreadable", "the storyboard cannot be read")]
        explained = [f"storyboard --explain {lines[0]['code']}"]
        output.fail(Exit.STORYBOARD, lines, text=text, next_commands=["storyboard check", *explained])
    if text and not output.as_json and not again:
        print_note(text)


def _rename_files(finding: Diagnostic, names: dict[str, str]) -> Diagnostic:
    def here(span: Span | None) -> Any:
        return structs.replace(span, file=names.get(span.file, span.file)) if span is not None else None

    notes = tuple(structs.replace(label, span=here(label.span)) for label in finding.notes)
    return structs.replace(finding, span=here(finding.span), notes=notes)


# Raise these numbers when `media.length` and `fonts.font_problem` come to other results; the libraries, which take
# longest to load here, are not asked for them.
_MEASURE_VERSION = 1
_FONT_VERSION = 1


class ExaminedFiles:
    """Facts of files for ``DiskFiles``. PyAV and Pillow are loaded only for a content of which nothing is remembered.

    Facts and digests are remembered in ``.storyboard/index.sqlite`` of the project in *root*, if it has a state that
    can be used; they are only written there if *writable*. Use it in a ``with`` block.
    """

    def __init__(self, root: Path, settings: Settings, *, writable: bool) -> None:
        self._root = root
        self._settings = settings
        self._writable = writable
        self._opened = False
        self._cache: DigestCache | None = None
        self._fonts: InstalledFonts | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._cache is not None:
            self._cache.close()

    def picture(self, descriptor: int, path: str) -> PictureFacts:
        """Return the facts of an open picture. Raises ``OSError``."""
        cache = self._open_cache()
        if cache is None:
            data = _read(descriptor)
            return picture_facts(None, sha256(data).hexdigest(), lambda: data)
        return picture_facts(cache, cache.digest_of_open(path, descriptor), partial(_read, descriptor))

    def font_problem(self, descriptor: int, path: str) -> str:
        """Return the reason why an open font cannot be used, empty if it can. Raises ``OSError``."""
        return self._fact(descriptor, path, f"font {_FONT_VERSION}", lambda: font_problem(_read(descriptor)))

    def unwritten(self, letters: str) -> str:
        """Return those of *letters* that no font of this machine has."""
        from storyboard.fonts.installed import InstalledFonts

        if self._fonts is None:
            self._fonts = InstalledFonts(self._open_cache())
        return self._fonts.find(letters)[1]

    def length(self, descriptor: int, path: str, kind: FileKind) -> Fraction | None:
        """Return the seconds of an open sound or clip, ``None`` if not known. Raises ``OSError``."""
        known = self._fact(
            descriptor, path, f"{kind} {_MEASURE_VERSION}", lambda: str(_measure(descriptor, kind) or "")
        )
        with suppress(ValueError, ZeroDivisionError):
            return Fraction(known) if known else None
        return _measure(descriptor, kind)

    def _fact(self, descriptor: int, path: str, subject: str, examine: Callable[[], str]) -> str:
        """Return the fact about an open file, which *examine* finds where nothing is remembered. Raises ``OSError``."""
        cache = self._open_cache()
        if cache is None:
            return examine()
        digest = cache.digest_of_open(path, descriptor)
        known = cache.find_fact(digest, subject)
        if known is None:
            known = examine()
            cache.add_fact(digest, subject, known)
        return known

    def _open_cache(self) -> "DigestCache | None":
        """Return the digest cache, ``None`` if the project has no state, or one that is refused."""
        if not self._opened:
            self._opened = True
            if os.path.lexists(self._root / FOLDER):
                self._cache = self._find_cache()
        return self._cache

    def _find_cache(self) -> "DigestCache | None":
        from storyboard.store.digest_cache import DigestCache

        try:
            state = state_of(self._root, self._settings)
        except (StateRefused, click.UsageError, OSError):  # a verb that needs the state reports this
            return None
        return DigestCache(state.folder / "index.sqlite", time.time, writable=self._writable)


def _read(descriptor: int) -> bytes:
    return read_at(descriptor, min(os.fstat(descriptor).st_size, MAX_PICTURE), 0)


def _measure(descriptor: int, kind: FileKind) -> Fraction | None:
    from storyboard.media.length import media_length

    return media_length(descriptor, kind)
