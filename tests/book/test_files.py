"""Files appear whole or not at all."""

import os

import pytest

from symdl.book import files
from symdl.errors import InputError


def test_a_file_is_replaced(tmp_path):
    path = tmp_path / "page.md"
    files.write_text(path, "one")
    files.write_text(path, "σ two")
    assert path.read_text(encoding="utf-8") == "σ two"
    assert [p.name for p in tmp_path.iterdir()] == ["page.md"]


def test_nothing_is_left_of_a_file_that_could_not_be_written(tmp_path, monkeypatch):
    def refuse(*_):
        raise KeyboardInterrupt

    path = tmp_path / "page.md"
    path.write_text("old")
    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(KeyboardInterrupt):
        files.write_text(path, "new")
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["page.md"]


def test_a_folder_that_is_missing_is_named(tmp_path):
    with pytest.raises(InputError, match="there is no folder"):
        files.write_text(tmp_path / "a" / "page.md", "x")
    with pytest.raises(InputError, match="is a folder"):
        files.write_text(tmp_path, "x")


def test_the_last_part_of_a_folder_is_made(tmp_path):
    assert files.made_folder(tmp_path / "a").is_dir()
    with pytest.raises(InputError, match="there is no folder"):
        files.made_folder(tmp_path / "b" / "c")
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="is a file"):
        files.made_folder(tmp_path / "file")
