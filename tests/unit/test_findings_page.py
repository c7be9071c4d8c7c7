"""``docs/findings.md`` explains every code, shows true examples, and is what ``storyboard --explain`` prints."""

from pathlib import Path

import pytest

from storyboard.cli.main import explain
from storyboard.cli.output import Exit
from tests import codes
from tests.inside import run


def test_every_code_is_explained_and_no_other() -> None:
    assert len(codes.codes()) > 150
    assert codes.examples().keys() <= codes.codes()
    assert set(codes.sections()) == codes.codes(), "run `python -m tests.codes`"


def test_every_entry_of_an_error_has_an_example_and_a_way_out() -> None:
    short = {name: text for name, text in codes.sections().items() if not name.isdigit() and text.count("\n\n") < 3}
    assert short == {}


def test_the_examples_of_findings_are_what_the_program_prints() -> None:
    page = codes.PAGE.read_text(encoding="utf-8")
    assert codes.with_examples(page) == page, "run `python -m tests.codes --write`"


@pytest.mark.parametrize("code", ["bad-caption", "error[bad-caption]"])
def test_a_code_is_explained(code: str, tmp_path: Path) -> None:
    ran = run(tmp_path, {}, "--explain", code)
    assert ran.code == 0
    assert ran.out.startswith("bad-caption\n\n")
    assert ran.out.endswith("\ndocs/findings.md#bad-caption\n")
    assert f"    {codes.examples()['bad-caption'].splitlines()[0]}\n" in ran.out


def test_a_code_that_is_not_known_is_an_error_with_the_nearest(tmp_path: Path) -> None:
    ran = run(tmp_path, {}, "--explain", "bad-captoin")
    assert ran.code == Exit.USAGE
    assert "no finding or error has the code 'bad-captoin'\n  help: did you mean `bad-caption`?" in ran.err


def test_every_entry_can_be_printed() -> None:
    for code in codes.codes():
        assert explain(code).startswith(f"{code}\n\n")
