"""The model of a storyboard as frozen values.

All values are checked and resolved: defaults are merged, vars filled in, text normalised (NFC, trimmed), paths relative
to the project with forward slashes. Places in the text are kept by ``document``, so that two storyboards of equal
meaning are equal.
"""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any, Literal, get_args

from msgspec import Struct
from msgspec.structs import replace

Json = None | bool | int | float | str | list[Any] | dict[str, Any]
DEFAULT_SEED = 1
DEFAULT_MODEL = "runway:1@2"
DEFAULT_PROVIDER = "local"
# The provider of a command line with `--panels`: local, which draws every shot as one still panel.
PANELS = "local/panels"
# Params of the local provider, and their values. Others do not receive them, so they are in no other key.
DRAWING_PARAMS: Mapping[str, tuple[Json, ...]] = {"slate": (True, False), "style": ("moving", "panel")}
DEFAULT_CRF = 18
DEFAULT_PRESET = "veryfast"
# Folders of a project that belong to this program and to git.
OWN_FOLDERS = frozenset((".storyboard", ".git"))
# The endings of caption files next to a film, SubRip and WebVTT.
CAPTION_SUFFIXES = (".srt", ".vtt")


class Size(Struct, frozen=True, order=True):
    """Width and height of a picture in pixels."""

    width: int
    height: int

    def __str__(self) -> str:
        return f"{self.width}x{self.height}"

    @property
    def pixels(self) -> int:
        return self.width * self.height

    @classmethod
    def parse(cls, text: str) -> "Size":
        """Return the size written as ``1280x720``. Raises ``ValueError``."""
        width, _, height = text.partition("x")
        return cls(int(width), int(height))


class FileInput(Struct, frozen=True, tag="file"):
    """A file of the project; its content is part of the key."""

    path: str


class UrlInput(Struct, frozen=True, tag="url"):
    """A picture behind https; it is downloaded, and its content is part of the key."""

    url: str


class FrameLink(Struct, frozen=True, tag="link"):
    """One exact frame of another shot's take: its first, its last, or the one at a number of seconds."""

    shot: str
    at: Literal["first", "last"] | Fraction = "last"


FrameInput = FileInput | UrlInput | FrameLink


# The input pictures of a generated shot, as its fields and its request call them.
PICTURE_FIELDS = ("first_frame", "last_frame")


class Generated(Struct, frozen=True, tag="prompt"):
    """Source of a shot that a model generates. Durations in seconds, sizes in pixels.

    ``seed`` is that of the take in the cut; ``takes`` are the seeds to choose from, if there are several, and ``pick``
    is the chosen one as written.
    """

    prompt: str
    model: str
    provider: str
    duration: Fraction
    size: Size
    seed: int = DEFAULT_SEED
    negative_prompt: str | None = None
    params: Mapping[str, Json] = {}
    first_frame: FrameInput | None = None
    last_frame: FrameInput | None = None
    takes: tuple[int, ...] = ()
    pick: int | None = None

    @property
    def is_panel(self) -> bool:
        """True if the local provider draws one still panel, not a moving animatic."""
        return self.params.get("style") == "panel"

    def as_panel(self) -> "Generated":
        """Return the request for a still panel of the shot, which shows its own prompt and no frame of another shot."""
        kept = {name: frame for name in PICTURE_FIELDS if not isinstance(frame := getattr(self, name), FrameLink)}
        frames = {name: kept.get(name) for name in PICTURE_FIELDS}
        return replace(self, provider=DEFAULT_PROVIDER, params={**self.params, "style": "panel"}, **frames)

    @property
    def alternate_seeds(self) -> tuple[int, ...]:
        """Seeds of the alternate takes: all of `takes` but the seed of the take in the cut."""
        return tuple(seed for seed in self.takes if seed != self.seed)


class Clip(Struct, frozen=True, tag="clip"):
    """Own footage."""

    file: FileInput


class Still(Struct, frozen=True, tag="image"):
    """A still picture, moved slowly."""

    file: FileInput
    duration: Fraction
    move: Literal["none", "push", "pull", "left", "right", "up", "down"] = "none"


class TitleCard(Struct, frozen=True, tag="card"):
    """A title card."""

    text: str
    duration: Fraction
    subtitle: str | None = None
    color: str = "#ffffff"
    background: str = "#000000"
    align: Literal["left", "center", "right"] = "center"
    font: FileInput | None = None


Source = Generated | Clip | Still | TitleCard
# The materials of a film. Own pictures and clips are footage; a title card is none of the three.
MadeOf = Literal["animatic", "generated", "footage"]
MADE_OF: tuple[MadeOf, ...] = get_args(MadeOf)
FOOTAGE = "footage"


