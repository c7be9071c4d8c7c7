"""``storyboard why``: the reason of every shot and every step of a plan, field by field."""

from collections.abc import Iterator
from pathlib import Path

import click

from storyboard.animatic.request import read_prompts
from storyboard.cli.history import HERE, GitHistory, ShotHistory
from storyboard.cli.open_session import open_session
from storyboard.cli.options import completes, json_option, provider_name, provider_option, storyboard_argument
from storyboard.cli.output import CommandOutput
from storyboard.cli.project import Project, read_project, require_valid
from storyboard.cli.project_root import display_path
from storyboard.cli.usage import Misuse
from storyboard.core.graph import Action, cut_id, links, sound_id, take_id
from storyboard.core.keys import Request
from storyboard.core.model import Generated, Shot, Storyboard
from storyboard.core.plan import Plan, Step, TakeResult
from storyboard.core.reason import Change, Reason
from storyboard.core.reason import changes as changes_between
from storyboard.core.results import Provenance
from storyboard.core.selection import downstream
from storyboard.core.shot_history import ShotVersion
from storyboard.core.suggest import closest, suggestion
from storyboard.engine.session import BuildOptions, Session
from storyboard.engine.versions import StoryboardVersion
from storyboard.report.plan import is_empty_segment
from storyboard.report.reason import take_name
from storyboard.report.sound import sound_changes, sound_parts
from storyboard.report.why import Cause, Part, Story, part_data, part_text, request_lines, why_data, why_text
from storyboard.store.git import Git, GitProblem


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


@click.command("why", epilog="Example: storyboard why skiff examples/mangrove")
@click.argument("name", metavar="SHOT|STEP|FILM", shell_complete=completes("shots"))
@storyboard_argument
@provider_option
@json_option
def command(name: str, path: Path, provider: str | None, as_json: bool) -> None:
    """Explain a shot, a step of the plan or a film: the values before and after, since which commit, and what follows.

    A step is named as in `plan -v`: `segment:glide`, `transition:glide`, `glide#97986`, `frame:glide@last`, `sound`,
    `cut/tall`. A film is named by its path. If nothing has to be made, shows what the result was made from. Read-only,
    no network requests.
    """
    output = CommandOutput("why", as_json=as_json)
    project = read_project(path, provider_name(provider, draft=False))
    storyboard = require_valid(output, project)
    with open_session(output, project, storyboard, BuildOptions()) as session:
        plan = session.plan()
        shots = {shot.id: shot for shot in storyboard.shots()}
        step = _step_of_shot(plan, shots[name]) if name in shots else _step_named(session, plan, name)
        if name in shots or step.action.kind == "take":
            story = _story(project, session, step, provider)
            text, data = why_text(story), why_data(story)
            after = [f"storyboard log {step.action.shot}"]
        else:
            part = _part(project, session, step)
            text, data, after = part_text(part), part_data(part), []
    next_commands = ["storyboard plan", "storyboard build"] if step.do in ("make", "wait", "resume") else []
    output.result(text, data, next_commands=[*next_commands, *after])


def _step_of_shot(plan: Plan, shot: Shot) -> Step:
    """Return the step of the take of a shot, else of its body in the first film; of a skipped shot one that skips."""
    body = next((step for step in plan.of("segment") if (step.action.shot, step.action.at) == (shot.id, "")), None)
    take = next((step for step in plan.takes() if step.action.shot == shot.id), body)
    return take if take is not None else Step(Action(take_id(shot.id), "take", shot.id), "skip", Reason("skipped"))


def _step_named(session: Session, plan: Plan, name: str) -> Step:
    """Return the step of the action or the film called *name*. Raises ``click.UsageError``."""
    steps = {step.action.id: step for step in plan.steps}
    names = _names_of_steps(session, plan)
    found = steps.get(names.get(name, name))
    if found is not None:
        return found
    films = {path: cut.action.id for cut in plan.of("cut") for path in _paths(session, cut)}
    written = display_path(Path(name))
    if written in films:
        return steps[films[written]]
    known = [*(shot.id for shot in session.storyboard.shots()), *steps, *names, *films]
    near = closest(name, known)
    hint = "`storyboard plan -v` lists the steps" if near is None else suggestion(near)
    raise Misuse(f"no shot, step or film is called {name!r}", hint)


def _names_of_steps(session: Session, plan: Plan) -> dict[str, str]:
    """Return other names of steps: alternate takes as plans print them, and the first of several films."""
    names = {take_name(step): step.action.id for step in plan.of("take")}
    first = session.storyboard.output.name
    return {"film": cut_id(first), "cut": cut_id(first), "sound": sound_id(first), **names}


def _paths(session: Session, cut: Step) -> list[str]:
    """Return the paths of a film that a user may type: that of the draft as well as the one that is set."""
    output = session.graph.films[cut.action.output].output
    root = session.store.root
    return [display_path(root / output.film), display_path(root / output.file), output.film, output.file]


def _story(project: Project, session: Session, step: Step, provider: str | None) -> Story:
    plan, shot = session.plan(), step.action.shot
    steps = {taken.action.shot: taken for taken in plan.takes()}
    made, request = _provenance(session, step)
    is_main = step.action.seed is None
    pieces = [one for one in plan.of("segment") if one.action.shot == shot and not is_empty_segment(one)]
    is_take = step.action.kind == "take"
    return Story(
        step=step,
        causes=list(_causes(project, session, step, provider) if is_take else _causes_of_part(project, step)),
        pieces=[_part(project, session, one) for one in pieces] if is_main else [],
        upstream=list(_upstream(steps, step, session.storyboard)) if is_take else [],
        follows=_followers(session, plan, shot, step) if is_main and is_take else [],
        made=made,
        request=request,
        reading=read_prompts([session.storyboard.shot(shot)]).get(shot),
    )


def _part(project: Project, session: Session, step: Step) -> Part:
    """Return a step of a film or of a frame with its causes, and with its content if nothing has to be made."""
    causes = list(_causes_of_part(project, step))
    if step.action.kind == "sound":
        names = _names(session, session.plan())
        if not causes and step.do == "make":
            before = session.store.sound_of_film(session.graph.films[step.action.output].output.film)
            causes = [Cause(change, None, None, None) for change in sound_changes(step, before, names)]
        return Part(step, causes, sound_parts(step, names) if step.do == "reuse" else ())
    if step.do != "reuse" or step.request is None or step.action.kind == "cut":
        return Part(step, causes)
    return Part(step, causes, ["made from:", *(f"  {line}" for line in request_lines(step.request))])


def _causes_of_part(project: Project, step: Step) -> Iterator[Cause]:
    """Yield the changed fields of a step that is made of takes, each with its place in the storyboard."""
    for change in step.reason.changes:
        shot, field = change.of or step.action.shot, change.field.partition(".")[0].partition(" ")[0]
        yield Cause(change, project.place(shot, field) if shot else None, None, None)


def _causes(project: Project, session: Session, step: Step, provider: str | None) -> Iterator[Cause]:
    """Yield the changed fields, each with its place and, in a git repository, its commit."""
    changes, shot, storyboard = step.reason.changes, step.action.shot, session.storyboard
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
        return None, step.request if step.action.kind == "segment" else None
    for kept in session.store.find(step.key):
        if kept.digest == found.digest:
            return kept.made, kept.request or step.request
    return None, None
