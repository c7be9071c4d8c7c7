"""``storyboard completion``: completion scripts for shells, and the words that they offer.

A script runs the program with ``_STORYBOARD_COMPLETE`` set to the name of its shell. The answer has one line for each
word, with its explanation after a tab; nothing is printed on errors. Of a storyboard with mistakes what can be read is
offered.
"""

import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem, ShellComplete
from msgspec import Struct

from storyboard.cli.output import print_result
from storyboard.cli.project_root import find_file, find_root
from storyboard.report.text import clean_lines

VARIABLE = "_STORYBOARD_COMPLETE"
_BASH = """\
_storyboard_completion() {
    local line
    COMPREPLY=()
    while IFS= read -r line; do
        COMPREPLY+=("$line")
    done < <(_STORYBOARD_COMPLETE=bash COMP_LINE="${COMP_LINE:0:COMP_POINT}" COMP_WORDBREAKS="$COMP_WORDBREAKS" \\
        "${1/#\\~/$HOME}" 2>/dev/null)
    if [[ ${#COMPREPLY[@]} == 1 && ${COMPREPLY[0]} == */ ]]; then
        compopt -o nospace 2>/dev/null
    fi
}
complete -o nosort -F _storyboard_completion storyboard 2>/dev/null ||
    complete -F _storyboard_completion storyboard
"""
_ZSH = """\
#compdef storyboard
_storyboard() {
    local line
    local -a lines values shown folders
    local typed="${(F)words[1,CURRENT-1]}"$'\\n'"$PREFIX"
    lines=("${(@f)$(_STORYBOARD_COMPLETE=zsh COMP_WORDS="$typed" ${~words[1]} 2>/dev/null)}")
    for line in "${lines[@]}"; do
        if [[ ${line%%$'\\t'*} == */ ]]; then
            folders+=("${line%%$'\\t'*}")
        elif [[ -n $line ]]; then
            values+=("${line%%$'\\t'*}")
            shown+=("${line/$'\\t'/  -- }")
        fi
    done
    if [[ "${(j::)shown}" == *"  -- "* ]]; then
        compadd -V storyboard -l -d shown -a values
    else
        compadd -V storyboard -a values
    fi
    compadd -V storyboard-folders -S '' -a folders
}
if [[ ${zsh_eval_context[-1]} == loadautofunc ]]; then
    _storyboard "$@"
else
    (( ${+functions[compdef]} )) || { autoload -Uz compinit && compinit }
    compdef _storyboard storyboard
fi
"""
_FISH = """\
function __storyboard_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -lx _STORYBOARD_COMPLETE fish
    set -lx COMP_WORDS (string join \\n -- $words | string collect)\\n"$current"
    command $words[1] 2>/dev/null
end
complete -c storyboard -f -k -a '(__storyboard_complete)'
"""
SCRIPTS: Mapping[str, str] = {"bash": _BASH, "zsh": _ZSH, "fish": _FISH}


@click.command("completion", epilog='Example: eval "$(storyboard completion bash)"')
@click.argument("shell", type=click.Choice(list(SCRIPTS)))
def command(shell: str) -> None:
    """Print a script for a shell that completes verbs, options, shots, scenes, tags, takes and files.

    For bash and zsh, write the example with the name of the shell into ~/.bashrc or ~/.zshrc; for fish, write the
    script to ~/.config/fish/completions/storyboard.fish.
    """
    print_result(SCRIPTS[shell].rstrip())


# the answer to a shell


class TypedWord(Struct, frozen=True):
    """A word of a command line as typed, and its meaning; *quote* is the quotation mark that is still open, if any."""

    raw: str
    text: str
    quote: str = ""


def answer() -> int:
    """Print the words that the shell in ``_STORYBOARD_COMPLETE`` asks for. Return the exit code; nothing is raised."""
    with suppress(Exception), Path(os.devnull).open("w", encoding="utf-8") as nothing:
        own, sys.stderr = sys.stderr, nothing
        try:
            lines = list(_lines(os.environ))
            if lines:
                print_result("\n".join(lines))
        finally:
            sys.stderr = own
    return 0


