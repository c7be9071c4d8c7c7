"""Fonts of this machine: found by the letters that they have, in folders that hold anything."""

import os
import time
from pathlib import Path

import pytest

from storyboard.fonts import BUILTIN, installed
from storyboard.fonts.installed import InstalledFonts, read_faces, system_folders, writing_region
from tests.fonts import font_file


class Memory(dict[tuple[str, str], str]):
    def find_fact(self, digest: str, kind: str) -> str | None:
        return self.get((digest, kind))

    def add_fact(self, digest: str, kind: str, fact: str) -> None:
        self[digest, kind] = fact


def extra() -> Path:
    return font_file("cjk").parent


def fonts(*folders: Path, memory: Memory | None = None) -> InstalledFonts:
    return InstalledFonts(memory, {"STORYBOARD_FONTS": os.pathsep.join(map(str, folders))})


def aged(folder: Path) -> Path:
    """The folder as it looks a while after its last change."""
    for path in (folder, *folder.rglob("*")):
        os.utime(path, (1_700_000_000, 1_700_000_000), follow_symlinks=False)
    return folder


@pytest.mark.parametrize(
    ("letters", "language", "family"),
    [
        ("夜の川", None, "Noto Sans CJK JP"),
        ("夜の川", "zho", "Noto Sans CJK JP"),
        ("서울의밤", None, "Noto Sans CJK KR"),
        ("东京夜", None, "Noto Sans CJK SC"),
        ("臺灣", None, "Noto Sans CJK TC"),
        ("東京", "jpn", "Noto Sans CJK JP"),
        ("東京", "kor", "Noto Sans CJK KR"),
        ("東京", "yue", "Noto Sans CJK HK"),
        ("働駅", None, "Noto Sans CJK JP"),
    ],
)
def test_chinese_characters_have_the_forms_of_the_language(letters: str, language: str | None, family: str) -> None:
    faces, missing = fonts(extra()).find(letters, language)
    assert ([face.family for face in faces], missing) == ([family], "")


def test_letters_of_no_font_are_left_over_and_the_others_are_found() -> None:
    faces, missing = fonts(extra()).find("夜ภの\U0001f600")
    assert ([face.family for face in faces], missing) == (["Noto Sans CJK JP"], "ภ\U0001f600")
    assert fonts().find("夜") == ((), "夜")


def test_without_the_setting_the_extra_comes_before_the_system(tmp_path: Path) -> None:
    found = InstalledFonts(None, {"XDG_DATA_HOME": str(tmp_path), "XDG_DATA_DIRS": str(tmp_path)})
    faces, _ = found.find("夜の川")
    assert [Path(face.file).parent for face in faces] == [extra().resolve()]
    assert list(found.folders) == [str(extra().resolve())]  # no folder of the system was read


def test_folders_of_fontconfig_are_read(tmp_path: Path) -> None:
    config = tmp_path / "fonts.conf"
    config.write_text(
        f'<fontconfig><dir>{tmp_path}/a</dir><dir prefix="xdg">b</dir><dir>relative</dir></fontconfig>', "utf-8"
    )
    folders = list(system_folders({"FONTCONFIG_FILE": str(config), "XDG_DATA_HOME": "/data"}))
    assert folders[:2] == [f"{tmp_path}/a", "/data/b"]
    assert not any("relative" in folder for folder in folders)
    assert list(system_folders({"FONTCONFIG_FILE": str(tmp_path)}))  # a folder in place of the file


def test_a_folder_of_fonts_may_hold_anything(tmp_path: Path) -> None:
    whole = (extra() / "NotoSansCJK-Regular.ttc").read_bytes()
    (tmp_path / "cut.ttc").write_bytes(whole[:200])
    (tmp_path / "many.ttc").write_bytes(b"ttcf\x00\x01\x00\x00\xff\xff\xff\xff" + bytes(200))
    (tmp_path / "tables.otf").write_bytes(b"OTTO\xff\xff" + b"\xff" * 5000)
    (tmp_path / "text.ttf").write_text("no font", "utf-8")
    (tmp_path / "empty.otf").touch()
    (tmp_path / "folder.ttf").mkdir()
    (tmp_path / "gone.ttf").symlink_to(tmp_path / "nothing")
    (tmp_path / "loop").symlink_to(tmp_path)
    (tmp_path / "headless.ttf").write_bytes(whole[:4000] + bytes(4000))
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe.ttf")
    assert fonts(tmp_path).find("夜") == ((), "夜")
    assert all(not read_faces(str(path)) for path in tmp_path.iterdir() if path.name != "headless.ttf")


def test_a_font_whose_table_of_letters_lies_is_passed_over(tmp_path: Path) -> None:
    data = bytearray(BUILTIN.read_bytes())
    tables = {bytes(data[at : at + 4]): at for at in range(12, 12 + 16 * data[5], 16)}
    entry = tables[b"glyf"]
    start = int.from_bytes(data[entry + 8 : entry + 12], "big")
    data[start : start + 400_000] = b"\xff" * 400_000
    (tmp_path / "lies.ttf").write_bytes(data)
    assert read_faces(str(tmp_path / "lies.ttf"))
    assert fonts(tmp_path).find("Aж")[0] == ()


def test_a_folder_is_read_again_only_when_it_has_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(300):
        (tmp_path / f"{number}.ttf").symlink_to(BUILTIN)
    aged(tmp_path)
    memory, read = Memory(), list[str]()
    monkeypatch.setattr(installed, "read_faces", lambda file: read.append(file) or read_faces(file))
    monkeypatch.setattr(time, "time_ns", lambda: 4_000_000_000_000_000_000)
    assert len(fonts(tmp_path, memory=memory).find("ж")[0]) == 1
    assert len(read) == 300
    assert len(fonts(tmp_path, memory=memory).find("ж")[0]) == 1
    assert len(read) == 300
    (tmp_path / "new.ttf").symlink_to(BUILTIN)
    fonts(tmp_path, memory=memory).find("ж")
    assert len(read) == 601


def test_a_damaged_index_is_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.ttf").symlink_to(BUILTIN)
    monkeypatch.setattr(time, "time_ns", lambda: 4_000_000_000_000_000_000)
    memory = Memory()
    fonts(tmp_path, memory=memory).find("ж")
    for key in memory:
        memory[key] = '[["a"'
    assert fonts(tmp_path, memory=memory).find("ж")[1] == ""


def test_kana_and_hangul_decide_before_the_language() -> None:
    assert [writing_region(text, "zho") for text in ("夜の川", "밤", "夜")] == ["JP", "KR", "SC"]
