"""``storyboard view``: open the film or a take in a player."""

import os
import shlex
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NoReturn

import click
from msgspec import Struct

from storyboard.cli.open_session import open_session
from storyboard.cli.options import completes, json_option, split_words
from storyboard.cli.output import CommandOutput, Exit, problem
from storyboard.cli.project import read_project, require_valid
from storyboard.cli.project_root import display_path
from storyboard.cli.usage import Misuse
from storyboard.core.model import Generated, Output, Shot, Still, Storyboard, TitleCard, maker_of
from storyboard.core.plan import TakeResult
from storyboard.core.suggest import closest, suggestion
from storyboard.engine.generators import LOCAL
from storyboard.engine.session import BuildOptions, Session
from storyboard.engine.take_links import own_link
from storyboard.engine.takes import ShotTakes
from storyboard.operating_system import has_display, open_document
from storyboard.report.takes import ways_to_name
from storyboard.report.text import clean

VIEWER = "STORYBOARD_VIEWER"


class ViewedFile(Struct, frozen=True):
    """A film or take to view; *kind* is ``film``, ``draft`` or ``take``."""

    path: Path
    kind: str
    shot: str | None = None
    take: str | None = None


@click.command("view", epilog="Example: storyboard view glide")
@click.argument("words", metavar="[SHOT [TAKE] | FILM] [STORYBOARD]", nargs=-1, shell_complete=completes("viewed"))
@click.option("--draft", is_flag=True, help="View the draft, even if there is a final film.")
@click.option("--path", "as_path", is_flag=True, help="Print the path of the file, and open nothing.")
@json_option
def command(words: tuple[str, ...], draft: bool, as_path: bool, as_json: bool) -> None:
    """Open the film in a player: the final film, else the draft. With SHOT its take, with FILM one of several films.

    TAKE is `#2` as in `storyboard takes`, `seed:7`, or the beginning of a digest. STORYBOARD_VIEWER names the player;
    else the system opens the file. Over ssh and without a display the path is printed.
    """
    output = CommandOutput("view", as_json=as_json)
    path, names = split_words(words)
    project = read_project(path)
    storyboard = require_valid(output, project)
    with open_session(output, project, storyboard, BuildOptions()) as session:
        found = _find(output, session, names, draft=draft)
    reason = "" if as_path else open_file(found.path)
    shown = display_path(found.path)
    data = {"file": shown, "kind": found.kind, "shot": found.shot, "take": found.take}
    if reason:
        output.progress(f"{reason}; its path is printed")
    is_opened = not as_path and not reason
    output.result(clean(f"opened {shown}" if is_opened else shown), data | {"opened": is_opened})


def open_file(file: Path) -> str:
    """Open *file*, an absolute path, in a player; return the reason, a clause, why that failed, empty if it did not.

    A player that STORYBOARD_VIEWER names runs until it ends; raises ``click.UsageError`` if it cannot be started. The
    program of the system runs on.
    """
    if os.environ.get(VIEWER):
        return _run_viewer(VIEWER, file)
    if not has_display():
        return "nothing is opened over ssh or without a display"
    if open_document(os.fspath(file)):
        return ""
    if os.environ.get("BROWSER"):
        return _run_viewer("BROWSER", file)
    return f"no program for {file.suffix} files was found; name a player in {VIEWER}"


def _run_viewer(variable: str, file: Path) -> str:
    """Run the command in *variable* with *file* in place of ``%s``, or at its end. Return why it failed."""
    try:
        command = shlex.split(os.environ[variable])
    except ValueError as bad:
        raise Misuse(f"{variable} is no command: {str(bad).lower()}", f"write `{variable}=mpv`") from bad
    program = shutil.which(command[0]) if command else None
    if program is None:
        raise Misuse(f"{variable} names no program that is there", f"write a player, such as `{variable}=mpv`")
    words = [word.replace("%s", os.fspath(file)) for word in command[1:]]
    words += [] if any("%s" in word for word in command[1:]) else [os.fspath(file)]
    code = subprocess.run([program, *words], check=False).returncode  # noqa: S603 - a list of words, no shell
    return f"{command[0]} ended with exit code {code}" if code else ""


