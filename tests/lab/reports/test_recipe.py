"""The recipe: what people write is read, and a mistake is told with its file and line."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from palate.core.errors import BadInput
from palate.lab.reports.recipe import KEYS, read_recipe

GOOD = """---
runs:
    a1  # dim 64
    b2, c3
audio_mb: 2.5
---
# Title

Text with `code`.

```plot
# a remark
curves: loss,
    ndcg_at_10
log: y
```

```python
curves: none of ours
```

```table a1 cohorts by week
rows: 3
```
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "r.md"
    path.write_text(text, encoding="utf-8")
    return path


def test_blocks_know_what_they_say_and_where(tmp_path: Path) -> None:
    found = read_recipe(written(tmp_path, GOOD))
    assert found.front.entries["runs"].parts == (("a1", 3), ("b2", 4), ("c3", 4))
    assert found.audio_mb == 2.5
    plot, table = found.blocks.values()
    assert (plot.kind, plot.line, plot.names("curves"), plot.entries["curves"].line) == (
        "plot", 11, ["loss", "ndcg_at_10"], 13,
    )  # fmt: skip
    assert (table.kind, table.line, table.names("runs"), table.text("name")) == ("table", 22, ["a1"], "cohorts by week")
    assert table.count("rows", 50) == 3
    assert table.count("limit", 50) == 50


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        (
            "```plot\ncurve: loss\n```",
            2,
            "```plot knows no 'curve'; choose from runs, where, sort, limit, caption, curves",
        ),
        ("\n```plot\ncurves\n```", 3, "'curves' is not `key: value`"),
        ("```plot\ncurves: a\ncurves: b\n```", 3, "curves was given in line 2 already"),
        ("text\n\n```plots\n```", 3, "```plots is no block; did you mean ```plot?"),
        ("```runs a1\n```", 1, "'a1' stands beside ```runs; write `key: value` below it"),
        ("```table a1\nruns: b2\n```", 2, "runs stands beside ```table already"),
        ("- a list\n\n  ```plot\n  curves: a\n  ```", 3, "a block inside a list or quotation is not filled"),
        ("---\nruns: a1\n", 1, "the --- at the top has no second one"),
        ("---\ntitle: a\n---\n", 2, "--- knows no 'title'; choose from runs, audio_mb"),
    ],
)
def test_a_mistake_has_its_file_and_line(tmp_path: Path, text: str, line: int, says: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(BadInput) as caught:
        read_recipe(path)
    assert str(caught.value).startswith(f"{path}:{line}: ")
    assert says in str(caught.value)


@pytest.mark.parametrize("limit", ["none", "0", "-1", "inf", "nan"])
def test_the_limit_of_sounds_is_a_number(tmp_path: Path, limit: str) -> None:
    found = read_recipe(written(tmp_path, f"---\naudio_mb: {limit}\n---\n"))
    with pytest.raises(BadInput, match=r"r\.md:2: audio_mb"):
        _ = found.audio_mb


def test_a_count_is_a_whole_number(tmp_path: Path) -> None:
    (block,) = read_recipe(written(tmp_path, "```runs\nlimit: many\n```")).blocks.values()
    with pytest.raises(BadInput, match=r"r\.md:2: limit: 'many' must be a whole number"):
        block.count("limit", 1)


def test_what_is_not_text_is_told(tmp_path: Path) -> None:
    path = tmp_path / "r.md"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(BadInput, match="is not UTF-8 text"):
        read_recipe(path)


@given(st.dictionaries(st.sampled_from(KEYS["plot"]), st.from_regex(r"[a-z0-9_.]{1,20}", fullmatch=True), min_size=1))
def test_what_is_written_is_read(tmp_path_factory: pytest.TempPathFactory, told: dict[str, str]) -> None:
    text = "```plot\n" + "".join(f"{key}:  {value}\n" for key, value in told.items()) + "```\n"
    (block,) = read_recipe(written(tmp_path_factory.mktemp("recipe"), text)).blocks.values()
    assert {key: block.text(key) for key in block.entries} == told


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused_with_its_line(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.mktemp("recipe") / "r.md"
    path.write_bytes(text.encode("utf-8", "replace"))
    try:
        read_recipe(path)
    except BadInput as error:
        assert str(error).startswith(f"{path}:")  # noqa: PT017  # most texts are read