def _lines(environment: Mapping[str, str]) -> Iterator[str]:
    shell = environment.get(VARIABLE)
    if shell not in SCRIPTS:
        return
    if shell == "bash":
        typed = split_line(environment.get("COMP_LINE", ""))
    else:
        typed = [split_line(word)[-1] if word else TypedWord("", "") for word in environment["COMP_WORDS"].split("\n")]
    found = offers([word.text for word in typed[1:-1]], typed[-1].text)
    for value, help_text in found:
        if not value.isprintable():
            continue
        if shell == "bash":
            yield _for_bash(value, typed[-1], environment.get("COMP_WORDBREAKS", ""))
        else:
            yield f"{value}\t{clean_lines(help_text)}" if help_text else value


def split_line(line: str) -> list[TypedWord]:
    """Return the words of *line* as a shell reads them; the last is the one that is being typed, possibly empty."""
    words: list[TypedWord] = []
    start, text, quote, is_word = 0, "", "", False
    at = 0
    while at < len(line):
        letter = line[at]
        if letter == "\\" and quote != "'" and at + 1 < len(line):
            at += 1
            text, is_word = text + line[at], True
        elif quote:
            text, quote = (text, "") if letter == quote else (text + letter, quote)
        elif letter in "'\"":
            quote, is_word = letter, True
        elif letter in " \t":
            if is_word:
                words.append(TypedWord(line[start:at], text))
            start, text, is_word = at + 1, "", False
        else:
            text, is_word = text + letter, True
        at += 1
    return [*words, TypedWord(line[start:], text, quote)]


def _for_bash(value: str, typed: TypedWord, breaks: str) -> str:
    """Return *value* as it is to stand in the line, from the last character on at which bash breaks the typed word."""
    if typed.quote == "'":
        return value
    if typed.quote:
        return re.sub(r'([\\"$`])', r"\\\1", value)
    cut = max((typed.raw.rfind(letter) for letter in breaks if letter in ":="), default=-1)
    # as many of these characters stand in the value: none is quoted there
    kept = value[len(split_line(typed.raw[: cut + 1])[-1].text) :]
    home = "~" if kept.startswith("~/") else ""
    return home + re.sub(r"([\s\\'\"`$&|;<>()*?\[\]{}!#~^])", r"\\\1", kept[len(home) :])


def offers(words: Sequence[str], incomplete: str) -> list[tuple[str, str]]:
    """Return the words, each with its explanation, that can stand in place of *incomplete* after *words*."""
    from storyboard.cli.main import VERBS, cli

    if words and words[0] not in VERBS and not words[0].startswith("-"):
        return []
    option = re.match(r"--[a-z-]+=", incomplete)
    prefix = option[0] if option else ""
    items = ShellComplete(cli, {}, "storyboard", VARIABLE).get_completions(list(words), incomplete)
    typed = incomplete[len(prefix) :]
    found: dict[str, str] = {}
    for item in sorted(items, key=lambda item: item.type != "plain"):
        if item.type == "plain":
            found.setdefault(prefix + str(item.value), item.help or "")
        else:
            found |= {prefix + path: "" for path in _paths(typed, item.type)}
    return [(value, about) for value, about in found.items() if value.startswith(incomplete)]


def _paths(typed: str, kind: str) -> Iterator[str]:
    """Yield the paths that begin with *typed*: folders with a slash, and of *kind* ``storyboard`` YAML files only."""
    head, slash, name = typed.rpartition("/")
    with suppress(OSError, RuntimeError):  # no home folder
        for entry in sorted(Path(head + slash).expanduser().iterdir()):
            if not entry.name.startswith(name) or (entry.name.startswith(".") and not name):
                continue
            if entry.is_dir():
                yield f"{head}{slash}{entry.name}/"
            elif kind == "file" or (kind == "storyboard" and entry.suffix in (".yaml", ".yml")):
                yield f"{head}{slash}{entry.name}"


# what parameters offer


