"""Model versions in MLflow's registry, and their bundles on this machine.

A version is one bundle, told by its sha256. Its files are artifacts of the MLflow run that logged it, and lie in
`<home>/bundles/<sha256>`, whence they are read; where they are absent there, they are fetched. The alias `champion`
names the version that lists are made with, `challenger` the one that was registered last and is not it.
"""

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from time import time
from uuid import uuid4

import yaml

from nextpick import bundles
from nextpick.errors import GateRefused, RegistryError
from nextpick.mlflow_engine import ABSENT, Metric, MlflowClient, MlflowException, Param, Version, connected, experiment
from nextpick.params import flat
from nextpick.settings import Settings

NAME = "nextpick"  # of the experiment and of the registered model
CHAMPION, CHALLENGER = "champion", "challenger"
CARD = "card"  # of artifacts, beside `bundle`
PASSED, REFUSED, APPROVED = "passed", "refused", "approved"
LINEAGE = ("run_id", "git_sha", "dirty", "data_md5", "dvc_lock_md5")
_FILES = ("metrics.json", "params.yaml", "dvc.lock")


@dataclass(frozen=True)
class ModelVersion:
    """One version as the registry knows it. `gate` is empty before a decision; `rejected` says why, or is empty.

    `answer` is what a person said to its promotion, or that nobody did; empty where nobody was asked.
    """

    version: str
    bundle_dir: Path
    bundle_sha256: str
    lineage: Mapping[str, str]
    created_at: datetime
    aliases: frozenset[str] = frozenset()
    gate: str = ""
    reasons: tuple[str, ...] = ()
    rejected: str = ""
    forced: str = ""
    answer: str = ""

    @property
    def is_champion(self) -> bool:
        return CHAMPION in self.aliases


def register(settings: Settings, folder: Path, bundle_sha256: str, lineage: Mapping[str, str]) -> ModelVersion:
    """The version of the bundle in `<folder>/models/bundle`: the one it has already, or a new one, the challenger.

    A new version's MLflow run holds params.yaml flattened, metrics.json, and both with dvc.lock, `changes.diff` (if
    any) and the bundle as files. May be repeated after a crash anywhere.

    Raises: RegistryError; BundleError where the bundle is not the one of that sha256.
    """
    with connected(settings) as client:
        bundles.keep(settings, folder / "models" / "bundle", bundle_sha256)
        known = client.search_model_versions(f"name = '{NAME}' and tags.bundle_sha256 = '{bundle_sha256}'")
        found = known[0] if known else _create(client, settings, folder, bundle_sha256, lineage)
        version = _described(settings, client.get_model_version(NAME, found.version))
        if version.rejected or version.aliases & {CHAMPION, CHALLENGER}:
            return version
        client.set_registered_model_alias(NAME, CHALLENGER, version.version)
        return replace(version, aliases=version.aliases | {CHALLENGER})


def _create(
    client: MlflowClient, settings: Settings, folder: Path, bundle_sha256: str, lineage: Mapping[str, str]
) -> Version:
    run_id, artifacts = _logged(client, settings, folder, bundle_sha256, lineage)
    try:
        client.get_registered_model(NAME)
    except MlflowException as error:
        if error.error_code != ABSENT:
            raise
        client.create_registered_model(NAME, description="Recommendation bundles; lists are made with the champion.")
    tags = {**lineage, "bundle_sha256": bundle_sha256}
    return client.create_model_version(NAME, f"{artifacts}/bundle", run_id, tags=tags)


def _logged(
    client: MlflowClient, settings: Settings, folder: Path, bundle_sha256: str, lineage: Mapping[str, str]
) -> tuple[str, str]:
    """The id and the artifacts' place of the MLflow run of a bundle: a crashed register's is gone on with."""
    experiment_id = experiment(client, settings, NAME)
    tags = {**lineage, "bundle_sha256": bundle_sha256}
    wanted = f"tags.bundle_sha256 = '{bundle_sha256}'"
    begun = client.search_runs([experiment_id], wanted, max_results=1)
    run = begun[0] if begun else client.create_run(experiment_id, tags=tags, run_name=lineage["run_id"])
    now = int(time() * 1000)
    metrics = json.loads((folder / "metrics.json").read_text())
    params = flat(yaml.safe_load((folder / "params.yaml").read_text()))
    client.log_batch(
        run.info.run_id,
        [Metric(name.replace("@", "_at_"), float(value), now, 0) for name, value in metrics.items()],
        [Param(name, value) for name, value in params.items()],
    )
    for name in (*_FILES, "changes.diff"):
        if (path := folder / name).exists() and path.stat().st_size:
            client.log_artifact(run.info.run_id, str(path))
    client.log_artifacts(run.info.run_id, str(folder / "models" / "bundle"), "bundle")
    client.set_terminated(run.info.run_id)
    return run.info.run_id, run.info.artifact_uri


