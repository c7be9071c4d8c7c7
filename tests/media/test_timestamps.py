"""Begin times of audio frames: transient deviations are ignored, lasting ones followed, at any rate."""

from collections.abc import Iterable, Sequence
from fractions import Fraction
from itertools import accumulate, pairwise

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from storyboard.media.audio.timestamps import assign_times

RATES = [8000, 11025, 16000, 22050, 24000, 32000, 44100, 48000, 88200, 96000, 176400, 192000]
MILLISECOND = Fraction(1, 1000)
LONG, SHORT = 2048, 256


def framed(sizes: Iterable[int], times: Iterable[int | None], rate: int, layout: str = "mono"):
    for samples, time in zip(sizes, times, strict=True):
        frame = av.AudioFrame(format="flt", layout=layout, samples=samples)
        frame.sample_rate, frame.pts = rate, time
        yield frame


def counted(sizes: Sequence[int]) -> list[int]:
    """The samples before each frame."""
    return [0, *accumulate(sizes)][:-1]


def placed(frames, tick: Fraction) -> list[tuple[float, bool]]:
    """The second at which each frame is played once gradual shifts are over, and whether there is a break before it."""
    found, at = [], Fraction(0)
    for frame, begins, gradual in assign_times(iter(frames), tick):
        at = at if begins is None else begins
        found.append((float(at), begins is not None and not gradual))
        at += Fraction(frame.samples, frame.sample_rate)
    return found


def breaks(found: list[tuple[float, bool]]) -> list[int]:
    """The numbers of the frames before which there is one; the first is none."""
    return [number for number, (_, new) in enumerate(found) if new and number]


def ticks(seconds: Iterable[float | Fraction], tick: Fraction) -> list[int]:
    return [round(Fraction(one) / tick) for one in seconds]


def blocks(rate: int, seconds: float, seed: int = 1) -> list[int]:
    """Sizes of blocks of Vorbis: long ones, now and then some short ones; at low rates all are of one size."""
    noise = np.random.default_rng(seed)
    sizes: list[int] = []
    while sum(sizes) < seconds * rate:
        sizes += [LONG] * int(noise.integers(1, 8)) + [SHORT] * int(noise.integers(2, 9))
    return sizes