class FilmNames:
    """The names in the storyboard at *path*, read without a check, and by the look of its lines if it is no YAML."""

    def __init__(self, path: Path) -> None:
        self.file = find_file(path)
        self.root = find_root(self.file)

    @cached_property
    def scenes(self) -> Mapping[str, list[Mapping[str, Any]]]:
        """The shots of every scene, by its id."""
        return {str(scene.get("id", "")): list(_maps(scene.get("shots"))) for scene in self._scenes}

    @property
    def shots(self) -> dict[str, str]:
        """Its title, prompt, text or file, by the id of the shot."""
        shown = ("title", "prompt", "card", "clip", "image")
        return {
            shot["id"]: next((str(shot[name]) for name in shown if isinstance(shot.get(name), str)), "")
            for shots in self.scenes.values()
            for shot in shots
            if isinstance(shot.get("id"), str)
        }

    @property
    def tags(self) -> list[str]:
        """The tags of scenes and shots."""
        tagged = [*self._scenes, *(shot for shots in self.scenes.values() for shot in shots)]
        lists = (one["tags"] for one in tagged if isinstance(one.get("tags"), list))
        return list(dict.fromkeys(tag for tags in lists for tag in tags if isinstance(tag, str)))

    @property
    def films(self) -> list[str]:
        """The names of the films, if there are several."""
        outputs = self._board.get("outputs")
        return [name for name in outputs if isinstance(name, str)] if isinstance(outputs, dict) else []

    def seeds(self, shot_id: str) -> list[int]:
        """Return the seeds of a shot."""
        shots = (shot for shots in self.scenes.values() for shot in shots if shot.get("id") == shot_id)
        found = [seed for shot in shots for seed in (shot.get("takes") or [shot.get("seed", 1)])]
        return [seed for seed in found if isinstance(seed, int)]

    @cached_property
    def _board(self) -> Mapping[str, Any]:
        return _read(self.file)

    @cached_property
    def _scenes(self) -> list[Mapping[str, Any]]:
        found: list[Mapping[str, Any]] = []
        for scene in _maps(self._board.get("scenes")):
            included = scene.get("include")
            if not isinstance(included, str):
                found.append(scene)
                continue
            path = Path(os.path.normpath(self.file.parent / included))
            found += [_read(path)] if path.resolve().is_relative_to(self.root) else []
        return found


def _maps(value: object) -> Iterator[Mapping[str, Any]]:
    return (item for item in value if isinstance(item, dict)) if isinstance(value, list) else iter(())


def _read(file: Path) -> Mapping[str, Any]:
    """Return the content of a YAML file, or what its lines look like if it is none; empty if it cannot be read."""
    from storyboard.document.yaml.parse import parse
    from storyboard.durable import read_regular

    try:
        raw = read_regular(file)
    except OSError:
        return {}
    data = parse(raw, file.name).data
    return data if isinstance(data, dict) else _guess(raw.decode("utf-8", "replace"))


_ID = re.compile(r"""^[ \t]*(?:-[ \t]*)?\{?[ \t]*id[ \t]*:[ \t]*["']?([a-z0-9_-]+)(.*)$""", re.MULTILINE)
_KEY = r"""^[ \t]*(?:-[ \t]*)?{}[ \t]*:(.*)$"""
_SHOTS = re.compile(_KEY.format("shots"), re.MULTILINE)
_INCLUDES = re.compile(r"""\binclude[ \t]*:[ \t]*["']?([^\s"',}]+)""")


def _guess(text: str) -> Mapping[str, Any]:
    """Return scenes and shots of a text that is no YAML: an id is that of a scene if `shots` follows before another."""
    found = list(_ID.finditer(text))
    ends = [*(match.start() for match in found[1:]), len(text)]
    scenes: list[dict[str, Any]] = []
    for match, end in zip(found, ends, strict=True):
        if _SHOTS.search(text, match.end(), end):
            scenes.append({"id": match[1], "shots": []})
        else:
            if not scenes:
                scenes.append({"id": "", "shots": []})
            scenes[-1]["shots"].append({"id": match[1]})
    includes = [{"include": name} for name in _INCLUDES.findall(text)]
    # of a scene in a file of its own the id stands at the top
    return {"scenes": [*scenes, *includes], **(scenes[0] if len(scenes) == 1 and not includes else {})}


