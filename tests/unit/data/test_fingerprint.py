"""DVC's own md5 of a folder, computed without DVC."""

from nextpick.data.fingerprint import folder_md5


def test_the_md5_is_dvcs() -> None:
    files = {"b.txt": b"two\n", "a.txt": b"one\n", "sub/c.txt": b""}
    assert folder_md5(files) == "f460e7a45852db8ae9fef33dbd8d1509.dir"


def test_a_byte_a_name_or_a_file_more_makes_another() -> None:
    base = {"a": b"1", "b": b"2"}
    others = [{"a": b"1", "b": b"3"}, {"a": b"1", "c": b"2"}, {**base, "d": b""}, {}]
    assert len({folder_md5(files) for files in (base, *others)}) == 5
