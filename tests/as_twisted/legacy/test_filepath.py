"""Paths of the file system."""

from __future__ import annotations

import errno
import os
import pickle
from pathlib import Path

import pytest

from plait.as_twisted.legacy import filepath
from plait.as_twisted.legacy.filepath import FilePath, InsecurePath


@pytest.fixture
def root(tmp_path: Path) -> FilePath[str]:
    """A folder with a file, and a folder with a file in it."""
    (tmp_path / "file").write_bytes(b"content")
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "leaf.txt").write_bytes(b"leaf")
    return FilePath(str(tmp_path))


def test_a_path_is_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert FilePath("a/../b").path == str(tmp_path / "b")
    assert FilePath(Path("b")) == FilePath("b")
    assert FilePath(b"b").path == os.fsencode(tmp_path / "b")


@pytest.mark.parametrize("name", ["..", "a/b", "/etc", "../x", "a/../..", b"..", b"/etc"])
def test_a_child_stays_inside(root: FilePath, name: str | bytes) -> None:
    with pytest.raises(InsecurePath):
        root.child(name)


def test_a_path_below_stays_inside(root: FilePath) -> None:
    assert root.preauthChild("sub/leaf.txt") == root.child("sub").child("leaf.txt")
    assert root.child("sub").preauthChild("") == root.child("sub")
    for name in ("..", "../file", f"../{root.basename()}2"):
        with pytest.raises(InsecurePath):
            root.preauthChild(name)
    assert FilePath("/").child("etc").path == "/etc"


def test_relatives(root: FilePath) -> None:
    leaf = root.descendant(["sub", "leaf.txt"])
    assert leaf.basename() == "leaf.txt"
    assert leaf.dirname() == root.child("sub").path
    assert leaf.parent().parent() == root
    assert leaf.sibling("other") == root.child("sub").child("other")
    assert leaf.siblingExtension(".bak").path == leaf.path + ".bak"
    assert leaf.splitext() == (leaf.path[:-4], ".txt")
    assert list(leaf.parents())[:2] == [root.child("sub"), root]
    assert list(leaf.parents())[-1].path == "/"
    assert leaf.segmentsFrom(root) == ["sub", "leaf.txt"]
    with pytest.raises(ValueError):
        root.segmentsFrom(leaf)


def test_searches(root: FilePath) -> None:
    leaf = root.child("sub").child("leaf")
    assert leaf.siblingExtensionSearch(".html", ".txt") == leaf.siblingExtension(".txt")
    assert leaf.siblingExtensionSearch("*") == leaf.siblingExtension(".txt")
    assert leaf.siblingExtensionSearch(".html", "") is None
    assert root.child("file").siblingExtensionSearch("") == root.child("file")
    assert root.childSearchPreauth("none", "sub/leaf.txt") == leaf.siblingExtension(".txt")
    assert root.childSearchPreauth("none") is None
    assert root.globChildren("f*") == [root.child("file")]


def test_modes(root: FilePath) -> None:
    as_bytes = root.child(b"file")
    assert as_bytes.path == os.fsencode(root.path) + b"/file"
    assert as_bytes.asTextMode() == root.child("file") and root.child("file").asBytesMode() == as_bytes
    assert root.asTextMode() is root and as_bytes.asBytesMode() is as_bytes
    assert as_bytes != root.child("file")
    assert as_bytes.siblingExtension(".x").path == root.path + "/file.x"


def test_order_and_hash(root: FilePath) -> None:
    assert sorted([root.child("sub"), root.child("file")]) == [root.child("file"), root.child("sub")]
    assert len({root.child("file"), FilePath(root.path + "/file")}) == 1
    assert root != root.path
    with pytest.raises(TypeError):
        root < root.path  # noqa: B015
    assert os.fspath(root) == root.path
    assert eval(repr(root)) == root
    assert pickle.loads(pickle.dumps(root)) == root


def test_what_it_is(root: FilePath) -> None:
    file = root.child("file")
    assert root.isdir() and not root.isfile()
    assert file.isfile() and not file.isdir() and not file.isSocket() and not file.isBlockDevice()
    assert not root.child("none").exists() and not root.child("none").isfile()
    assert file.getsize() == 7
    status = os.stat(file.path)
    assert file.getModificationTime() == status.st_mtime and file.getAccessTime() == status.st_atime
    assert (file.getInodeNumber(), file.getUserID()) == (status.st_ino, status.st_uid)
    assert (file.getDevice(), file.getGroupID(), file.getNumberOfHardLinks()) == (status.st_dev, status.st_gid, 1)
    with pytest.raises(OSError):
        root.child("none").getsize()


def test_the_file_system_is_asked_again_when_told(root: FilePath) -> None:
    file = root.child("file")
    assert file.getsize() == 7
    Path(file.path).write_bytes(b"longer content")
    assert file.getsize() == 7
    file.changed()
    assert file.getsize() == 14
    os.remove(file.path)
    assert file.exists()
    file.restat(False)
    assert not file.exists()
    with pytest.raises(FileNotFoundError):
        file.restat()


def test_permissions(root: FilePath) -> None:
    file = root.child("file")
    file.chmod(0o640)
    allowed = file.getPermissions()
    assert allowed.shorthand() == "rw-r-----"
    assert allowed.user.write and not allowed.group.write
    assert allowed == filepath.Permissions(0o640) != filepath.Permissions(0o600)
    assert allowed.group == filepath.RWX(True, False, False)


