"""What a build submits and spends is what the plan said, for random small films in random states.

A plan holds for what is known here: the lockfile, the cache, the journal and the ledger. A take that another machine
bought, and that no lockfile names, may cost less than the plan says, and never more.
"""

import json
import random
import shutil
from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.inside import at_work
from tests.project import Project
from tests.runware_server.server import RunwareServer
from tests.shops import shop
from tests.written import DATA

FOOTAGE = DATA / "paid/material/own.mp4"
NAMES = "abcd"


def _film(chance: random.Random) -> str:
    """Return up to four shots: generated ones, some linked, some with two seeds, some drawn here, and footage."""
    lines = ["scenes:", "  - id: s", "    shots:"]
    for number, name in enumerate(NAMES[: chance.randint(2, 4)]):
        if number and chance.random() < 0.25:
            lines.append(f"      - {{id: {name}, clip: own.mp4}}")
            continue
        prompt = f"{chance.choice(['river', 'lake'])} x{name if chance.random() < 0.7 else ''}"
        seed = chance.choice([3, 4])
        fields = [f"id: {name}", f"prompt: {prompt}"]
        fields.append(f"takes: [{seed}, {seed + 10}]" if chance.random() < 0.3 else f"seed: {seed}")
        if number and chance.random() < 0.6:
            at = chance.choice(["last", "first", "0.5"])
            fields.append(f"first_frame: {{shot: {chance.choice(NAMES[:number])}, at: {at}}}")
        fields += ["provider: local"] if chance.random() < 0.15 else []
        lines.append(f"      - {{{', '.join(fields)}}}")
    return "\n".join(lines) + "\n"


class _History:
    """What happens to a film before the plan: builds, edits, losses and a refusal."""

    def __init__(self, folder: Path, server: RunwareServer, chance: random.Random) -> None:
        self._folder, self._server, self._chance = folder, server, chance
        self.project = Project(folder / "film", _film(chance), server=server, inside=True)
        shutil.copy(FOOTAGE, self.project.folder / "own.mp4")
        self.told: list[str] = [self.project.file.read_text()]
        self.is_clone = False

    def go_on(self) -> None:
        steps: Mapping[str, Callable[[], object]] = {
            "build": lambda: self.project.run("build"),
            "draft": lambda: self.project.run("build", "--draft"),
            "take": lambda: self.project.run("take", "a", "-n", "1"),
            "pick": lambda: self.project.run("pick", "a", "1"),
            "hold": lambda: self.project.run("hold", "a"),
            "edit": self._edit,
            "refuse": self._refuse,
            "clone": self._clone,
            "lose the cache": lambda: shutil.rmtree(self.project.folder / ".storyboard/cache", ignore_errors=True),
            "lose a blob": self._lose_blob,
            "lose the lockfile": lambda: (self.project.folder / "storyboard.lock").unlink(missing_ok=True),
        }
        name = self._chance.choice(list(steps))
        self.told.append(name)
        steps[name]()

    def _edit(self) -> None:
        text = self.project.file.read_text()
        old, new = self._chance.choice(["river x", "lake x"]), self._chance.choice(["river x", "sea x"])
        self.project.file.write_text(text.replace(old, new, 1))

    def _refuse(self) -> None:
        self._server.arm("submit-moderated", times=1)
        self.project.run("build")
        self._server.disarm()

    def _clone(self) -> None:
        if (self.project.folder / "storyboard.lock").exists():
            before, self.is_clone = self.project.folder, True
            self.project = Project(before.parent / f"{before.name}-clone", None, server=self._server, inside=True)
            self.project.folder.mkdir()
            for name in ("storyboard.yaml", "storyboard.lock", "own.mp4"):
                shutil.copy(before / name, self.project.folder / name)

    def _lose_blob(self) -> None:
        blobs = sorted(self.project.blobs.values())
        if blobs:
            self._chance.choice(blobs).unlink()


def _costs(step: Mapping[str, Any]) -> tuple[Decimal, Decimal]:
    """Return the least and the most that a step may cost."""
    return tuple(Decimal(step.get(name, step["cost"])) for name in ("cost_at_least", "cost_at_most"))  # type: ignore[return-value]


@pytest.mark.sweep
@pytest.mark.parametrize("seed", range(24))
def test_a_build_buys_what_its_plan_said_for_the_price_it_said(seed: int, tmp_path: Path) -> None:
    chance = random.Random(seed)
    with shop() as server, at_work(*range(100, 200)):
        history = _History(tmp_path, server, chance)
        for _ in range(chance.randint(1, 5)):
            history.go_on()
        words = chance.choice([[], [], [], ["--remake", "a"], ["-s", "a"]])
        project, story = history.project, [*history.told, " ".join(words)]
        plan = project.data("plan", *words)
        billed, written = len(server.bill), len(project.ledger())
        built = json.loads(project.run("build", *words, "--json").out)["data"]
        spent = sum((Decimal(str(line["cost"])) for line in server.bill[billed:]), Decimal(0))
        bought = {entry["shot"] for entry in project.ledger()[written:] if entry["event"] == "reserved"}

    takes = [step for step in plan["steps"] if step["kind"] == "take"]
    assert bought <= {step["shot"] for step in takes if _costs(step)[1]}, story
    assert Decimal(built["cost"]) == spent <= Decimal(plan["cost_at_most"]), story
    if not history.is_clone:
        assert spent >= Decimal(plan["cost_at_least"]), story
        assert bought >= {step["shot"] for step in takes if _costs(step)[0]}, story
    left_out = {step["shot"] for step in takes if step["do"] == "blocked"}
    assert left_out.isdisjoint(name.removeprefix("take:").partition("#")[0] for name in built["made"]) or any(
        step["do"] != "blocked" for step in takes if step["shot"] in left_out
    ), story