def candidates(kind: str, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
    """Return what a parameter of *kind*, a key of ``_KINDS``, offers for *incomplete*, up to the first error."""
    found: list[CompletionItem] = []
    with suppress(Exception):
        found.extend(_KINDS[kind](ctx, incomplete))
    return found


def _names(ctx: click.Context) -> FilmNames:
    """Return the names of the film that the words before name, else of the one in this folder."""
    words = [ctx.params.get("path"), *(ctx.params.get("words") or ())]
    named = [path for path in map(Path, filter(None, words)) if path.exists()]
    return FilmNames(named[0] if named else Path())


def _shots(ctx: click.Context, _incomplete: str) -> Iterator[CompletionItem]:
    return (CompletionItem(name, help=about) for name, about in _names(ctx).shots.items())


def _selectors(ctx: click.Context, incomplete: str) -> Iterator[CompletionItem]:
    """Yield shots, scenes and tags after the part of *incomplete* that is complete: ``river,``, ``+``."""
    done = incomplete[: max(incomplete.rfind(","), incomplete.rfind("+")) + 1]
    names = _names(ctx)
    for name, about in names.shots.items():
        yield CompletionItem(done + name, help=about)
    scenes = [name for name in names.scenes if name]
    for name in scenes:
        yield CompletionItem(done + name, help=f"scene of {len(names.scenes[name])} shots")
    for tag in names.tags:
        yield CompletionItem(done + tag, help="tag")
    typed = incomplete[len(done) :]
    prefixed = [*(f"scene:{name}" for name in scenes), *(f"tag:{tag}" for tag in names.tags)]
    for name in prefixed if typed else ():
        yield CompletionItem(done + name)


def _words(ctx: click.Context, incomplete: str) -> Iterator[CompletionItem]:
    yield CompletionItem(incomplete, type="storyboard")
    yield from _selectors(ctx, incomplete)


def _storyboards(_ctx: click.Context, incomplete: str) -> Iterator[CompletionItem]:
    yield CompletionItem(incomplete, type="storyboard")


def _viewed(ctx: click.Context, incomplete: str) -> Iterator[CompletionItem]:
    """Yield shots and films, or after a shot its takes."""
    names, words = _names(ctx), ctx.params.get("words") or ()
    shots = names.shots
    shot = next((word for word in words if word in shots), None)
    if shot is not None:
        yield from _takes_of(names, shot)
        return
    yield from (CompletionItem(name, help=about) for name, about in shots.items())
    yield from (CompletionItem(name, help="film") for name in names.films)
    yield CompletionItem(incomplete, type="storyboard")


def _takes(ctx: click.Context, _incomplete: str) -> Iterator[CompletionItem]:
    return _takes_of(_names(ctx), str(ctx.params.get("shot")))


def _takes_of(names: FilmNames, shot: str) -> Iterator[CompletionItem]:
    """Yield the numbers and seeds of the takes of *shot*; without them, of a storyboard with mistakes, its seeds."""
    seeds = dict.fromkeys(names.seeds(shot), "a seed of the shot")
    with suppress(Exception):
        for take in _made_takes(names.file, shot):
            about = f"seed {take.seed}{', in the cut' if take.in_cut else ''}, {take.provider} {take.at[:10]}"
            yield CompletionItem(f"#{take.number}", help=about)
            if take.seed is not None:
                seeds[take.seed] = f"take {take.number}"
    yield from (CompletionItem(f"seed:{seed}", help=about) for seed, about in seeds.items())


def _made_takes(file: Path, shot: str) -> Iterable[Any]:
    from storyboard.cli.project import read_project
    from storyboard.engine.session import BuildOptions, Session
    from storyboard.engine.takes import ShotTakes

    project = read_project(file)
    if project.storyboard is None:
        return ()
    with Session(project.state(), project.storyboard, project.cards, BuildOptions()) as session:
        return ShotTakes(session, shot).takes


def _seeds(ctx: click.Context, incomplete: str) -> Iterator[CompletionItem]:
    """Yield the seeds of a shot as ``seed:1``, which is no number of a take, or alone after a first digit."""
    word = "" if incomplete[:1].isdigit() else "seed:"
    return (CompletionItem(f"{word}{seed}") for seed in _names(ctx).seeds(str(ctx.params.get("shot"))))


def _providers(_ctx: click.Context, _incomplete: str) -> Iterator[CompletionItem]:
    from storyboard.providers.base import known_providers

    return (CompletionItem(name) for name in ("local", *known_providers()))


def _models(_ctx: click.Context, _incomplete: str) -> Iterator[CompletionItem]:
    from storyboard.providers import models

    return (CompletionItem(card.id, help=card.name) for card in models.cards().values())


_KINDS: Mapping[str, Callable[[click.Context, str], Iterator[CompletionItem]]] = {
    "models": _models,
    "providers": _providers,
    "seeds": _seeds,
    "selectors": _selectors,
    "shots": _shots,
    "storyboards": _storyboards,
    "takes": _takes,
    "viewed": _viewed,
    "words": _words,
}
