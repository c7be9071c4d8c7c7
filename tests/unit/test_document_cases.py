"""Every storyboard in ``tests/cases`` is answered exactly as the text beside it says."""

from pathlib import Path

import pytest
import yaml

from storyboard.document.yaml import parse
from tests.unit.cases import cases, expected_file, loaded, printed

BAD = cases("bad")
GOOD = cases("good")

# The loader without libyaml refuses a tab inside of a line in brackets, which YAML allows.
LOADERS_DISAGREE = {"display-tabs"}


def name_of(case: Path) -> str:
    return case.stem


@pytest.mark.parametrize("case", BAD, ids=name_of)
def test_bad_storyboard_is_answered_as_expected(case: Path) -> None:
    actual = printed(case)
    file = expected_file(case)
    assert file.exists(), f"{file.name} is missing; `python -m tests.unit.cases` would write:\n{actual}"
    assert actual == file.read_text(encoding="utf-8")


@pytest.mark.parametrize("case", [case for case in BAD if case.stem not in LOADERS_DISAGREE], ids=name_of)
def test_loader_without_libyaml_says_the_same(case: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parse, "LOADER", yaml.Loader)
    assert printed(case) == expected_file(case).read_text(encoding="utf-8")


@pytest.mark.parametrize("case", GOOD, ids=name_of)
def test_good_storyboard_has_no_findings(case: Path) -> None:
    result = loaded(case)
    assert printed(case) == ""
    assert result.storyboard is not None


def test_no_expected_text_is_left_without_its_case() -> None:
    texts = {file.stem for file in BAD[0].parent.glob("*.txt")}
    assert texts == {case.stem for case in BAD}
