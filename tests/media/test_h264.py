import pytest

from storyboard.media import h264

# SPS and PPS of number 0 and 1 for the same 320x180 pictures, and a PPS 0 that uses CAVLC.
SPS_0 = bytes.fromhex("6764000cacb40a0cfcf350101014000003000400000300c23c50aa80")
SPS_1 = bytes.fromhex("6764000c4b2d02833f3cd4040405000003000100000300308f142aa0")
PPS_0 = bytes.fromhex("68ef3cb0")
PPS_1 = bytes.fromhex("684af3cb")
PPS_0_OTHER = bytes.fromhex("68cf3cb0")


def sets(sps: bytes = SPS_0, pps: bytes = PPS_0, **other: int) -> h264.ParameterSets:
    numbers = {"profile": 100, "compatibility": 0, "level": 12, "length_size": 4, **other}
    return h264.ParameterSets(**numbers, sps=(sps,), pps=(pps,))


def test_sets_know_their_numbers():
    assert (h264.sps_id(SPS_0), h264.sps_id(SPS_1)) == (0, 1)
    assert (h264.pps_id(PPS_0), h264.pps_id(PPS_1)) == (0, 1)


def test_merged_box_reads_back():
    together = h264.merge([sets(), sets(SPS_1, PPS_1, level=31), sets()])
    assert h264.parse_avcc(h264.build_avcc(together)) == together
    assert (together.sps, together.pps, together.level) == ((SPS_0, SPS_1), (PPS_0, PPS_1), 31)


def test_merged_box_promises_only_what_all_keep():
    together = h264.merge([sets(compatibility=0xE0), sets(SPS_1, PPS_1, profile=77, compatibility=0x40, length_size=2)])
    assert (together.profile, together.compatibility, together.length_size) == (100, 0x40, 4)


def test_conflict_names_both_sides():
    with pytest.raises(h264.ParameterSetConflict) as caught:
        h264.merge([sets(SPS_1, PPS_1), sets(), sets(SPS_0, PPS_0_OTHER)])
    assert (caught.value.first, caught.value.second, caught.value.what) == (1, 2, "PPS 0")


def test_digest_depends_on_content_and_order():
    both = h264.merge([sets(), sets(SPS_1, PPS_1)])
    other_way = h264.merge([sets(SPS_1, PPS_1), sets()])
    assert len({both.digest(), other_way.digest(), sets().digest()}) == 3
    assert sets().digest() == sets(level=40).digest()


@pytest.mark.parametrize("length", range(43))
def test_box_that_ends_early_is_an_error(length):
    with pytest.raises(ValueError, match="avcC"):
        h264.parse_avcc(h264.build_avcc(sets())[:length])


def test_annex_b_is_not_a_box():
    with pytest.raises(ValueError, match="not an avcC"):
        h264.parse_avcc(b"\0\0\0\1" + SPS_0)


def test_packet_is_repacked_without_parameter_sets():
    idr, slice_ = b"\x65picture", b"\x41more"
    parts = [SPS_0, PPS_0, idr, slice_]
    packet = b"".join(len(part).to_bytes(2, "big") + part for part in parts)
    repacked = h264.repack(memoryview(packet), 2)
    assert [bytes(unit) for unit in h264.split_units(memoryview(repacked), 4)] == [idr, slice_]
    assert h264.is_idr(h264.split_units(memoryview(repacked), 4))
    assert not h264.is_idr([memoryview(slice_)])


def test_unit_longer_than_its_packet_is_an_error():
    with pytest.raises(ValueError, match="ends after"):
        list(h264.split_units(memoryview(b"\0\0\0\x09abc"), 4))


def test_set_that_ends_early_is_an_error():
    with pytest.raises(ValueError, match="ends early"):
        h264.pps_id(b"\x68\x00")
