"""Temporary files and folders: nobody else sees into them, and a killed process's are swept away by the next."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from tests.data import ROOT

from comity.errors import AlreadyDone, NotFound
from comity.store.scratch import new_file, scratch_folder

KILLED = """
import os, signal, sys
from pathlib import Path
from comity.store.scratch import new_file, scratch_folder
folder = Path(sys.argv[1])
with scratch_folder(folder) as scratch, new_file(folder / "it") as file:
    (scratch / "plain").write_text("secret")
    file.write(b"half")
    file.flush()
    os.kill(os.getpid(), signal.SIGKILL)
"""


def hidden(folder: Path) -> list[Path]:
    """What lies in the folder and is temporary."""
    return list(folder.glob(".comity-*"))


def test_a_scratch_folder_is_its_owners_alone_and_gone_afterwards(tmp_path: Path) -> None:
    with pytest.raises(KeyError), scratch_folder(tmp_path / "in") as scratch:  # noqa: PT012
        assert stat.S_IMODE(scratch.stat().st_mode) == 0o700
        assert scratch.parent == tmp_path / "in"
        (scratch / "file").write_text("plain", encoding="utf-8")
        raise KeyError
    assert hidden(tmp_path / "in") == []


@pytest.mark.parametrize("by", ["folder", "file"])
def test_what_a_killed_process_left_is_swept_and_what_the_living_hold_is_not(tmp_path: Path, by: str) -> None:
    with scratch_folder(tmp_path) as living, new_file(tmp_path / "other") as file:
        mine = set(hidden(tmp_path))
        assert len(mine) == 2
        ended = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], cwd=ROOT, check=False)
        assert ended.returncode == -9
        assert len(hidden(tmp_path)) == 4
        if by == "folder":
            with scratch_folder(tmp_path) as swept:
                assert set(hidden(tmp_path)) == mine | {swept}
        else:
            with new_file(tmp_path / "third"):
                assert len(hidden(tmp_path)) == 3
            assert set(hidden(tmp_path)) == mine
        file.write(b"whole")
        assert living.is_dir()
    assert (tmp_path / "other").read_bytes() == b"whole"
    assert hidden(tmp_path) == []


def test_a_link_of_that_name_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "far").mkdir()
    (tmp_path / "far" / "file").write_text("mine", encoding="utf-8")
    (tmp_path / ".comity-link").symlink_to(tmp_path / "far")
    with scratch_folder(tmp_path):
        pass
    assert (tmp_path / "far" / "file").exists()


def test_a_new_file_has_its_name_when_it_is_whole_and_not_before(tmp_path: Path) -> None:
    target = tmp_path / "it"
    with new_file(target) as file:
        file.write(b"whole")
        assert not target.exists()
    assert target.read_bytes() == b"whole"
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert target.stat().st_nlink == 1
    with pytest.raises(KeyError), new_file(tmp_path / "other") as file:  # noqa: PT012
        file.write(b"half")
        raise KeyError
    assert os.listdir(tmp_path) == ["it"]


def test_a_new_file_never_replaces_another_not_even_one_that_came_up_meanwhile(tmp_path: Path) -> None:
    target = tmp_path / "it"
    with pytest.raises(AlreadyDone), new_file(target):
        target.write_text("theirs", encoding="utf-8")
    with pytest.raises(AlreadyDone), new_file(target):
        pass
    (tmp_path / "broken").symlink_to(tmp_path / "nowhere")
    with pytest.raises(AlreadyDone), new_file(tmp_path / "broken"):
        pass
    assert target.read_text(encoding="utf-8") == "theirs"
    assert hidden(tmp_path) == []


def test_where_there_are_no_hard_links_a_new_file_is_renamed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(Path, "hardlink_to", refuse)
    with new_file(tmp_path / "it") as file:
        file.write(b"whole")
    assert os.listdir(tmp_path) == ["it"]


def test_a_folder_that_is_not_there_is_not_made_for_a_new_file(tmp_path: Path) -> None:
    with pytest.raises(NotFound), new_file(tmp_path / "unmounted" / "it"):
        pass
    assert not (tmp_path / "unmounted").exists()
