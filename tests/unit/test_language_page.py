"""``docs/language.md`` says all that the schema says, and its film is one; so are the films of other pages."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.inside import run
from tests.project import HERE

PAGE = (HERE / "docs" / "language.md").read_text(encoding="utf-8")
SCHEMA = json.loads((HERE / "schemas" / "storyboard-1.schema.json").read_text(encoding="utf-8"))
BLOCK = re.compile(r"```yaml\n(.*?)```", re.DOTALL)


def fields(schema: Any) -> set[str]:
    """The names of all fields that the schema knows."""
    if isinstance(schema, list):
        return {name for item in schema for name in fields(item)}
    if not isinstance(schema, dict):
        return set()
    own = {name for name, value in schema.get("properties", {}).items() if value is not False}
    return own | {name for value in schema.values() for name in fields(value)}


def test_every_field_of_the_schema_stands_in_the_page() -> None:
    told = {word for code in re.findall(r"`([^`\n]+)`", PAGE) for word in re.findall(r"[a-z_]+", code)}
    known = fields(SCHEMA)
    assert len(known) > 60
    assert known - told == set()


def test_the_page_knows_the_fields_of_defaults() -> None:
    section = PAGE.split("## Defaults")[1].split("##")[0]
    assert {name for name in SCHEMA["definitions"]["defaults"]["properties"] if f"`{name}`" not in section} == set()


def test_the_film_of_the_page_has_no_findings(tmp_path: Path) -> None:
    for block in BLOCK.findall(PAGE):
        path = tmp_path / block.splitlines()[0].removeprefix("# ")
        path.parent.mkdir(exist_ok=True)
        path.write_text(block, encoding="utf-8")
    (tmp_path / "refs").mkdir()
    Image.new("RGB", (1280, 720)).save(tmp_path / "refs" / "finish.png")
    ran = run(tmp_path, {}, "check", "--json")
    assert (ran.code, ran.data["shots"], ran.data["findings"]) == (0, 5, []), ran


@pytest.mark.parametrize("page", ["README.md", "docs/versioning.md"])
def test_a_film_of_another_page_has_no_findings(page: str, tmp_path: Path) -> None:
    block = next(found for found in BLOCK.findall((HERE / page).read_text(encoding="utf-8")) if "scenes:" in found)
    whole = block if "version:" in block else f"version: 1\nvars: {{mood: calm}}\n{block}"
    (tmp_path / "storyboard.yaml").write_text(whole, encoding="utf-8")
    ran = run(tmp_path, {}, "check", "--json")
    assert (ran.code, ran.data["findings"]) == (0, []), ran