def test_content(root: FilePath) -> None:
    file = root.child("file")
    assert file.getContent() == b"content"
    file.setContent(b"new")
    assert file.getContent() == b"new"
    with file.open("a") as opened:
        opened.write(b"er")
    assert file.getContent() == b"newer"
    assert sorted(root.listdir()) == ["file", "sub"]
    root.child(b"file").setContent(b"bytes")
    assert file.getContent() == b"bytes"


def test_a_new_file_must_be_new(root: FilePath) -> None:
    with root.child("fresh").create() as file:
        file.write(b"x")
    with pytest.raises(FileExistsError):
        root.child("fresh").create()
    beside = root.child("file").temporarySibling(".tmp")
    assert beside.parent() == root and beside.basename().endswith("file.tmp") and not beside.exists()
    with pytest.raises(ValueError, match="append"):
        beside.open("a")
    beside.open("w").close()
    with pytest.raises(FileExistsError):
        beside.open("w")


def test_touch(root: FilePath) -> None:
    fresh = root.child("fresh")
    fresh.touch()
    assert fresh.getContent() == b""
    os.utime(fresh.path, (1, 1))
    fresh.touch()
    assert fresh.getModificationTime() > 1


def test_children_and_walk(root: FilePath) -> None:
    assert sorted(root.children()) == [root.child("file"), root.child("sub")]
    everything = list(root.walk())
    assert everything[0] == root
    assert sorted(everything) == [root, root.child("file"), root.child("sub"), root.preauthChild("sub/leaf.txt")]
    assert root.preauthChild("sub/leaf.txt") not in list(root.walk(lambda path: False))
    for path, code in ((root.child("none"), errno.ENOENT), (root.child("file"), errno.ENOTDIR)):
        with pytest.raises(filepath.UnlistableError) as wrong:
            path.children()
        assert wrong.value.errno == wrong.value.originalException.errno == code


def test_walk_stops_at_a_circle(root: FilePath) -> None:
    root.linkTo(root.child("sub").child("back"))
    with pytest.raises(filepath.LinkError):
        list(root.walk())


def test_links(root: FilePath) -> None:
    link = root.child("link")
    root.child("file").linkTo(link)
    assert link.islink() and link.isfile() and not root.child("file").islink()
    assert link.realpath() == root.child("file").realpath()
    link.copyTo(root.child("link2"), followLinks=False)
    assert root.child("link2").islink()
    link.remove()
    assert root.child("file").exists() and not link.islink()


def test_folders(root: FilePath) -> None:
    deep = root.preauthChild("a/b/c")
    with pytest.raises(OSError):
        deep.createDirectory()
    deep.makedirs()
    assert deep.isdir()
    with pytest.raises(FileExistsError):
        deep.makedirs()
    deep.makedirs(ignoreExistingDirectory=True)
    with pytest.raises(FileExistsError):
        root.child("file").makedirs(ignoreExistingDirectory=True)
    root.child("a").remove()
    assert not root.child("a").exists() and not os.path.exists(deep.path)


def test_copy_and_move(root: FilePath) -> None:
    root.child("sub").copyTo(root.child("copy"))
    assert root.preauthChild("copy/leaf.txt").getContent() == b"leaf"
    target = root.child("moved")
    assert not target.exists()
    root.child("copy").moveTo(target)
    assert target.child("leaf.txt").exists() and not root.child("copy").exists()
    with pytest.raises(FileNotFoundError):
        root.child("none").copyTo(root.child("x"))


def test_move_to_another_file_system(root: FilePath, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.rename

    def rename(source: str, target: str) -> None:
        if source == root.child("file").path:
            raise OSError(errno.EXDEV, "another device")
        real(source, target)

    monkeypatch.setattr(os, "rename", rename)
    root.child("file").moveTo(root.child("there"))
    assert root.child("there").getContent() == b"content"
    assert sorted(root.listdir()) == ["sub", "there"]


def test_text_and_bytes(root: FilePath[str]) -> None:
    raw = root.asBytesMode()
    assert raw.path == os.fsencode(root.path) and raw.asTextMode() == root and raw.sep == b"/"
    assert root.asTextMode() is root and raw.asBytesMode() is raw
    assert FilePath("/\u20ac").asBytesMode("iso-8859-15").path == b"/\xa4"
    assert isinstance(root.temporarySibling(b".x").path, bytes) and isinstance(root.temporarySibling().path, str)
    assert isinstance(raw.temporarySibling().path, bytes) and isinstance(raw.temporarySibling(".x").path, str)


def test_the_interface(root: FilePath[str]) -> None:
    from plait.interfaces import verifyObject

    assert verifyObject(filepath.IFilePath, root)
    assert [type(when) for when in (root.getmtime(), root.getatime(), root.getctime())] == [int] * 3


def test_links_in_a_circle(root: FilePath[str]) -> None:
    one, other = root.child("one"), root.child("other")
    one.linkTo(other)
    other.linkTo(one)
    with pytest.raises(filepath.LinkError):
        one.realpath()


def test_a_folder_that_is_there(root: FilePath[str]) -> None:
    root.child("sub").makedirs(ignoreExistingDirectory=True)
    with pytest.raises(FileExistsError):
        root.child("sub").makedirs()
    with pytest.raises(FileExistsError):
        root.child("file").makedirs(ignoreExistingDirectory=True)