def champion(settings: Settings) -> ModelVersion | None:
    """The version that lists are made with, its bundle at hand, or None before the first promotion.

    Raises: RegistryError; BundleError where the registry's files are not what they were.
    """
    with connected(settings) as client:
        try:
            found = client.get_registered_model(NAME).aliases.get(CHAMPION)
        except MlflowException as error:
            if error.error_code != ABSENT:
                raise
            return None
        return _at_hand(client, settings, str(found)) if found else None


def get(settings: Settings, version: str) -> ModelVersion:
    """A version by its number, its bundle at hand. Raises: RegistryError where there is none; BundleError."""
    with connected(settings) as client:
        return _at_hand(client, settings, version)


def newest(settings: Settings, n: int) -> list[ModelVersion]:
    """The n newest versions, newest first; their bundles may be absent on this machine."""
    with connected(settings) as client:
        found = client.search_model_versions(f"name = '{NAME}'", max_results=n, order_by=["version_number DESC"])
        return [_described(settings, client.get_model_version(NAME, version.version)) for version in found]


def judged(settings: Settings, version: str, passed: bool, reasons: Sequence[str], card: Path | None = None) -> None:
    """Write the gate's decision on a version and on its MLflow run, and put the card's files beside the bundle."""
    tags = {"gate": PASSED if passed else REFUSED, "gate_reasons": json.dumps(list(reasons))}
    with connected(settings) as client:
        run_id = str(client.get_model_version(NAME, version).run_id)
        if card is not None:
            client.log_artifacts(run_id, str(card), CARD)
        for name, value in tags.items():
            client.set_tag(run_id, name, value)
            client.set_model_version_tag(NAME, version, name, value)


def answered(settings: Settings, version: str, approved: bool, by: str, because: str) -> None:
    """Write on a version what a person said to its promotion; `by` is empty where nobody did in time."""
    tags = {"approval": APPROVED if approved else REFUSED, "approval_by": by, "approval_because": because}
    with connected(settings) as client:
        for name, value in tags.items():
            client.set_model_version_tag(NAME, version, name, value)


def attach(settings: Settings, version: str, file: Path) -> None:
    """Put a file with a version's card."""
    with connected(settings) as client:
        client.log_artifact(str(client.get_model_version(NAME, version).run_id), str(file), CARD)


def card(settings: Settings, version: str) -> Path:
    """The folder of a version's card, fetched to `<home>/cards/<version>`. Raises: RegistryError where it has none."""
    place = settings.home.resolve() / "cards" / version
    with connected(settings) as client:
        run_id = str(client.get_model_version(NAME, version).run_id)
        if not any(file.path == CARD for file in client.list_artifacts(run_id)):
            raise RegistryError(f"Version {version} has no card: the gate has not been asked about it.")
        with _fetched(client, run_id, CARD, place) as fetched:
            shutil.rmtree(place, ignore_errors=True)
            fetched.rename(place)
    return place


def promote(settings: Settings, version: str, *, force: str = "") -> None:
    """Make a version the champion; it stops being the challenger.

    A version that the gate has not passed, or that was rejected, becomes champion only with `force`, which says why
    and is kept on the version.

    Raises: GateRefused; RegistryError.
    """
    with connected(settings) as client:
        found = _described(settings, client.get_model_version(NAME, version))
        fault = f"was rejected: {found.rejected}" if found.rejected else ""
        if not fault and found.gate != PASSED:
            fault = f"was refused by the gate: {'; '.join(found.reasons)}" if found.gate else "has not passed the gate"
        if fault and not force:
            raise GateRefused(f"Version {version} {fault}. It stays out unless you promote it with a reason of yours.")
        if fault:
            client.set_model_version_tag(NAME, version, "forced", force)
            client.set_model_version_tag(NAME, version, "rejected", "")
        client.set_registered_model_alias(NAME, CHAMPION, version)
        _clear_challenger(client, found)