def _find(output: CommandOutput, session: Session, names: Sequence[str], *, draft: bool) -> ViewedFile:
    storyboard = session.storyboard
    if len(names) > 2:
        raise Misuse("one film or one take is viewed at a time", "write a shot, or a shot and a take")
    shots = {shot.id: shot for shot in storyboard.shots()}
    films = {name: one for one in storyboard.outputs for name in (one.name, one.file, Path(one.file).stem) if name}
    if not names:
        return _find_film(output, session, storyboard.output, draft=draft)
    if names[0] in shots:
        return _find_take(output, session, shots[names[0]], names[1:], draft=draft)
    if names[0] in films and len(names) == 1:
        return _find_film(output, session, films[names[0]], draft=draft)
    near = closest(names[0], [*shots, *films])
    hint = "`storyboard ls` lists the shots" if near is None else suggestion(near)
    raise Misuse(f"no shot or film is called {names[0]!r}", hint)


def _find_film(output: CommandOutput, session: Session, film: Output, *, draft: bool) -> ViewedFile:
    """Return the file of *film* that exists. Ends the verb if there is none."""
    root, final, drawn = session.store.root, film.written.final, film.written.draft
    places = [(drawn.film, "draft")] if draft else [(final.film, "film"), (drawn.film, "draft")]
    found = [ViewedFile(root / name, kind) for name, kind in places if (root / name).is_file()]
    if not found:
        command = "storyboard build --draft" if draft else "storyboard build"
        _fail_not_made(output, f"there is no film at {display_path(root / places[0][0])}", command)
    if len(found) > 1 and found[1].path.stat().st_mtime > found[0].path.stat().st_mtime:
        output.progress("the draft is newer: `storyboard view --draft` opens it")
    return found[0]


def _find_take(output: CommandOutput, session: Session, shot: Shot, names: Sequence[str], *, draft: bool) -> ViewedFile:
    """Return the take in the film, or the one that *names* mean. Ends the verb if it is missing."""
    if isinstance(shot.source, Still | TitleCard):
        kind = "a still" if isinstance(shot.source, Still) else "a title card"
        raise Misuse(f"shot {shot.id!r} is {kind} and has no take", "run `storyboard view` to open the film")
    digests = _named_take(session, shot, names[0]) if names else _takes_in_use(session, shot, draft=draft)
    there = [digest for digest in digests if session.store.blobs.path(digest).is_file()]
    if not there:
        missing = "no take yet" if not digests else "no such take in this cache"
        command = f"storyboard build {shot.id}"
        _fail_not_made(output, f"{shot.id} has {missing}", f"{command} --draft" if draft else command)
    return ViewedFile(_place(session, there[0]), "take", shot.id, there[0])


def _named_take(session: Session, shot: Shot, text: str) -> list[str]:
    """Return the digest of the take that *text* means. Raises ``click.UsageError`` unless it is one."""
    is_generated = isinstance(shot.source, Generated) and not shot.skip
    takes = ShotTakes(session, shot.id).named(text).takes if is_generated else ()
    if len(takes) != 1:
        which = "several takes" if takes else "no take"
        hint = (
            f"write one of {ways_to_name(text, takes)}" if takes else f"run `storyboard takes {shot.id}` to list them"
        )
        raise Misuse(f"{text!r} names {which} of {shot.id}", hint)
    return [takes[0].digest]


def _takes_in_use(session: Session, shot: Shot, *, draft: bool) -> list[str]:
    """Return the digests of the take in the film and of those of other providers; with *draft* of the drawn one."""
    entries = session.store.lockfile.content.shots.get(shot.id, {})
    if draft:
        return [entries[LOCAL].take] if LOCAL in entries else []
    planned = [step.result for step in session.plan().takes() if step.action.shot == shot.id]
    digests = [result.digest for result in planned if isinstance(result, TakeResult)]
    own = session.store.locked(shot.id, maker_of(shot.source) or "")
    return [*digests, *([own.take] if own is not None else []), *(entry.take for entry in entries.values())]


def _place(session: Session, digest: str) -> Path:
    """Return the path of a take: of its link next to a film, whose name tells its kind, else in the cache."""
    store = session.store
    for name in _link_folders(session.storyboard):
        folder = store.root / name
        for link in sorted(folder.glob("*.mp4")) if folder.is_dir() else ():
            if (own_link(store, link) or "").endswith(digest):
                return link
    return store.blob_path(digest)


def _link_folders(storyboard: Storyboard) -> Iterator[str]:
    files = storyboard.output.written
    return (film.links for film in (files.final, files.draft))


def _fail_not_made(output: CommandOutput, message: str, command: str) -> NoReturn:
    free = "" if "--draft" in command else f", or `{command} --draft` for a free animatic"
    next_commands = [command] if "--draft" in command else [command, f"{command} --draft"]
    output.fail(Exit.FAILED, [problem("not-made", message, f"run `{command}`{free}")], next_commands=next_commands)
