"""A stage's output is there whole or as it was before."""

from pathlib import Path

import pytest

from nextpick.errors import DataError
from nextpick.stages.folder import main, new_folder


def test_a_folder_takes_the_place_of_the_old_one_once_it_is_full(tmp_path: Path) -> None:
    target = tmp_path / "models" / "x"
    for name in ("one", "two"):
        with new_folder(target) as folder:
            (folder / name).touch()
            assert not (target / name).exists()
        assert [path.name for path in target.iterdir()] == [name]
    assert [path.name for path in target.parent.iterdir()] == ["x"]


def test_a_fault_leaves_the_old_one_and_a_later_run_what_it_left(tmp_path: Path) -> None:
    target = tmp_path / "x"
    with new_folder(target) as folder:
        (folder / "good").touch()
    with pytest.raises(FileNotFoundError), new_folder(target) as folder:
        (folder / "half.txt").rename(folder / "no" / "where")
    assert [path.name for path in target.iterdir()] == ["good"]
    with new_folder(target) as folder:
        assert list(folder.iterdir()) == []
    assert [path.name for path in tmp_path.iterdir()] == ["x"]


def test_a_fault_a_person_can_mend_is_said_without_a_traceback(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def refuse(project: Path) -> None:
        raise DataError(f"{project.name} is empty. Fill it.")

    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit, match="1"):
        main(refuse)
    assert capsys.readouterr().err == f"DataError: {tmp_path.name} is empty. Fill it.\n"
