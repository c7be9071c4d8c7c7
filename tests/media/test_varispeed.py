"""Gradual shifts of sound in time: without a step, and exactly as long as requested."""

import numpy as np
import pytest

from storyboard.core.audio import RATE
from storyboard.media.audio.varispeed import Varispeed
from tests.media.sounds import decibels, rms, tone


def played(sound, shift: int, at: int = RATE, pieces: int = 1024):
    """*sound* in pieces, with a shift asked for from sample *at* on."""
    speed, parts = Varispeed(), []
    for first in range(0, sound.shape[1], pieces):
        if first <= at < first + pieces:
            speed.shift(shift)
        parts.append(speed.feed(sound[:, first : first + pieces]))
    return np.concatenate([*parts, speed.flush()], axis=1)


def test_without_a_shift_every_sample_stays() -> None:
    sound = np.random.default_rng(1).standard_normal((2, 20_000)).astype(np.float32)
    assert np.array_equal(played(sound, 0, pieces=777), sound)


@pytest.mark.parametrize("shift", [1, -1, 480, -480, 1500, -1500, 4800])
def test_a_shift_ends_exactly_where_it_was_asked_for(shift: int) -> None:
    sound = np.random.default_rng(2).standard_normal((2, 14 * RATE)).astype(np.float32)
    made = played(sound, shift)
    assert made.shape[1] == sound.shape[1] + shift
    before = RATE // 1024 * 1024
    assert np.array_equal(made[:, :before], sound[:, :before])
    assert np.array_equal(made[:, -2 * RATE :], sound[:, -2 * RATE :])


@pytest.mark.parametrize("pitch", [100, 1000, 12_000])
@pytest.mark.parametrize("shift", [480, -480])
def test_a_tone_stays_a_tone(pitch: int, shift: int) -> None:
    """Against the tone as it would be at that speed: what differs is 60 dB below it, up to 12 kHz."""
    made = played(tone(8, pitch, 0.5), shift, at=0)
    places = np.arange(6 * RATE)
    length = abs(shift) * 500
    there = np.where(places < length + shift, places * length / (length + shift), places - shift)
    wanted = 0.5 * np.sin(2 * np.pi * pitch * there / RATE)
    assert decibels(rms(made[:, 100 : 6 * RATE] - wanted[100:]) / rms(made)) < -60


def test_the_pieces_it_comes_in_do_not_count() -> None:
    sound = np.random.default_rng(3).standard_normal((2, 3 * RATE)).astype(np.float32)
    once = played(sound, 96, at=0, pieces=3 * RATE)
    for pieces in (64, 1000, 5000):
        assert np.allclose(played(sound, 96, at=0, pieces=pieces), once, atol=1e-6)


def test_a_sound_may_end_in_the_middle_and_shifts_may_follow_each_other() -> None:
    sound = np.random.default_rng(4).standard_normal((2, 2 * RATE)).astype(np.float32)
    made = played(sound, 480, at=0)
    assert abs(made.shape[1] - (2 * RATE + 192)) <= 1
    speed = Varispeed()
    speed.shift(10)
    first = speed.feed(sound[:, :4000])
    speed.shift(-30)
    whole = np.concatenate([first, speed.feed(sound[:, 4000:]), speed.flush()], axis=1)
    assert whole.shape[1] == 2 * RATE - 20
    assert np.array_equal(whole[:, -RATE:], sound[:, -RATE:])
