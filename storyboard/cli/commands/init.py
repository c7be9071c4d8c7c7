"""``storyboard init``: write a small storyboard that builds."""

import json
import os
import re
import shlex
import stat
from pathlib import Path

import click

from storyboard.cli.options import json_option
from storyboard.cli.output import CommandOutput, readable
from storyboard.cli.project_root import STORYBOARD, find_root
from storyboard.document.schema import SCENE_ENTRY, schema_text
from storyboard.durable import read_regular, write_atomic, write_new
from storyboard.report.text import clean

_SCHEMA = "storyboard.schema.json"
_MODELINE = "# yaml-language-server: $schema={schema}"
_TEXT = """\
version: 1
title: {title}
model: runway:1@2 # bought from Runware; `storyboard build --draft` makes a free animatic
output: {{file: out/{stem}.mp4, size: 1280x720, fps: 24}}
vars:
  mood: soft morning light, calm
defaults:
  duration: 5
scenes:
  - {scene}
"""
_SCENE = """\
id: opening
shots:
  - id: harbour
    prompt: A slow push in on a small harbour at dawn, fishing boats at rest, ${mood}.
    seed: 11
  - id: lighthouse
    prompt: The camera rises over the harbour wall towards a lighthouse, ${mood}.
    seed: 12
    first_frame: {shot: harbour, at: last}
"""
_SCENE_FILE = "scenes/opening.yaml"
_IGNORED = (".storyboard/", "out/")


@click.command("init", epilog="Example: storyboard init my-film && storyboard build my-film --draft")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), default=Path())
@click.option("--scene-file", is_flag=True, help=f"Put the scene into a file of its own, {_SCENE_FILE}.")
@json_option
def command(folder: Path, scene_file: bool, as_json: bool) -> None:
    """Write a small storyboard that builds, with its schema for editors and a .gitignore.

    Existing files are kept.
    """
    output = CommandOutput("init", as_json=as_json)
    target = folder / STORYBOARD
    for path in (target, *([folder / _SCENE_FILE] if scene_file else [])):
        if os.path.lexists(path):
            raise click.UsageError(f"{path} already exists")
    folder.mkdir(parents=True, exist_ok=True)
    written = [*_write_schema(folder), *_write_storyboard(target, scene_file=scene_file), *_write_gitignore(folder)]
    here = "" if folder == Path() else f" {shlex.quote(str(folder))}"
    text = "\n".join(
        [*(f"wrote {clean(str(path))}" for path in written), clean(f"next: storyboard build{here} --draft")]
    )
    next_commands = [f"storyboard check{here}", f"storyboard build{here} --draft"]
    output.result(text, {"written": [str(path) for path in written]}, next_commands=next_commands)


def _write_schema(folder: Path) -> list[Path]:
    path = folder / _SCHEMA
    try:
        write_new(path, schema_text().encode())
    except FileExistsError:
        return []
    return [path]


def _write_storyboard(target: Path, *, scene_file: bool) -> list[Path]:
    name = readable(target.absolute().parent.name)
    stem = re.sub(r"[^a-z0-9_-]+", "-", name.lower()).strip("-_") or "film"
    # every JSON string is a YAML string, whatever the name of the folder
    title = json.dumps(name.replace("-", " ").replace("_", " ").strip().capitalize() or "Film", ensure_ascii=False)
    written = []
    if scene_file:
        path = target.parent / _SCENE_FILE
        path.parent.mkdir(exist_ok=True)
        write_new(path, f"{_MODELINE.format(schema=f'../{_SCHEMA}')}{SCENE_ENTRY}\n{_SCENE}".encode())
        written.append(path)
    scene = f"include: {_SCENE_FILE}" if scene_file else _SCENE.rstrip().replace("\n", "\n    ")
    text = _TEXT.format(title=title, stem=stem, scene=scene)
    write_new(target, f"{_MODELINE.format(schema=f'./{_SCHEMA}')}\n{text}".encode())
    return [target, *written]


def _write_gitignore(folder: Path) -> list[Path]:
    path = folder / ".gitignore"
    if path.is_symlink():  # git does not read it either
        return []
    old = read_regular(path).decode() if path.exists() else ""
    missing = [line for line in _IGNORED if line not in old.splitlines()]
    if find_root((folder / STORYBOARD).absolute()) != folder.absolute() and not path.exists():
        missing = [line for line in missing if line != ".storyboard/"]
    if not missing:
        return []
    gap = "" if not old or old.endswith("\n") else "\n"
    write_atomic(path, (old + gap + "".join(f"{line}\n" for line in missing)).encode(), _file_mode(path))
    return [path]


def _file_mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode) if path.exists() else 0o644