def maker_of(source: Source) -> str | None:
    """Return the provider that makes the take of *source*, or ``FOOTAGE``; ``None`` for sources without a take."""
    match source:
        case Generated():
            return source.provider
        case Clip():
            return FOOTAGE
    return None


def material_of(source: Source) -> MadeOf | None:
    """Return the material that *source* brings into a film; ``None`` for a title card."""
    match source:
        case Generated():
            return "animatic" if source.provider == DEFAULT_PROVIDER else "generated"
        case Clip() | Still():
            return "footage"
    return None


Fit = Literal["contain", "cover", "stretch"]


class Trim(Struct, frozen=True):
    """The source range that goes into the cut, in seconds of the source; ``None`` is the start or end of the source."""

    start: Fraction | None = None
    end: Fraction | None = None


class Caption(Struct, frozen=True):
    """A text shown from one second of the source to another; ``None`` is the start or end of the shot."""

    text: str
    start: Fraction | None = None
    end: Fraction | None = None


class Transition(Struct, frozen=True):
    """The change from the shot before; ``cut`` has no duration.

    *direction* is that of a wipe or slide, *color* the one a fade goes through.
    """

    type: Literal["cut", "dissolve", "fade", "wipe", "slide"] = "cut"
    duration: Fraction = Fraction(0)
    direction: Literal["left", "right", "up", "down"] = "left"
    color: str = "#000000"


class Audio(Struct, frozen=True):
    """Use of a take's own sound; *gain* is in decibels."""

    keep: bool = True
    gain: Fraction = Fraction(0)


class Track(Struct, frozen=True):
    """A sound of the whole film, such as music.

    It begins *start* seconds after the beginning of the film, or of *shot*. Gain in decibels, fades in seconds; with
    *loop* it repeats until the film ends. *duck* is by how many decibels it is lowered under the sound of takes.
    """

    file: FileInput
    start: Fraction = Fraction(0)
    shot: str | None = None
    gain: Fraction = Fraction(0)
    fade_in: Fraction = Fraction(0)
    fade_out: Fraction = Fraction(0)
    loop: bool = False
    duck: Fraction = Fraction(0)


WHOLE = Trim()
NORMAL = Fraction(1)


class Shot(Struct, frozen=True):
    """One authored unit: a source and its use in the cut; without *fit* it takes the one of the output."""

    id: str
    scene: str
    source: Source
    trim: Trim = WHOLE
    speed: Fraction = NORMAL
    fit: Fit | None = None
    transition: Transition = Transition()
    caption: tuple[Caption, ...] = ()
    audio: Audio = Audio()
    hold: bool = False
    skip: bool = False
    title: str | None = None
    tags: tuple[str, ...] = ()

    def texts(self) -> Iterator[str]:
        """Yield the texts that may be drawn into pictures: the prompt, the words of a card, the captions."""
        match self.source:
            case Generated(prompt=prompt):
                yield prompt
            case TitleCard(text=text, subtitle=subtitle):
                yield from filter(None, (text, subtitle))
        yield from (caption.text for caption in self.caption)


class Scene(Struct, frozen=True):
    """A group of shots in one setting."""

    id: str
    shots: tuple[Shot, ...]
    title: str | None = None


def parts_in_project(root: tuple[str, ...], folder: tuple[str, ...]) -> tuple[str, ...] | None:
    """Return the parts of *folder* below *root*; ``None`` if it lies outside, or in one of ``OWN_FOLDERS``.

    Both are the parts of paths whose links have been resolved. Case does not count in the names of ``OWN_FOLDERS``.
    """
    below = folder[len(root) :]
    outside = folder[: len(root)] != root
    return None if outside or OWN_FOLDERS & {part.casefold() for part in below} else below


class Output(Struct, frozen=True):
    """A film: its path relative to the project, its size in pixels, its rate in frames a second.

    *name* is its name in a storyboard with several films, empty otherwise. *fit* says how pictures of another shape
    fill the frame; *copy* whether packets of takes may be copied; fades from and to black at its ends are in seconds;
    *language* is that of its captions, by ISO 639-2. *crf* and *preset* are x264's for encoded segments. *loudness* in
    LUFS is the target of its sound; ``None`` leaves the sound as it is. *font* draws the captions; ``None`` is the
    built-in font. A film with animatics *is_draft*: it is written next to the final film, *file*, and not over it.
    Without *slate* no slate is drawn over animatics.
    """

    file: str
    size: Size
    fps: Fraction
    fit: Fit = "contain"
    copy: Literal["auto", "never"] = "auto"
    captions: Literal["sidecar", "stream", "burn", "none"] = "sidecar"
    language: str | None = None
    crf: int = DEFAULT_CRF
    preset: str = DEFAULT_PRESET
    comment: str | None = None
    chapters: bool = False
    fade_in: Fraction = Fraction(0)
    fade_out: Fraction = Fraction(0)
    name: str = ""
    loudness: Fraction | None = None
    font: FileInput | None = None
    is_draft: bool = False
    slate: bool = True

    @property
    def film(self) -> str:
        """The path of the film as it is made: that of the draft, if it holds animatics."""
        return self.written.draft.film if self.is_draft else self.file

    @property
    def written(self) -> "OutputFiles":
        """The paths that builds may write for this output, as a draft and as a final film."""
        return OutputFiles(self.file)


