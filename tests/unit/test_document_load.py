"""What a storyboard means once its defaults, vars, includes and links are worked out."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storyboard.core.diagnostics import Diagnostic
from storyboard.core.model import FileInput, FrameLink, Generated, Size, Storyboard, UrlInput
from storyboard.document.load import MAX_FINDINGS, MAX_SHOTS, Loaded, load
from storyboard.document.lower_text import MAX_TEXT
from storyboard.providers.models import cards
from storyboard.report.diagnostics import render
from tests.unit.projects import MemoryFiles, codes, film, load_text, only

SHOT = "id: glide, prompt: A slow glide."
QUICK = settings(deadline=None, max_examples=60)


def storyboard(text: str, **files: str) -> Storyboard:
    result = load_text(text, None, **files)
    assert result.findings == []
    assert result.storyboard is not None
    return result.storyboard


def source(text: str, shot: str = "glide", **files: str) -> Generated:
    found = storyboard(text, **files).shot(shot).source
    assert isinstance(found, Generated)
    return found


def test_bare_shot_gets_the_defaults_of_the_language() -> None:
    made = source(film(SHOT))
    assert (made.model, made.provider, made.seed) == ("runway:1@2", "local", 1)
    assert (made.duration, made.size) == (Fraction(5), Size(1280, 720))


@pytest.mark.parametrize(
    ("top", "scene", "shot", "duration"),
    [
        ("", "", "", 5),
        ("defaults: {duration: 8}\n", "", "", 8),
        ("defaults: {duration: 10}\n", "defaults: {duration: 8}", "", 8),
        ("defaults: {duration: 5}\n", "defaults: {duration: 8}", ", duration: 10.0", 10),
    ],
)
def test_nearest_default_wins(top: str, scene: str, shot: str, duration: int) -> None:
    text = f"version: 1\n{top}scenes:\n  - id: a\n    shots: [{{{SHOT}{shot}}}]\n    {scene}\n"
    assert source(text).duration == duration


def test_model_and_provider_of_the_storyboard_are_the_weakest_default() -> None:
    text = film(SHOT, "id: drift, prompt: b, provider: local", head="provider: runware\n")
    assert source(text).provider == "runware"
    assert source(text, "drift").provider == "local"


def test_provider_of_the_caller_beats_every_other() -> None:
    text = film(SHOT + ", provider: runware", head="provider: runware\n")
    result = load_text(text, "local")
    assert result.storyboard is not None
    made = result.storyboard.shot("glide").source
    assert isinstance(made, Generated)
    assert (made.provider, result.storyboard.provider) == ("local", "local")


def test_provider_of_the_caller_that_does_not_make_the_model_is_told_once() -> None:
    finding = only(load_text(film(SHOT, "id: b, prompt: c"), "nobody"))
    assert (finding.code, finding.span) == ("unknown-provider", None)


def test_params_are_merged_key_by_key() -> None:
    head = "defaults: {params: {ttl: 60, safety: {mode: fast, checkContent: true}}}\n"
    made = source(film(SHOT + ", params: {ttl: 90, safety: {mode: full}}", head=head))
    assert made.params == {"ttl": 90, "safety": {"mode": "full", "checkContent": True}}


def test_vars_fill_texts_and_params() -> None:
    head = "vars: {mood: moody, y: 1980s}\n"
    shot = "id: glide, title: '${mood}', prompt: 'A ${mood} $${mood} of the ${y}', params: {outputFormat: '${y}'}"
    text = film(shot, head=head + "title: The ${y}\n")
    assert source(text).prompt == "A moody ${mood} of the 1980s"
    assert source(text).params == {"outputFormat": "1980s"}
    assert (storyboard(text).title, storyboard(text).shot("glide").title) == ("The 1980s", "moody")


def test_text_is_normalised_and_trimmed() -> None:
    assert source(film("id: glide, prompt: '  cafe\u0301 '")).prompt == "caf\u00e9"


def test_var_that_is_too_long_for_its_text_is_refused_before_it_is_built() -> None:
    head = f"vars: {{a: {'x' * 3_000}}}\n"
    text = film(f"id: glide, prompt: '{'${a}' * 900}'", head=head)
    assert codes(load_text(text)) == ["text-too-long"]
    assert MAX_TEXT < 900 * 3_000


def test_included_scene_is_read_relative_to_itself() -> None:
    text = "version: 1\nvars: {m: moody}\nscenes: [{include: scenes/river.yaml}]\n"
    scene = "id: river\nshots: [{id: glide, prompt: '${m}', first_frame: ../refs/a.png}]\n"
    made = source(text, scenes__river_yaml=scene, refs__a_png="")
    assert (made.prompt, made.first_frame) == ("moody", FileInput("refs/a.png"))


def test_frames_are_files_addresses_or_links() -> None:
    text = film(
        SHOT + ", duration: 5",
        "id: a, prompt: x, first_frame: a.png",
        "id: b, prompt: x, first_frame: https://example.com/a.png",
        "id: c, prompt: x, first_frame: {shot: glide}",
        "id: d, prompt: x, first_frame: {shot: glide, at: first}",
        "id: e, prompt: x, first_frame: {shot: glide, at: 4.9}",
    )
    found = [source(text, shot, a_png="").first_frame for shot in "abcde"]
    assert found == [
        FileInput("a.png"),
        UrlInput("https://example.com/a.png"),
        FrameLink("glide"),
        FrameLink("glide", "first"),
        FrameLink("glide", Fraction(49, 10)),
    ]


def test_circles_are_told_as_paths_from_their_first_shot() -> None:
    ways = {"a": "c", "b": "a", "c": "b", "d": "d", "e": "a"}
    found = load_text(
        film(*(f"id: {shot}, prompt: x, first_frame: {{shot: {source}}}" for shot, source in ways.items()))
    )
    assert [(finding.code, finding.message) for finding in found.findings] == [
        ("link-cycle", "frame links form a cycle: a -> c -> b -> a"),
        ("self-link", "shot `d` uses a frame of itself"),
    ]


def test_picture_of_many_shots_is_looked_at_once() -> None:
    files = MemoryFiles({"s.yaml": film(*(f"id: s{n}, prompt: x, first_frame: a.png" for n in range(5))), "a.png": ""})
    assert load("s.yaml", files, cards()).findings == []
    assert files.asked == ["s.yaml", "a.png"]


def test_nothing_outside_the_project_is_asked_for() -> None:
    shots = [
        f"id: s{n}, prompt: x, first_frame: '{path}'" for n, path in enumerate(("../a.png", "/a.png", "a/../../b"))
    ]
    files = MemoryFiles({"s.yaml": film(*shots) + "  - include: ../scene.yaml\n  - include: /scene.yaml\n"})
    assert not load("s.yaml", files, cards()).storyboard
    assert files.asked == ["s.yaml"]


@pytest.mark.parametrize(
    ("path", "film_file"),
    [
        ("storyboard.yaml", "out/film.mp4"),
        ("harbor.yaml", "out/harbor.mp4"),
        ("ads/harbor.storyboard.yml", "ads/out/harbor.mp4"),
        ("ads/night/storyboard.yaml", "ads/night/out/night.mp4"),
    ],
)
def test_film_is_called_after_its_storyboard(path: str, film_file: str) -> None:
    result = load(path, MemoryFiles({path: film(SHOT)}), cards())
    assert result.storyboard is not None
    assert result.storyboard.output.file == film_file


def test_output_is_what_is_asked_for() -> None:
    head = "output: {file: ./cuts/../a.mp4, size: 720x1280, fps: 30000/1001}\nbudget: 12.50\n"
    made = storyboard(film(SHOT, head=head))
    assert made.output.file == "a.mp4"
    assert (made.output.size, made.output.fps) == (Size(720, 1280), Fraction(30000, 1001))
    assert made.budget == Decimal("12.5")
    assert source(film(SHOT, head=head)).size == Size(720, 1280)


def test_output_takes_size_and_rate_of_the_first_shot_in_the_film() -> None:
    made = storyboard(film("id: a, prompt: x, size: 960x960, skip: true", "id: b, prompt: x, size: 720x1280"))
    assert (made.output.size, made.output.fps) == (Size(720, 1280), Fraction(24))


def test_output_size_that_no_model_makes_leaves_the_size_of_shots_alone() -> None:
    head = "output: {size: 1920x1080}\n"
    assert source(film(SHOT, head=head)).size == Size(1280, 720)
    assert storyboard(film(SHOT, head=head)).output.size == Size(1920, 1080)


def test_tags_of_a_scene_count_for_its_shots() -> None:
    text = film("id: glide, prompt: x, tags: [b, a]").replace("id: river\n", "id: river\n    tags: [a, c]\n")
    assert storyboard(text).shot("glide").tags == ("a", "c", "b")


def test_skipped_shot_is_checked_and_kept() -> None:
    text = film(SHOT, "id: b, prompt: x, skip: true, first_frame: {shot: c}", "id: c, prompt: x, skip: true")
    assert [shot.skip for shot in storyboard(text).shots()] == [False, True, True]


def test_place_of_a_field_is_where_it_was_written() -> None:
    text = film(SHOT + ", seed: 7", head="defaults: {duration: 5}\n")
    result = load_text(text)
    places = [result.place("glide"), result.place("glide", "seed"), result.place("glide", "duration")]
    lines = text.split("\n")
    cut = [lines[p.line - 1][p.column - 1 : p.end_column - 1] for p in places if p is not None]
    assert cut == ["glide", "7", "5"]
    assert (result.place("glide", "size"), result.place("nobody")) == (None, None)


def test_missing_storyboard_is_a_finding() -> None:
    result = load("a.yaml", MemoryFiles({}), cards())
    assert (only(result).code, only(result).span, result.storyboard) == ("unreadable-file", None, None)


def test_warning_does_not_stop_a_film() -> None:
    chain = [f"id: s{n}, prompt: x, first_frame: {{shot: s{n - 1}}}" for n in range(1, 6)]
    result = load_text(film("id: s0, prompt: x", *chain))
    assert codes(result) == ["long-chain"]
    assert result.storyboard is not None


def test_default_that_does_not_fit_is_told_once_with_a_shot() -> None:
    finding = only(load_text(film(SHOT, "id: b, prompt: x", head="defaults: {size: 640x480}\n")))
    assert finding.code == "model-size"
    assert [note.span.line for note in finding.notes] == [6]


def test_findings_of_a_huge_film_are_counted_at_the_end() -> None:
    result = load_text(film(*(f"id: s{n}, prompt: x, seed: 2147483648" for n in range(700))))
    assert len(result.findings) == MAX_FINDINGS + 1
    assert result.findings[-1].message == "200 more findings are not listed"


def test_too_many_shots_are_not_checked() -> None:
    shots = ["{}"] * (MAX_SHOTS + 1)
    text = f"version: 1\nscenes:\n  - {{id: a, shots: [{', '.join(shots)}]}}\n"
    assert codes(load_text(text)) == ["too-many-shots"]


def test_params_are_bounded() -> None:
    many = ", ".join(str(n) for n in range(300))
    assert codes(load_text(film(SHOT + f", params: {{safety: [{many}]}}"))) == ["params-too-big"]


def test_long_circle_is_drawn_short() -> None:
    shots = [f"id: s{n}, prompt: x, first_frame: {{shot: s{(n + 1) % 200}}}" for n in range(200)]
    finding = only(load_text(film(*shots)))
    assert finding.message.endswith("s8 -> s9 -> … -> s0")


def test_loading_leaves_heavy_libraries_alone() -> None:
    import subprocess
    import sys

    code = (
        "import sys\n"
        "from tests.unit.projects import load_text, film\n"
        "assert load_text(film('id: a, prompt: b')).storyboard\n"
        "print([name for name in ('jsonschema', 'networkx', 'PIL', 'httpx', 'av', 'rich') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


ids = st.sampled_from(["a", "b", "c", "A", "con", "x" * 70, "", "é"])
scalars = st.one_of(
    ids,
    st.none(),
    st.booleans(),
    st.integers(-2, 2**33),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(
        ["${m}", "${n}", "$${", "${", "a.png", "../a", "https://x/y.png", "1280x720", "16:9", "cut", "nul"]
    ),
    st.text(max_size=6),
)
anything = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
)
frames = st.fixed_dictionaries({"shot": ids}, optional={"at": scalars}) | scalars
shot_fields = {
    "prompt": scalars,
    "seed": scalars,
    "duration": st.sampled_from([5, 8, 7, "8s", 0]),
    "size": scalars,
    "model": scalars,
    "provider": st.sampled_from(["local", "runware", "nobody"]),
    "first_frame": frames,
    "last_frame": frames,
    "params": st.dictionaries(st.sampled_from(["ttl", "slate", "fps", "cfg"]), anything, max_size=2) | scalars,
    "trim": st.fixed_dictionaries({}, optional={"start": scalars, "end": scalars}),
    "transition": anything,
    "caption": anything,
    "clip": scalars,
    "card": anything,
    "tags": st.lists(scalars, max_size=3),
    "skip": scalars,
    "hold": scalars,
    "wibble": anything,
}
shots = st.fixed_dictionaries({"id": ids}, optional=shot_fields) | anything
scenes = st.fixed_dictionaries({"id": ids, "shots": st.lists(shots, max_size=4)}, optional={"defaults": anything})
films = st.fixed_dictionaries(
    {"version": st.just(1), "scenes": st.lists(scenes | st.just({"include": "s.yaml"}) | anything, max_size=3)},
    optional={
        "vars": st.dictionaries(st.sampled_from(["m", "o"]), scalars, max_size=2) | anything,
        "output": st.fixed_dictionaries({}, optional={"file": scalars, "size": scalars, "fps": scalars}) | anything,
        "title": scalars,
        "budget": scalars,
        "defaults": st.fixed_dictionaries({}, optional=shot_fields),
    },
)


def places_lie_inside(result: Loaded) -> bool:
    def inside(finding: Diagnostic) -> bool:
        if finding.span is None:
            return True
        lines = result.texts[finding.span.file].split("\n")
        return finding.span.column <= len(lines[finding.span.line - 1]) + 1

    return all(map(inside, result.findings))


@QUICK
@given(films | anything, scenes | anything)
def test_any_storyboard_is_answered_with_places_inside(whole: object, scene: object) -> None:
    import json

    texts = [json.dumps(value, ensure_ascii=False) for value in (whole, scene)]
    result = load_text(texts[0], None, s_yaml=texts[1], a_png="")
    errors = [finding for finding in result.findings if finding.severity == "error"]
    assert (result.storyboard is None) == bool(errors)
    assert places_lie_inside(result)
    assert render(result.findings, result.texts).endswith("\n") == bool(result.findings)


@QUICK
@given(st.text(st.sampled_from("version: 1\nscenes[]{}id shotprm-'\"&*!|>#\t$é")))
def test_any_text_is_answered(text: str) -> None:
    result = load_text(text)
    assert result.storyboard is not None or result.findings
    assert places_lie_inside(result)
