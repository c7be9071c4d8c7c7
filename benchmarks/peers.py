"""Other build tools with nothing to do, beside ours: chains of four trivial steps, all of it made already.

Only with ``--peers``. A tool that is not installed is told as not found. What a tool has to have made beforehand it
makes itself where that is quick, else its files are laid out in the order in which it would have written them.

Ours has chains of a take, a frame of it, the take that starts from that frame, and its piece of the film, which is one
more look at least than four copies of a file.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks import big
from benchmarks.measure import Row, Sample, alternating, command

_STEPS = 4
_RUNS = 3
_PATIENCE_S = 300.0

Prepare = Callable[[Path, int], None]


def rows(quick: bool) -> Iterator[Row]:
    for steps in (12, 100) if quick else (12, 100, 1_000, 10_000):
        yield from _at(steps)


def _at(steps: int) -> Iterator[Row]:
    with tempfile.TemporaryDirectory() as folder:
        tasks = {"ours": _storyboard(Path(folder) / "ours", steps)}
        for name, tool in PEERS.items():
            found = tool.found()
            if found is None:
                yield Row("peers", f"no-op of {steps:,} steps", Sample((0.0,), ""), f"{name}: not found here")
            elif steps <= tool.most_steps:
                place = Path(folder) / name
                place.mkdir()
                tool.prepare(place, steps)
                tasks[name] = command([*found, *tool.words], cwd=place, timeout=_PATIENCE_S)
                tasks[name]()
        samples = dict(zip(tasks, alternating(_RUNS, *tasks.values()), strict=True))
        for name in list(tasks)[1:]:
            yield Row("peers", f"no-op of {steps:,} steps", samples["ours"], name, samples[name])


def _storyboard(folder: Path, steps: int) -> Callable[[], None]:
    """A film of so many steps, built; what runs its build once more."""
    output = "{file: out/film.mp4, size: 1280x720, fps: 24, slate: false}"
    lines = [f"version: 1\noutput: {output}\nscenes:\n  - id: one\n    shots:\n"]
    for chain in range(steps // _STEPS):
        lines.append(f"      - {{id: a{chain}, prompt: shot {chain}, seed: 1}}\n")
        lines.append(
            f"      - {{id: b{chain}, prompt: after {chain}, seed: 1, first_frame: {{shot: a{chain}, at: last}}}}\n"
        )
    folder.mkdir()
    (folder / "storyboard.yaml").write_text("".join(lines), encoding="utf-8")
    big.build(folder)
    return command([sys.executable, "-m", "storyboard", "build", "-q"], cwd=folder)


class Peer:
    """A tool: how it is called, how a folder is laid out for it, and the most steps that it can be waited for."""

    def __init__(self, prepare: Prepare, *words: str, most_steps: int = 10_000) -> None:
        self.prepare = prepare
        self.words = words[1:]
        self.most_steps = most_steps
        self._name = words[0]

    def found(self) -> list[str] | None:
        """The start of its command line; ``None`` where it is not installed. Looks beside this Python too, and in
        ``BENCHMARK_TOOLS``, a folder."""
        places = [os.environ.get("BENCHMARK_TOOLS", ""), str(Path(sys.executable).parent), os.environ.get("PATH", "")]
        path = shutil.which(self._name, path=os.pathsep.join(filter(None, places)))
        return None if path is None else [path]


def _chains(folder: Path, steps: int) -> Iterator[tuple[str, str]]:
    """Every step as the file it reads and the file it writes; the sources are written."""
    for chain in range(steps // _STEPS):
        (folder / f"{chain}.0").write_text(f"{chain}\n")
        for step in range(_STEPS):
            yield f"{chain}.{step}", f"{chain}.{step + 1}"


def _laid_out(folder: Path, steps: int) -> list[tuple[str, str]]:
    """The steps, with every file written, each later than what it is made from."""
    pairs = list(_chains(folder, steps))
    past = time.time() - 1000
    for source, target in pairs:
        shutil.copyfile(folder / source, folder / target)
        for name in (source, target):
            moment = past + int(name.partition(".")[2])
            os.utime(folder / name, (moment, moment))
    return pairs


def _ninja(folder: Path, steps: int) -> None:
    pairs = _chains(folder, steps)
    text = "rule copy\n  command = cp $in $out\n" + "".join(f"build {to}: copy {come}\n" for come, to in pairs)
    (folder / "build.ninja").write_text(text)


def _make(folder: Path, steps: int) -> None:
    pairs = _laid_out(folder, steps)
    rules = "".join(f"{to}: {come}\n\tcp $< $@\n" for come, to in pairs)
    (folder / "Makefile").write_text(f"all: {' '.join(to for _, to in pairs if to.endswith(f'.{_STEPS}'))}\n{rules}")


def _doit(folder: Path, steps: int) -> None:
    count = len(list(_chains(folder, steps))) // _STEPS
    (folder / "dodo.py").write_text(
        "import shutil\n"
        "def task_copy():\n"
        f"    for chain in range({count}):\n"
        f"        for step in range({_STEPS}):\n"
        "            come, to = f'{chain}.{step}', f'{chain}.{step + 1}'\n"
        "            yield {'name': to, 'file_dep': [come], 'targets': [to],\n"
        "                   'actions': [(shutil.copyfile, [come, to])]}\n"
    )


def _dvc(folder: Path, steps: int) -> None:
    pairs = _chains(folder, steps)
    stages = "".join(
        f"  s{to.replace('.', '_')}:\n    cmd: cp {come} {to}\n    deps: ['{come}']\n    outs: ['{to}']\n"
        for come, to in pairs
    )
    (folder / "dvc.yaml").write_text(f"stages:\n{stages}")
    program = shutil.which("dvc", path=os.environ.get("BENCHMARK_TOOLS")) or "dvc"
    subprocess.run([program, "init", "--no-scm", "-q"], cwd=folder, check=True)


def _snakemake(folder: Path, steps: int) -> None:
    pairs = _laid_out(folder, steps)
    last = [to for _, to in pairs if to.endswith(f".{_STEPS}")]
    rules = "".join(
        f"rule:\n    input: '{come}'\n    output: '{to}'\n    shell: 'cp {{input}} {{output}}'\n" for come, to in pairs
    )
    (folder / "Snakefile").write_text(f"rule all:\n    input: {last!r}\n{rules}")


PEERS = {
    "ninja": Peer(_ninja, "ninja"),
    "make": Peer(_make, "make"),
    "doit": Peer(_doit, "doit"),
    "snakemake": Peer(_snakemake, "snakemake", "--cores", "2", "--rerun-triggers", "mtime", "-q", most_steps=1_000),
    "dvc": Peer(_dvc, "dvc", "repro", "-q", most_steps=100),
}
