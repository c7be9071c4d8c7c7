"""Colours of wider primaries than the film's, brought to those of BT.709: BT.2020 and Display P3, in standard range.

Matrices for linear light by ITU-R BT.2087-0 and SMPTE EG 432-1; the curve between is that of BT.709, which BT.2020
shares. What lies outside of BT.709 is cut off.
"""

import numpy as np
import numpy.typing as npt
from av.video.frame import VideoFrame

Rgb = npt.NDArray[np.uint8]
_Matrix = npt.NDArray[np.float32]

# By the number of the primaries in H.273.
_TO_709: dict[int, _Matrix] = {
    9: np.array(
        [[1.660491, -0.587641, -0.072850], [-0.124550, 1.132900, -0.008349], [-0.018151, -0.100579, 1.118730]],
        np.float32,
    ),
    12: np.array(
        [[1.224940, -0.224940, 0], [-0.042057, 1.042057, 0], [-0.019638, -0.078636, 1.098274]],
        np.float32,
    ),
}
_STEPS = 1 << 14  # of the way back, so many that the darkest of 256 are still told apart


def is_wide(frame: VideoFrame) -> bool:
    """Whether the colours of *frame* are not those of the film."""
    return frame.color_primaries in _TO_709


def narrowed(picture: Rgb, frame: VideoFrame) -> Rgb:
    """*picture* of *frame*, full range RGB, in the primaries of BT.709; as it is where they are those."""
    matrix = _TO_709.get(frame.color_primaries)
    if matrix is None:
        return picture
    light = _linear(np.arange(256) / 255).astype(np.float32)[picture] @ matrix.T
    steps = (np.clip(light, 0, 1) * (_STEPS - 1) + 0.5).astype(np.uint16)
    return np.asarray(_coded(np.arange(_STEPS) / (_STEPS - 1))[steps], np.uint8)


def _linear(value: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return np.where(value < 0.081, value / 4.5, ((value + 0.099) / 1.099) ** (1 / 0.45))


def _coded(light: npt.NDArray[np.float64]) -> Rgb:
    value = np.where(light < 0.018, light * 4.5, 1.099 * light**0.45 - 0.099)
    return np.asarray(np.round(value * 255), np.uint8)