class FilmFiles:
    """The paths, relative to the project, of one film, its captions, and the folder of its links."""

    def __init__(self, film: str) -> None:
        stem = film.rpartition(".")[0]
        self.film = film
        self.captions = tuple(f"{stem}{end}" for end in CAPTION_SUFFIXES)
        self.links = stem

    @property
    def files(self) -> tuple[str, ...]:
        """All files, the film first."""
        return self.film, *self.captions


class OutputFiles:
    """The paths, relative to the project, that builds may write for the output *file*: all but the links to takes.

    A draft, which holds animatics or lacks shots, has paths of its own. Only the first output of a storyboard has links
    to takes.
    """

    def __init__(self, file: str) -> None:
        stem, _, suffix = file.rpartition(".")
        self.final = FilmFiles(file)
        self.draft = FilmFiles(f"{stem}.draft.{suffix}")

    @property
    def stems(self) -> tuple[str, ...]:
        """The paths without suffix, of the final film and the draft."""
        return self.final.links, self.draft.links

    @property
    def files(self) -> tuple[str, ...]:
        """All files, the final film first."""
        return *self.final.files, *self.draft.files


def lockfile_path(storyboard: str) -> str:
    """Return the path of the lockfile of the storyboard at *storyboard*: the same path with another suffix."""
    stem, dot, _ = storyboard.rpartition(".")
    return f"{stem if dot else storyboard}.lock"


class Storyboard(Struct, frozen=True):
    """A whole film as its author wrote it. ``file`` is its path in the project.

    ``more`` are further outputs: the shots in another size, rate or look. ``kept_lengths`` are the shots without a
    duration that last as long as their locked takes, each with the default of its model in seconds.
    """

    file: str
    output: Output
    scenes: tuple[Scene, ...]
    title: str | None = None
    provider: str = DEFAULT_PROVIDER
    budget: Decimal | None = None
    audio: tuple[Track, ...] = ()
    more: tuple[Output, ...] = ()
    kept_lengths: Mapping[str, Fraction] = {}

    @property
    def outputs(self) -> tuple[Output, ...]:
        """Every output, as written."""
        return (self.output, *self.more)

    def films(self) -> Iterator["Storyboard"]:
        """Yield one storyboard for each output, with that output alone."""
        for output in self.outputs:
            yield replace(self, output=output, more=())

    def shots(self) -> Iterator[Shot]:
        """Yield every shot in the order of the film, skipped ones included."""
        for scene in self.scenes:
            yield from scene.shots

    @property
    def made_of(self) -> tuple[MadeOf, ...]:
        """The materials of the film, as far as it shows them, in the order of ``MADE_OF``."""
        found = {material_of(shot.source) for shot in self.shots() if not shot.skip}
        return tuple(material for material in MADE_OF if material in found)

    @property
    def lockfile(self) -> str:
        """Path of the lockfile in the project: the path of the storyboard with another suffix."""
        return lockfile_path(self.file)

    def pictures(self) -> Iterator[tuple[str, FrameInput]]:
        """Yield the input pictures of takes, with the shot that uses each, in the order of the film."""
        for shot in self.shots():
            source = shot.source
            if isinstance(source, Generated):
                if source.first_frame is not None:
                    yield shot.id, source.first_frame
                if source.last_frame is not None:
                    yield shot.id, source.last_frame

    def files(self) -> Iterator[FileInput]:
        """Yield the files of the project that the film is made of."""
        yield from (frame for _, frame in self.pictures() if isinstance(frame, FileInput))
        for shot in self.shots():
            if isinstance(shot.source, Generated):
                continue
            match shot.source:
                case Clip(file) | Still(file) | TitleCard(font=FileInput() as file):
                    yield file
        yield from (track.file for track in self.audio)
        yield from (output.font for output in self.outputs if output.font is not None)

    def shot(self, shot_id: str) -> Shot:
        """Return the shot of that id. Raises ``KeyError``."""
        for shot in self.shots():
            if shot.id == shot_id:
                return shot
        raise KeyError(shot_id)
