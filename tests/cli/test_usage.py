"""A wrong command line is answered by one line and a hint, also for words that other tools use."""

import json
import os
import re
from pathlib import Path

import click
import pytest

from storyboard.cli.main import VERBS, cli
from storyboard.cli.usage import MEANINGS, OPTIONS
from tests.inside import run

WRONG = [
    "nonsense",
    "build --nonsense",
    "build -s",
    "build -j 0",
    "build --max-cost much",
    "build --draft --provider runware",
    "build nowhere.yaml",
    "cost one two",
    "takes",
    "models nothing",
    "completion tcsh",
    "cache nonsense",
    "graph --format svg",
    "drop",
]


@pytest.mark.parametrize("line", WRONG)
def test_a_wrong_command_line_is_one_line_and_one_hint(tmp_path: Path, line: str) -> None:
    ran = run(tmp_path, {}, *line.split())
    assert ran.code == 2
    assert ran.out == ""
    assert "Usage:" not in ran.err
    first, *rest = ran.err.splitlines()
    assert re.match("error: [^A-Z]", first), ran.err
    assert len(rest) <= 1, ran.err
    assert rest or ";" in first or "known" in first, ran.err
    assert all(one.startswith("  help: ") for one in rest)


@pytest.mark.parametrize("line", WRONG)
def test_a_wrong_command_line_is_one_envelope_under_json(tmp_path: Path, line: str) -> None:
    ran = run(tmp_path, {}, *line.split(), "--json")
    content = json.loads(ran.out)
    [error] = content["errors"]
    assert (ran.code, content["ok"], error["code"]) == (2, False, "usage")
    assert "\n" not in error["message"]
    assert "Did you mean" not in error["message"]
    assert content["next"]


def test_no_verb_prints_the_help_and_is_a_short_error_under_json(tmp_path: Path) -> None:
    assert "Commands:" in run(tmp_path, {}).err
    ran = run(tmp_path, {"STORYBOARD_JSON": "1"})
    [error] = json.loads(ran.out)["errors"]
    assert error["message"] == "`storyboard` needs a verb"


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ("open", "run `storyboard view`"),
        ("play glide", "run `storyboard view glide`"),
        ("list", "run `storyboard ls`"),
        ("live", "run `storyboard watch`"),
        ("build --watch", "run `storyboard watch`"),
        ("clean", "run `storyboard cache gc`"),
        ("render film.yaml", "run `storyboard build film.yaml`"),
        ("make", "run `storyboard build`"),
        ("run", "run `storyboard build`"),
        ("new film", "run `storyboard init film`"),
        ("validate", "run `storyboard check`"),
        ("Lint", "run `storyboard check`"),
        ("preview", "run `storyboard build --draft`"),
        ("export", "run `storyboard build`"),
        ("redo glide", "run `storyboard build --remake glide`"),
        ("version", "run `storyboard --version`"),
        ("-V", "run `storyboard --version`"),
        ("help", "run `storyboard --help`"),
        ("help build", "run `storyboard build --help`"),
        ("explain usage", "run `storyboard --explain usage`"),
        ("cache clean", "run `storyboard cache gc`"),
        ("build --dry-run", "run `storyboard plan`"),
        ("build -n", "run `storyboard plan`"),
        ("build --force", "write `--remake SHOT`"),
        ("build -f", "write `--remake SHOT`"),
        ("plan --scene river", "write `--select`"),
        ("cache gc --force", "write `--delete`"),
        ("build --budget 3", "write `--max-cost DOLLARS`"),
        ("build --maxcost 3", "did you mean `--max-cost`?"),
        ("biuld", "did you mean `build`?"),
        ("cache verfiy", "did you mean `cache verify`?"),
        ("--json build", "options stand after the verb: `storyboard build --json`"),
        ("film.yaml", "a verb stands first: `storyboard build film.yaml`"),
        ("takes", "write for example `storyboard takes glide`"),
    ],
)
def test_words_of_other_tools_are_answered_by_the_verb_or_option_here(tmp_path: Path, line: str, hint: str) -> None:
    ran = run(tmp_path, {}, *line.split())
    assert ran.code == 2
    assert f"  help: {hint}" in ran.err


def test_every_answer_to_a_word_of_another_tool_exists() -> None:
    context = click.Context(cli)
    words = [word for row in MEANINGS.values() for word in row.split()]
    assert len(words) == len(set(words))
    assert not set(words) & set(VERBS)
    for answer in MEANINGS:
        verb, *options = answer.split()
        command = cli if verb.startswith("-") else cli.get_command(context, verb)
        assert command is not None, answer
        options = [verb] if verb.startswith("-") else options
        options = [word for word in options if word != "animatic"]  # a value
        parameters = {name for one in command.params for name in one.opts} | {"--help"}
        verbs = list(command.commands) if isinstance(command, click.Group) else []
        assert set(options) <= {*parameters, *verbs, "SHOT", "CODE"}, answer


def test_no_row_of_foreign_options_hides_an_option_of_this_program() -> None:
    context = click.Context(cli)
    for row in OPTIONS:
        for verb in row.verbs:
            command: click.Command | None = cli
            for word in verb.split():
                assert isinstance(command, click.Group)
                command = command.get_command(context, word)
            assert command is not None, verb
            assert not {name for one in command.params for name in one.opts} & set(row.names), (verb, row.names)


def test_words_of_other_tools_are_not_in_the_help(tmp_path: Path) -> None:
    text = run(tmp_path, {}, "--help").out
    assert "render" not in text
    assert len(re.findall(r"^  [a-z]+  ", text, re.MULTILINE)) == len(VERBS)


def test_a_word_with_control_characters_is_shown_without_them(tmp_path: Path) -> None:
    ran = run(tmp_path, {}, "clea\x1b[31mn", "x" * 500)
    assert "\x1b" not in ran.err
    assert len(ran.err) < 200 + len(os.fspath(tmp_path))