def vorbis(sizes: list[int]) -> list[int]:
    """The samples of each frame: half of its block and half of the one before."""
    return [(one + other) // 4 for one, other in pairwise(sizes)]


@pytest.mark.parametrize("tick", ["sample", MILLISECOND], ids=["Ogg", "Matroska"])
@pytest.mark.parametrize("rate", RATES)
def test_times_that_jump_where_block_sizes_switch_make_no_break(rate: int, tick) -> None:
    tick = Fraction(1, rate) if tick == "sample" else tick
    sizes = blocks(rate, 8)
    frames = vorbis(sizes)
    late = [(one - other) // 4 if one > other else 0 for one, other in pairwise(sizes)]
    assert max(late) == (LONG - SHORT) // 4
    times = [Fraction(count + more, rate) for count, more in zip(counted(frames), late, strict=True)]
    assert breaks(placed(framed(frames, ticks(times, tick), rate), tick)) == []


@pytest.mark.parametrize("rate", RATES)
def test_times_of_the_ends_of_blocks_make_no_break(rate: int) -> None:
    """As old muxers wrote WebM; seconds of long blocks alone are as late as a long block is longer than a short one."""
    sizes = [*blocks(rate, 6), *[LONG] * (4 * rate // 1024), *blocks(rate, 3, 2)]
    frames = vorbis(sizes)
    times = [Fraction(count + samples, rate) for count, samples in zip(counted(frames), frames, strict=True)]
    found = placed(framed(frames, ticks(times, MILLISECOND), rate), MILLISECOND)
    assert breaks(found) == []
    moved = found[-1][0] - float(Fraction(sum(frames[:-1]), rate)) - found[0][0]
    assert abs(moved) < 0.001


@pytest.mark.parametrize("tick", [MILLISECOND, Fraction(1, 90000), Fraction(1, 25), Fraction(1)])
@pytest.mark.parametrize(("rate", "samples"), [(8000, 160), (44100, 1152), (44100, 1024), (48000, 960), (96000, 4096)])
def test_the_rounding_of_a_coarse_clock_makes_no_break(rate: int, samples: int, tick: Fraction) -> None:
    sizes = [samples] * (20 * rate // samples)
    times = [Fraction(count, rate) for count in counted(sizes)]
    found = placed(framed(sizes, ticks(times, tick), rate), tick)
    assert breaks(found) == []
    assert all(abs(at - float(due)) <= tick for (at, _), due in zip(found, times, strict=True))


@pytest.mark.parametrize("drift", [0, 90e-6, -90e-6, 1e-3, -1e-3])
@pytest.mark.parametrize("jitter", [0, 0.005, 0.02])
def test_a_clock_with_jitter_and_drift_is_followed_without_a_break(drift: float, jitter: float) -> None:
    rate, samples = 44100, 1024
    sizes = [samples] * (600 * rate // samples)
    noise = np.random.default_rng(3)
    true = [count / rate * (1 + drift) for count in counted(sizes)]
    times = [one + noise.uniform(-jitter, jitter) for one in true]
    found = placed(framed(sizes, ticks(times, MILLISECOND), rate), MILLISECOND)
    assert breaks(found) == []
    assert max(abs(at - due) for (at, _), due in zip(found, true, strict=True)) < 0.015 + 1.2 * jitter
    if not drift:
        assert len({round(at - due, 6) for (at, _), due in zip(found, true, strict=True)}) == 1


def codec_frames(rate: int) -> int:
    return 576 if rate < 16000 else 1024


@pytest.mark.parametrize("gap", ["packet", Fraction(1, 20), Fraction(3, 2), Fraction(600)])
@pytest.mark.parametrize("rate", RATES)
def test_what_is_missing_is_a_break_at_its_place_to_the_sample(rate: int, gap) -> None:
    samples = codec_frames(rate)
    sizes = [samples] * (8 * rate // samples)
    missing = samples if gap == "packet" else round(gap * rate)
    first = len(sizes) // 2
    times = [count + (missing if number >= first else 0) for number, count in enumerate(counted(sizes))]
    found = placed(framed(sizes, times, rate), Fraction(1, rate))
    if Fraction(missing, rate) <= Fraction(1, 100):
        assert breaks(found) == []
        return
    assert breaks(found) == [first]
    assert [at for at, _ in found] == [time / rate for time in times]


@pytest.mark.parametrize("gap", [0.0213, 0.05, 1.5])
def test_what_is_missing_in_matroska_is_a_break_within_a_millisecond(gap: float) -> None:
    rate, samples = 48000, 1024
    sizes = [samples] * 400
    true = [
        count / rate + (round(gap * 48000) / rate if number >= 200 else 0)
        for number, count in enumerate(counted(sizes))
    ]
    found = placed(framed(sizes, ticks(true, MILLISECOND), rate), MILLISECOND)
    assert breaks(found) == [200]
    assert max(abs(at - due) for (at, _), due in zip(found, true, strict=True)) < 0.0003


def test_a_packet_is_missed_among_switching_blocks() -> None:
    rate = 44100
    sizes = blocks(rate, 12)
    frames = vorbis(sizes)
    late = [(one - other) // 4 if one > other else 0 for one, other in pairwise(sizes)]
    times = [count + more for count, more in zip(counted(frames), late, strict=True)]
    lost = next(number for number in range(200, len(frames)) if frames[number - 1 : number + 2] == [1024] * 3)
    sizes, left = frames[:lost] + frames[lost + 1 :], times[:lost] + times[lost + 1 :]
    found = placed(framed(sizes, left, rate), Fraction(1, rate))
    assert breaks(found) == [lost]
    assert found[-1][0] == (counted(frames)[-1]) / rate


@given(st.lists(st.tuples(st.integers(4, 60), st.integers(20, 3000)), max_size=6))
def test_any_pauses_of_an_exact_clock_are_kept(pauses: list[tuple[int, int]]) -> None:
    rate, samples = 48000, 1024
    times, at = [], 0
    for frames, pause in [*pauses, (20, 0)]:
        times += [at + number * samples for number in range(frames)]
        at = times[-1] + samples + pause * rate // 1000
    found = placed(framed([samples] * len(times), times, rate), Fraction(1, rate))
    assert [at for at, _ in found] == [time / rate for time in times]


def test_packets_that_come_seldom_are_each_at_their_time() -> None:
    """As voice recorders do that send nothing while nobody speaks."""
    rate, samples = 48000, 960
    times = [number * 960 for number in range(100)]
    times += [times[-1] + 19200 * number for number in range(1, 20)]
    times += [times[-1] + 960 * number for number in range(1, 100)]
    found = placed(framed([samples] * len(times), times, rate), Fraction(1, rate))
    assert [at for at, _ in found] == [time / rate for time in times]


def test_what_comes_twice_begins_at_its_time() -> None:
    rate, samples = 48000, 1024
    sizes = [samples] * 200
    times = [count - (4800 if number >= 100 else 0) for number, count in enumerate(counted(sizes))]
    found = placed(framed(sizes, times, rate), Fraction(1, rate))
    assert breaks(found) == [100]
    assert found[-1][0] == times[-1] / rate


@pytest.mark.parametrize("off", [0.01146, -0.01594, 0.0184])
def test_a_first_packet_by_another_clock_goes_on_to_the_second(off: float) -> None:
    """As phones write it; with the next ones the sound is in step."""
    rate, samples = 48000, 1024
    times = [count + (round(off * rate) if number else 0) for number, count in enumerate(counted([samples] * 100))]
    found = placed(framed([samples] * 100, times, rate), Fraction(1, rate))
    assert breaks(found) == []
    assert found[1][0] == times[1] / rate


def test_a_pause_behind_the_first_packet_is_kept() -> None:
    rate, samples = 44100, 1024
    times = [count + (4883 if number else 0) for number, count in enumerate(counted([samples] * 100))]
    assert breaks(placed(framed([samples] * 100, times, rate), Fraction(1, rate))) == [1]


def test_another_rate_and_frames_without_a_time_go_on() -> None:
    first = framed([1024] * 50, [number * 1024 for number in range(50)], 48000)
    more = framed([1024] * 50, [None] * 50, 48000)
    again = framed([1024] * 50, [100 * 1024 + number * 2048 for number in range(50)], 24000)
    found = placed([*first, *more, *again], Fraction(1, 48000))
    assert breaks(found) == [100]
    assert [at for at, _ in found[:101]] == [number * 1024 / 48000 for number in range(101)]
    assert found[-1][0] == (100 * 1024 + 49 * 2048) / 48000


@pytest.mark.parametrize("left", [1, 2, 3])
def test_a_few_last_frames_are_believed_only_beyond_a_packet(left: int) -> None:
    rate, samples = 48000, 1024
    for late, believed in ((500, False), (9600, True)):
        times = [count + (late if number >= 100 - left else 0) for number, count in enumerate(counted([samples] * 100))]
        found = placed(framed([samples] * 100, times, rate), Fraction(1, rate))
        assert breaks(found) == ([100 - left] if believed else [])


def test_a_wrong_time_alone_moves_nothing() -> None:
    rate, samples = 48000, 1024
    for wrong in (-30000, 30000, 4800):
        times = [count + (wrong if number in (70, 71) else 0) for number, count in enumerate(counted([samples] * 200))]
        found = placed(framed([samples] * 200, times, rate), Fraction(1, rate))
        assert breaks(found) == []
        assert found[-1][0] == times[-1] / rate


def test_only_a_second_is_read_ahead() -> None:
    read = 0

    def frames():
        nonlocal read
        for frame in framed([1024] * 1000, [number * 1024 for number in range(1000)], 48000):
            read += 1
            yield frame

    for number, _ in enumerate(assign_times(frames(), Fraction(1, 48000))):
        assert read - number <= 48
