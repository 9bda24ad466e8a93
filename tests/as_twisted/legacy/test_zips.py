"""Archives: as a tree of paths, and unpacked piece by piece."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from plait.as_twisted.legacy.filepath import IFilePath, UnlistableError
from plait.as_twisted.legacy.zippath import ZipArchive, ZipPath
from plait.as_twisted.legacy.zipstream import ChunkingZipFile, countZipFileChunks, unzipIterChunky
from plait.interfaces import provides


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = str(tmp_path / "rope.zip")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("top.txt", b"0123456789")
        archive.writestr("sub/leaf.txt", b"leaf\nend")
        archive.writestr("empty/", b"")
    return path


def test_the_tree(file: str) -> None:
    archive = ZipArchive(file)
    assert provides(IFilePath, archive) and archive.isdir() and archive.exists()
    assert sorted(archive.listdir()) == ["empty", "sub", "top.txt"]
    leaf = archive.child("sub").child("leaf.txt")
    assert leaf.isfile() and not leaf.isdir() and leaf.getsize() == 8 and leaf.basename() == "leaf.txt"
    assert leaf.getContent() == b"leaf\nend"
    assert leaf.path == f"{file}/sub/leaf.txt"
    assert list(leaf.parents()) == [archive.child("sub"), archive]
    assert leaf.sibling("other") == archive.child("sub").child("other") != leaf
    assert leaf.segmentsFrom(archive) == ["sub", "leaf.txt"]
    assert {path.path for path in archive.walk()} >= {leaf.path, f"{file}/empty"}
    assert not archive.child("none").exists()
    for path in (leaf, archive.child("none")):
        with pytest.raises(UnlistableError):
            path.children()


def test_in_bytes(file: str) -> None:
    leaf = ZipArchive(file.encode()).child(b"sub").child(b"leaf.txt")
    assert leaf.path == f"{file}/sub/leaf.txt".encode()
    assert ZipArchive(file.encode()).child(b"sub").listdir() == [b"leaf.txt"]
    assert leaf.getContent() == b"leaf\nend"


def test_an_archive_is_not_written(file: str) -> None:
    with pytest.raises(OSError, match="read only"):
        ZipArchive(file).child("top.txt").open("w")


def test_no_way_out(file: str) -> None:
    above: ZipPath[str] = ZipArchive(file).child("..").child("rope.zip")
    assert not above.exists()


def test_a_file_piece_by_piece(file: str) -> None:
    with ChunkingZipFile(file) as archive, archive.readfile("sub/leaf.txt") as entry:
        assert (entry.read(2), entry.tell()) == (b"le", 2)
        assert list(entry) == [b"af\n", b"end"]


def test_unpack_by_steps(file: str, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    left = list(unzipIterChunky(file, str(folder), chunksize=4))
    assert left == list(range(countZipFileChunks(file, 4)))[::-1]
    assert (folder / "top.txt").read_bytes() == b"0123456789"
    assert (folder / "sub" / "leaf.txt").read_bytes() == b"leaf\nend"
    (folder / "top.txt").write_bytes(b"mine")
    list(unzipIterChunky(file, str(folder)))
    assert (folder / "top.txt").read_bytes() == b"mine"
    list(unzipIterChunky(file, str(folder), overwrite=True))
    assert (folder / "top.txt").read_bytes() == b"0123456789"


def test_unpack_stays_in_its_folder(tmp_path: Path) -> None:
    path = str(tmp_path / "bad.zip")
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("../out.txt", b"x")
    with pytest.raises(zipfile.BadZipFile, match="outside"):
        list(unzipIterChunky(path, str(tmp_path / "in")))
    assert not (tmp_path / "out.txt").exists()
