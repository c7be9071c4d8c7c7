"""``storyboard why``: why a shot is made, field by field, or what the take in use was made from.

``storyboard why sound``: why the sound of a film is mixed, by shots and tracks.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import click

from storyboard.animatic.request import read_prompts
from storyboard.cli.history import HERE, GitHistory, ShotHistory
from storyboard.cli.open_session import open_session
from storyboard.cli.options import (
    completes,
    json_option,
    provider_name,
    provider_option,
    storyboard_argument,
    unknown_shot,
)
from storyboard.cli.output import CommandOutput
from storyboard.cli.project import Project, read_project, require_valid
from storyboard.core.graph import links
from storyboard.core.keys import Request
from storyboard.core.model import Generated, Shot, Still, Storyboard, TitleCard
from storyboard.core.plan import Plan, Step, TakeResult
from storyboard.core.reason import Change
from storyboard.core.reason import changes as changes_between
from storyboard.core.results import Provenance
from storyboard.core.selection import downstream
from storyboard.core.shot_history import ShotVersion
from storyboard.engine.session import BuildOptions, Session
from storyboard.engine.versions import StoryboardVersion
from storyboard.report.sound import why_sound_data, why_sound_text
from storyboard.report.why import Cause, Story, why_data, why_text
from storyboard.store.git import Git, GitProblem


def sound_named(session: Session, name: str) -> str | None:
    """Return the sound that *name* stands for, unless a shot has that name.

    `sound` is that of the first film, `sound/NAME` that of another.
    """
    shots = {shot.id for shot in session.storyboard.shots()}
    sounds = {film: found.id for film in session.graph.films if (found := session.graph.sound_of(film)) is not None}
    if name == "sound":
        name = next(iter(sounds.values()), "")
    return name if name in sounds.values() and name not in shots else None


def write_sound(output: CommandOutput, session: Session, sound: str) -> None:
    """Write why a sound is mixed."""
    plan = session.plan()
    step = next(step for step in plan.of("sound") if step.action.id == sound)
    film = session.graph.films[step.action.output].output.film
    before, names = session.store.sound_of_film(film), _names(session, plan)
    next_commands = ["storyboard plan", "storyboard build"] if step.do in ("make", "wait") else []
    output.result(why_sound_text(step, before, names), why_sound_data(step, before, names), next_commands=next_commands)


def _names(session: Session, plan: Plan) -> dict[str, list[str]]:
    """Return what can be heard by digest: a take under all shots in which it is heard, in their order."""
    made = {step.action.shot: step.result.digest for step in plan.takes() if isinstance(step.result, TakeResult)}
    names: dict[str, list[str]] = {}
    for shot in session.storyboard.shots():
        if shot.id in made and shot.audio.keep:
            names.setdefault(made[shot.id], []).append(shot.id)
    for track in session.storyboard.audio:
        names[session.files[track.file.path]] = [track.file.path]
    return names


_WRITTEN_AS = {"width": "size", "height": "size"}
_FOLLOWS = ("upstream-changes", "input-changed", "upstream-missing", "upstream-failed")


@click.command("why", epilog="Example: storyboard why expedition examples/mangrove")
@click.argument("shot", metavar="SHOT", shell_complete=completes("shots"))
@storyboard_argument
@provider_option
@json_option
def command(shot: str, path: Path, provider: str | None, as_json: bool) -> None:
    """Explain why a shot would be made: values before and after, since which commit, and which shots follow.

    If nothing has to be made, shows what the take in use was made from. `sound` stands for the sound of the film,
    unless a shot has that id; `sound/tall` for the sound of the film `tall`. Read-only, no network requests.
    """
    output = CommandOutput("why", as_json=as_json)
    project = read_project(path, provider_name(provider, draft=False))
    storyboard = require_valid(output, project)
    with open_session(output, project, storyboard, BuildOptions()) as session:
        sound = sound_named(session, shot)
        if sound is not None:
            write_sound(output, session, sound)
            return
        story = _story(project, storyboard, session, shot, provider)
    next_commands = ["storyboard plan", "storyboard build"] if story.step.do in ("make", "wait", "resume") else []
    output.result(why_text(story), why_data(story), next_commands=[*next_commands, f"storyboard log {shot}"])


def _story(project: Project, storyboard: Storyboard, session: Session, shot: str, provider: str | None) -> Story:
    plan = session.plan()
    steps = {step.action.shot: step for step in plan.takes()}
    if shot not in steps:
        known = [found.id for found in storyboard.shots()]
        _unknown(shot, known, _without_take(storyboard.shot(shot)) if shot in known else "")
    step = steps[shot]
    made, request = _provenance(session, step)
    return Story(
        step=step,
        causes=list(_causes(project, storyboard, session, step, provider)),
        upstream=list(_upstream(steps, step, storyboard)),
        follows=_followers(session, plan, shot, step),
        made=made,
        request=request,
        reading=read_prompts([storyboard.shot(shot)]).get(shot),
    )


def _without_take(shot: Shot) -> str:
    match shot.source:
        case Still():
            return "it is a still, which is rendered into the film"
        case TitleCard():
            return "it is a title card, which is rendered into the film"
    return "it is skipped, and no shot starts from it"


def _unknown(shot: str, known: list[str], reason: str) -> NoReturn:
    if reason:
        raise click.UsageError(f"shot {shot!r} has no take: {reason}")
    raise unknown_shot(shot, known)


def _causes(
    project: Project, storyboard: Storyboard, session: Session, step: Step, provider: str | None
) -> Iterator[Cause]:
    """Yield the changed fields, each with its place and, in a git repository, its commit."""
    changes, shot = step.reason.changes, step.action.shot
    if step.reason.why not in ("request-changed", "input-changed", "renderer-changed"):
        return
    line: ShotHistory | None = None
    moments: dict[str, ShotVersion] = {}
    try:
        with Git(project.root) as git:
            past = GitHistory(git, project, storyboard.file, provider)
            here = StoryboardVersion(storyboard, session.store.lockfile.content, session.files, session.converted)
            line = ShotHistory(past, here, list(project.loaded.files))
            changes = changes or _since_locked(line, session, step)
            moments = _since(line, shot, [_written_as(change) for change in changes])
    except GitProblem:
        line = None
    fields = [_written_as(change) for change in changes]
    for change, field in zip(changes, fields, strict=True):
        moment = moments.get(field)
        commit = line.commits.get(moment.id) if line is not None and moment is not None else None
        committed = None if moment is None else moment.id != HERE
        yield Cause(change, project.place(shot, field.partition(".")[0]), commit, committed)


def _written_as(change: Change) -> str:
    return _WRITTEN_AS.get(change.field, change.field)


def _since_locked(line: ShotHistory, session: Session, step: Step) -> tuple[Change, ...]:
    """Return the changes since the locked take, from git: the cache does not know the request of that take."""
    source = session.graph.shot(step.action.shot).source
    locked = session.store.locked(step.action.shot, source.provider) if isinstance(source, Generated) else None
    for commit in line.commits:
        then = line.step(commit, step.action.shot)
        if locked is not None and then is not None and then.key == locked.key:
            return changes_between(then.request or {}, step.request or {})
    return ()


def _since(line: ShotHistory, shot: str, fields: list[str]) -> dict[str, ShotVersion]:
    """Return the newest version in which each field got its value."""
    found: dict[str, ShotVersion] = {}
    wanted = set(fields)
    for moment in line.moments(shot):
        fields_then = {change.field.removesuffix(" content") for change in moment.changes}
        for field in wanted & fields_then:
            found[field] = moment
        wanted -= fields_then
        if not wanted:
            break
    return found


def _upstream(steps: dict[str, Step], step: Step, storyboard: Storyboard) -> Iterator[Step]:
    """Yield the steps that *step* waits for or takes a new picture from, nearest first, each once."""
    seen = {step.action.shot}
    waiting = [step] if step.reason.why in _FOLLOWS else []
    while waiting:
        here = waiting.pop(0)
        changed = {change.field for change in here.reason.changes}
        for field, link in links(storyboard.shot(here.action.shot)):
            above = steps[link.shot]
            if link.shot not in seen and (field in changed or link.shot in here.reason.shots):
                seen.add(link.shot)
                yield above
                if above.reason.why in _FOLLOWS:
                    waiting.append(above)


def _followers(session: Session, plan: Plan, shot: str, step: Step) -> list[Step]:
    """Return the steps of the shots that are made because this one is."""
    if step.do not in ("make", "wait", "resume"):
        return []
    below = downstream(session.graph, shot)
    return [after for after in plan.takes() if after.action.shot in below and after.do in ("wait", "make")]


def _provenance(session: Session, step: Step) -> tuple[Provenance | None, Request | None]:
    found = step.result
    if not isinstance(found, TakeResult) or step.key is None:
        return None, None
    for kept in session.store.find(step.key):
        if kept.digest == found.digest:
            return kept.made, kept.request or step.request
    return None, None
