"""Storyboards beside the exact text that ``check`` prints for them; shared by the tests and by whoever adds a case.

A case is a file in ``tests/cases/bad``, or a folder there with a ``storyboard.yaml``; what is expected lies beside it
in a ``.txt`` of the same name. ``python -m tests.unit.cases`` writes those that are missing; with names as arguments
it writes these anew. Read what it wrote before you commit it.
"""

import os
import sys
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path

from storyboard.core.file_signatures import FileKind
from storyboard.document.load import Loaded, load
from storyboard.document.project_files import DiskFiles, OtherStoryboard
from storyboard.media.length import media_length
from storyboard.pictures import PictureFacts, examine_picture
from storyboard.providers.models import cards
from storyboard.report.diagnostics import render

CASES = Path(__file__).parents[1] / "cases"


class _CaseFiles(DiskFiles):
    """The files of one case: the other cases in the folder are no storyboards of its project."""

    def other_storyboards(self, files: Sequence[str], films: Sequence[str]) -> Iterator[OtherStoryboard]:
        yield from ()


def cases(kind: str) -> list[Path]:
    """Every case below ``bad`` or ``good``: a YAML file, or a folder that holds a storyboard."""
    folder = CASES / kind
    return sorted([*folder.glob("*.yaml"), *(found.parent for found in folder.glob("*/storyboard.yaml"))])


def loaded(case: Path) -> Loaded:
    """A case as the language reads it, with its own folder for a project."""
    if case.is_dir():
        return load("storyboard.yaml", _files(case), cards())
    return load(case.name, _files(case.parent), cards())


def _files(folder: Path) -> DiskFiles:
    return _CaseFiles(folder, measure=_measure, examine_picture=_examine)


def _examine(descriptor: int, _path: str) -> PictureFacts:
    return examine_picture(os.pread(descriptor, os.fstat(descriptor).st_size, 0))


def _measure(descriptor: int, _path: str, kind: FileKind) -> Fraction | None:
    return media_length(descriptor, kind)


def printed(case: Path) -> str:
    """What is printed about a case."""
    result = loaded(case)
    return render(result.findings, result.texts)


def expected_file(case: Path) -> Path:
    return case.parent / f"{case.stem if case.is_file() else case.name}.txt"


def main(names: list[str]) -> None:
    """Write what is printed now beside the named cases, or beside all that have nothing yet."""
    for case in cases("bad"):
        file = expected_file(case)
        if (case.stem in names) if names else not file.exists():
            file.write_text(printed(case), encoding="utf-8")
            print(f"{file.name}\n{printed(case)}")


if __name__ == "__main__":
    main(sys.argv[1:])
