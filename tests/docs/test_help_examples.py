"""The example in the help of each verb does what it says, in one film of the examples."""

import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import click
import pytest

from storyboard.cli.main import VERBS, cli
from tests.docs.pages import Terminal
from tests.inside import at_work, run
from tests.project import HERE, Project
from tests.shops import shop

FILM = """\
scenes:
  - id: river
    shots:
      - {id: glide, prompt: a river at night, seed: 48281, takes: [48281, 97986, 613570, 335990]}
      - {id: skiff, prompt: a forest at dawn, seed: 4, first_frame: {shot: glide, at: last}}
"""
# What has to have happened before the example of a verb.
BEFORE: Mapping[str, Callable[[Project], object]] = {
    "accept": lambda project: project.edit("a river at night", "a wide river at night"),
    "release": lambda project: project.said("hold", "glide"),
    "diff": lambda project: project.git("checkout", "-q", "-b", "wide"),
}
WITHOUT_END = {"watch": "it runs until Ctrl-C; tests/cli/test_watch.py"}


def examples(command: click.Command, name: str = "") -> Iterator[tuple[str, str]]:
    """Yield each command with a help of its own, and its example."""
    if name:
        assert (command.epilog or "").startswith("Example: "), name
        yield name, (command.epilog or "").removeprefix("Example: ")
    if isinstance(command, click.Group):
        context = click.Context(command)
        for verb in command.list_commands(context):
            found = command.get_command(context, verb)
            assert found is not None
            yield from examples(found, f"{name} {verb}".strip())


EXAMPLES = dict(examples(cli))


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A built film in git, with the film of the examples, in small, in a folder of it."""
    folder = tmp_path_factory.mktemp("help") / "film"
    with shop(seconds_per_job=0) as server, at_work():
        project = Project(folder, FILM, server=server, repository=True)
        project.git("checkout", "-q", "-b", "main")
        shutil.copytree(HERE / "examples/mangrove", folder / "examples/mangrove")
        mangrove = folder / "examples/mangrove/storyboard.yaml"
        text = mangrove.read_text(encoding="utf-8").replace("size: 1280x720", "size: 64x36")
        mangrove.write_text(text.replace("duration: 8", "duration: 5\n  trim: {end: 0.2}"), encoding="utf-8")
        project.build()
        project.commit("First cut")
    return folder


@pytest.mark.parametrize("verb", [verb for verb in EXAMPLES if verb not in WITHOUT_END])
def test_the_example_of_a_verb_does_what_it_says(verb: str, template: Path, tmp_path: Path) -> None:
    folder = tmp_path / "film"
    shutil.copytree(template, folder, symlinks=True)
    with shop(seconds_per_job=0) as server, at_work(787169, 335991, 445966, 120583):
        project = Project(folder, None, server=server, repository=True)
        BEFORE.get(verb, lambda _: None)(project)
        printed = Terminal(project, tmp_path).run(EXAMPLES[verb])
    assert not printed or not printed[-1].startswith("exit "), (EXAMPLES[verb], printed)


def test_every_verb_has_an_example() -> None:
    assert {name.partition(" ")[0] for name in EXAMPLES} == set(VERBS)
    assert set(WITHOUT_END) < set(EXAMPLES)


@pytest.mark.parametrize("verb", VERBS)
def test_the_help_of_an_option_names_its_environment_variable(verb: str, tmp_path: Path) -> None:
    command = cli.get_command(click.Context(cli), verb)
    assert command is not None
    variables = {str(option.envvar) for option in command.params if option.envvar}
    shown = " ".join(run(tmp_path, {}, verb, "--help").out.split())
    assert {name for name in variables if f"[env var: {name}" not in shown} == set()
