import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from palate.core.artefacts import (
    atomic_file,
    atomic_folder,
    packed_texts,
    read_arrays,
    read_json,
    unpacked_texts,
    write_arrays,
    write_json,
)
from palate.core.errors import Corrupt

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_file_appears_whole_and_alone(tmp_path):
    with atomic_file(tmp_path / "deep" / "a.txt") as temporary:
        temporary.write_text("whole")
        assert not (tmp_path / "deep" / "a.txt").exists()
    assert (tmp_path / "deep" / "a.txt").read_text() == "whole"
    assert names(tmp_path / "deep") == ["a.txt"]


def test_an_error_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")

    def write_half():
        with atomic_file(path) as temporary:
            temporary.write_text("ha")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_half()
    assert path.read_text() == "old"
    assert names(tmp_path) == ["a.txt"]


def test_a_folder_appears_whole_and_alone(tmp_path):
    with atomic_folder(tmp_path / "taste@1") as temporary:
        (temporary / "inner").mkdir()
        (temporary / "inner" / "a.txt").write_text("a")
        assert not (tmp_path / "taste@1").exists()
    assert (tmp_path / "taste@1" / "inner" / "a.txt").read_text() == "a"
    assert names(tmp_path) == ["taste@1"]


def publish_again(path):
    with atomic_folder(path) as temporary:
        (temporary / "new.txt").write_text("new")


def test_a_published_folder_never_changes(tmp_path):
    path = tmp_path / "taste@1"
    with atomic_folder(path) as temporary:
        (temporary / "a.txt").write_text("a")
    with pytest.raises(OSError, match="not empty"):
        publish_again(path)
    assert names(path) == ["a.txt"]
    assert names(tmp_path) == ["taste@1"]


def test_what_a_killed_writer_left_is_removed_and_other_folders_are_not(tmp_path):
    (tmp_path / ".taste@1.999999.tmp").mkdir()
    (tmp_path / ".taste@1.999999.tmp" / "half.npz").write_bytes(b"half")
    (tmp_path / ".taste@2.999999.tmp").mkdir()
    publish_again(tmp_path / "taste@1")
    assert names(tmp_path) == [".taste@2.999999.tmp", "taste@1"]


def test_json_is_readable_and_sorted(tmp_path):
    write_json(tmp_path / "a.json", {"b": 1, "a": "café"})
    assert (tmp_path / "a.json").read_text(encoding="utf-8") == '{\n  "a": "café",\n  "b": 1\n}\n'


@settings(max_examples=25)  # each example waits for the disk
@given(value=json_values)
def test_json_comes_back(tmp_path_factory, value):
    path = tmp_path_factory.mktemp("json") / "a.json"
    write_json(path, value)
    assert read_json(path) == value


@pytest.mark.parametrize("content", [b"", b'{"a": ', b"\xff\xfe"])
def test_damaged_json_says_which_file(tmp_path, content):
    path = tmp_path / "a.json"
    path.write_bytes(content)
    with pytest.raises(Corrupt, match=r"a\.json is not valid JSON .* train again"):
        read_json(path)


@settings(max_examples=25)
@given(
    stored=arrays.arrays(
        st.sampled_from([np.float32, np.int64, np.bool_]), arrays.array_shapes(min_dims=0, max_dims=3, min_side=0)
    )
)
def test_arrays_come_back_with_shape_and_type(tmp_path_factory, stored):
    path = tmp_path_factory.mktemp("arrays") / "a.npz"
    write_arrays(path, first=stored, second=np.arange(3))
    read = read_arrays(path)
    assert sorted(read) == ["first", "second"]
    assert read["first"].dtype == stored.dtype
    np.testing.assert_array_equal(read["first"], stored)


def test_text_arrays_come_back(tmp_path):
    write_arrays(tmp_path / "a.npz", ids=np.array(["a", "bc"]))
    assert read_arrays(tmp_path / "a.npz")["ids"].tolist() == ["a", "bc"]


TEXTS = st.lists(st.none() | st.text())


@settings(max_examples=25)
@given(texts=TEXTS | st.dictionaries(st.text(), TEXTS))
def test_packed_texts_come_back(tmp_path_factory, texts):
    path = tmp_path_factory.mktemp("texts") / "a.npz"
    write_arrays(path, texts=packed_texts(texts))
    assert unpacked_texts(read_arrays(path)["texts"]) == texts


def test_one_long_text_costs_its_own_length():
    assert len(packed_texts(["x" * 10_000, *"ab" * 500])) < 10_000 + 1_000 * len('"a", ') + len('"", []')


def truncated(content):
    return content[: len(content) // 2]


def flipped(content):
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 0xFF]) + content[middle + 1 :]


@pytest.mark.parametrize("damage", [lambda content: b"", truncated, flipped, lambda content: b"not arrays"])
def test_damaged_arrays_say_which_file(tmp_path, damage):
    path = tmp_path / "a.npz"
    write_arrays(path, first=np.arange(1000))
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(Corrupt, match=r"a\.npz cannot be read .* train again"):
        read_arrays(path)


def test_pickled_objects_are_not_read(tmp_path):
    path = tmp_path / "a.npz"
    np.savez(path, first=np.array([{"a": 1}], dtype=object))
    with pytest.raises(Corrupt):
        read_arrays(path)
