"""Write what the program prints of the films beside this file: ``PYTHONPATH=. python tests/data/write_golden.py``."""

import json
import tempfile
from pathlib import Path

from tests import written


def printed(folder: Path) -> None:
    """What verbs print of every film."""
    films = [("paid", written.place_in_git(folder / "paid"), written.OF_PAID)]
    films += [("unfinished", written.place("unfinished", folder / "unfinished"), written.OF_UNFINISHED)]
    for name in written.EXAMPLES:
        films += [(name, written.place_example(name, folder / f"fresh-{name}"), written.OF_EXAMPLE)]
        films += [(name, written.place_example(name, folder / name, state=True), written.OF_BUILT_EXAMPLE)]
    for name, film, questions in films:
        for question, words in questions.items():
            write(name, question, film.printed(*words))


def write(film: str, name: str, text: str) -> None:
    """Put *text* into a golden file."""
    path = written.golden(film, name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        printed(folder)
        write("asked", "tasks", written.asked(folder / "asked"))
        path = written.golden("drawn", "takes")
        known = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        write(
            "drawn",
            "takes",
            json.dumps(known | {written.pillow(): written.drawn(folder / "animatics")}, indent=2) + "\n",
        )


if __name__ == "__main__":
    main()
