"""The bundle: what is saved comes back to the bit, and nothing else is ever read."""

import json
import shutil
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest

from nextpick.errors import BundleError
from nextpick.models.bundle import Bundle, load_bundle, save_bundle
from nextpick.models.manifest import FORMAT, MANIFEST
from tests.published import Version
from tests.trained import train
from tests.worlds import params

GENERATORS = params().generators  # those that ship
FILES = {
    "manifest.json", "bundle.json", "params.json", "ids.json", "items.parquet", "ranker.txt", "importance.json",
    *(f"{name}.npz" for name in GENERATORS),
}  # fmt: skip


@pytest.fixture(scope="module")
def folder(version: Version) -> Path:
    return version.bundle_dir


@pytest.fixture
def copy(folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(folder, tmp_path / "copy"))


def forge(folder: Path, name: str, content: bytes) -> None:
    """Change a file and the manifest with it, as somebody would who may write both."""
    (folder / name).write_bytes(content)
    manifest = json.loads((folder / MANIFEST).read_text())
    manifest["files"][name] = sha256(content).hexdigest()
    (folder / MANIFEST).write_text(json.dumps(manifest))


def amend(folder: Path, name: str, **changes: object) -> None:
    forge(folder, name, json.dumps({**json.loads((folder / name).read_text()), **changes}).encode())


def test_a_bundle_is_these_plain_files(folder: Path) -> None:
    assert {path.name for path in folder.iterdir()} == FILES


def test_what_is_saved_comes_back(folder: Path, tmp_path: Path) -> None:
    bundle = load_bundle(folder)
    assert (len(bundle.users), len(bundle.items)) == (24, 30)
    assert tuple(bundle.generators) == bundle.params.generators == GENERATORS
    assert bundle.table.features.shape[0] == len(bundle.table.titles) == len(bundle.table.prices) == 30
    assert bundle.windows.cutoff > bundle.windows.test_from > max(bundle.windows.labels_from)
    assert bundle.metrics["ndcg_at_10"] > bundle.metrics["popular_ndcg_at_10"] > 0
    assert bundle.format_version == FORMAT
    assert bundle.features == bundle.ranker.features
    assert set(bundle.ranker.importance["gain"]) == set(bundle.features)


def test_saving_what_was_loaded_gives_the_same_bytes_and_name(folder: Path, tmp_path: Path) -> None:
    bundle = load_bundle(folder)
    assert save_bundle(bundle, tmp_path / "again") == bundle.sha256
    for name in FILES:
        assert (tmp_path / "again" / name).read_bytes() == (folder / name).read_bytes(), name


def test_the_same_data_and_parameters_make_the_same_bundle(folder: Path, tmp_path: Path) -> None:
    assert train(tmp_path).bundle_sha256 == load_bundle(folder).sha256


def test_the_name_is_the_manifests_sha256_and_is_checked(folder: Path) -> None:
    name = sha256((folder / MANIFEST).read_bytes()).hexdigest()
    assert load_bundle(folder, name).sha256 == name
    with pytest.raises(BundleError, match=f"not the one that was registered: its sha256 is {name}, not 000"):
        load_bundle(folder, "0" * 64)


@pytest.mark.parametrize("name", sorted(FILES - {MANIFEST}))
def test_a_changed_file_is_named_and_not_read(copy: Path, name: str) -> None:
    content = bytearray((copy / name).read_bytes())
    content[len(content) // 2] ^= 1
    (copy / name).write_bytes(bytes(content))
    with pytest.raises(BundleError, match=f"{name} is not the file the manifest names: it was changed"):
        load_bundle(copy)


@pytest.mark.parametrize("name", sorted(FILES))
def test_a_missing_file_is_named(copy: Path, name: str) -> None:
    (copy / name).unlink()
    with pytest.raises(BundleError, match=f"There is no bundle in .*: cannot read {name}, No such file"):
        load_bundle(copy)


def test_a_save_that_was_cut_off_leaves_no_bundle(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bundle, written = load_bundle(copy), []

    def full(path: Path, content: bytes) -> None:
        written.append(path)
        if len(written) == 3:
            raise OSError(28, "No space left on device")
        real(path, content)

    real = Path.write_bytes
    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space left"):
        save_bundle(bundle, copy)
    with pytest.raises(BundleError, match="There is no bundle in"):
        load_bundle(copy)


@pytest.mark.parametrize("name", ["../evil.npz", "/etc/passwd.txt", "a/b.json", "als.pkl", "", "ALS.npz"])
def test_a_manifest_names_files_of_the_folder_only(copy: Path, name: str) -> None:
    manifest = json.loads((copy / MANIFEST).read_text())
    manifest["files"][name] = "0" * 64
    (copy / MANIFEST).write_text(json.dumps(manifest))
    with pytest.raises(BundleError, match="which is no file of a bundle"):
        load_bundle(copy)


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"format": 1, "files": 3}', b"\xff\xfe"])
def test_a_manifest_that_is_none_is_refused(copy: Path, content: bytes) -> None:
    (copy / MANIFEST).write_bytes(content)
    with pytest.raises(BundleError, match=r"manifest\.json is no manifest"):
        load_bundle(copy)


def test_another_format_is_refused_with_both_numbers(copy: Path) -> None:
    manifest = json.loads((copy / MANIFEST).read_text())
    (copy / MANIFEST).write_text(json.dumps({**manifest, "format": 99}))
    with pytest.raises(BundleError, match=f"has format 99, and this code reads 1 and {FORMAT}"):
        load_bundle(copy)


def test_a_feature_this_code_does_not_compute_is_named(copy: Path) -> None:
    features = json.loads((copy / "bundle.json").read_text())["features"]
    amend(copy, "bundle.json", features=[*features[:-1], "horoscope"])
    with pytest.raises(BundleError, match="features this code does not compute: horoscope"):
        load_bundle(copy)


def test_features_in_another_order_than_the_rankers_are_refused(copy: Path) -> None:
    features = json.loads((copy / "bundle.json").read_text())["features"]
    amend(copy, "bundle.json", features=features[::-1])
    with pytest.raises(BundleError, match="The ranker's text is damaged: it was trained on als_score"):
        load_bundle(copy)


def test_a_generator_this_code_lacks_is_named(copy: Path) -> None:
    forge(copy, "oracle.npz", (copy / "als.npz").read_bytes())
    amend(copy, "bundle.json", generators=[*GENERATORS, "oracle"])
    with pytest.raises(BundleError, match="There is no candidate generator 'oracle'"):
        load_bundle(copy)


def test_an_item_table_of_other_items_is_refused(copy: Path) -> None:
    ids = json.loads((copy / "ids.json").read_text())
    amend(copy, "ids.json", items=ids["items"][::-1])
    with pytest.raises(BundleError, match="Its item table and its ids name different items"):
        load_bundle(copy)


@pytest.mark.parametrize("name", ["bundle.json", "params.json", "ids.json", "items.parquet", "ranker.txt", "als.npz"])
def test_a_file_that_is_not_what_it_should_be_is_a_bundle_error(copy: Path, name: str) -> None:
    forge(copy, name, b'{"odd": 1}')
    with pytest.raises(BundleError, match=r"The bundle in .*copy"):
        load_bundle(copy)


def test_a_bundle_knows_every_interaction_before_its_cutoff(folder: Path) -> None:
    bundle: Bundle = load_bundle(folder)
    assert np.isfinite(bundle.generators["popular"].arrays()["item_scores"]).all()
    assert bundle.table.features[:, 1].sum() > 0