def reject(settings: Settings, version: str, why: str) -> None:
    """Keep a version from ever being promoted without force."""
    with connected(settings) as client:
        client.set_model_version_tag(NAME, version, "rejected", why)
        _clear_challenger(client, _described(settings, client.get_model_version(NAME, version)))


def went_back(settings: Settings, to: str, left: str, why: str) -> None:
    """Make version `to` the champion again, and keep version `left`, unless that is empty, from coming back."""
    if left:
        reject(settings, left, why)
    with connected(settings) as client:
        found = _described(settings, client.get_model_version(NAME, to))
        _champion_is(client, to)
        _clear_challenger(client, found)


def settle(settings: Settings, rejected: Mapping[str, str], live: str | None) -> list[str]:
    """Mark the versions of rejected bundles (sha256 -> why); a champion among them gives way to version `live`, or to
    none. Returns what was not so already, in words."""
    told = []
    with connected(settings) as client:
        for bundle_sha256, why in rejected.items():
            for found in client.search_model_versions(f"name = '{NAME}' and tags.bundle_sha256 = '{bundle_sha256}'"):
                version = _described(settings, client.get_model_version(NAME, found.version))
                if not version.rejected:
                    client.set_model_version_tag(NAME, version.version, "rejected", why)
                    told.append(f"version {version.version} is rejected")
                _clear_challenger(client, version)
                if version.is_champion:
                    told.append(f"the champion is {f'version {live}' if live else 'none'}")
                    _champion_is(client, live)
    return told


def _champion_is(client: MlflowClient, version: str | None) -> None:
    if version is None:
        client.delete_registered_model_alias(NAME, CHAMPION)
    else:
        client.set_registered_model_alias(NAME, CHAMPION, version)


def _clear_challenger(client: MlflowClient, version: ModelVersion) -> None:
    if CHALLENGER in version.aliases:
        client.delete_registered_model_alias(NAME, CHALLENGER)


def _described(settings: Settings, found: Version) -> ModelVersion:
    tags = found.tags
    lineage = {name: tags[name] for name in LINEAGE if name in tags}
    return ModelVersion(
        version=str(found.version),
        bundle_dir=bundles.place(settings, tags["bundle_sha256"]),
        bundle_sha256=tags["bundle_sha256"],
        lineage={**lineage, "mlflow_run_id": found.run_id or ""},
        created_at=datetime.fromtimestamp(found.creation_timestamp / 1000, UTC),
        aliases=frozenset(found.aliases),
        gate=tags.get("gate", ""),
        reasons=tuple(json.loads(tags.get("gate_reasons", "[]"))),
        rejected=tags.get("rejected", ""),
        forced=tags.get("forced", ""),
        answer=_answer(tags),
    )


def _answer(tags: Mapping[str, str]) -> str:
    if "approval" not in tags:
        return ""
    by, because = tags.get("approval_by") or "nobody answered in time", tags.get("approval_because")
    return f"{tags['approval']}, {by}" + (f": {because}" if because else "")


def _at_hand(client: MlflowClient, settings: Settings, version: str) -> ModelVersion:
    found = client.get_model_version(NAME, version)
    described = _described(settings, found)
    if not described.bundle_dir.exists():
        with _fetched(client, found.run_id or "", "bundle", described.bundle_dir) as fetched:
            bundles.keep(settings, fetched, described.bundle_sha256)
    return described


@contextmanager
def _fetched(client: MlflowClient, run_id: str, artifacts: str, place: Path) -> Iterator[Path]:
    """A folder of artifacts, in a folder beside `place` that is gone afterwards."""
    draft = place.with_name(f".{uuid4().hex}")
    draft.mkdir(parents=True)
    try:
        yield Path(client.download_artifacts(run_id, artifacts, str(draft)))
    finally:
        shutil.rmtree(draft, ignore_errors=True)
