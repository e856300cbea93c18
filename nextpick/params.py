"""params.yaml as frozen, bounded types; a misspelt or missing key is an error that names it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self, get_args

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from nextpick.errors import ConfigError

SeenPolicy = Literal["allow", "exclude"]
DriftStatistic = Literal["psi", "ks", "js", "missing", "lost", "rate", "volume", "level"]
GENERATORS = tuple(sorted(file.stem for file in (Path(__file__).parent / "models" / "generators").glob("[a-z]*.py")))
# Sections that change nothing a model is made of, given the snapshot.
BEFORE_AND_AFTER = {"load", "drift", "promotion", "publish", "retention"}


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)  # JSON, as in a bundle, has neither


class DataParams(_Section):
    kinds: dict[str, Annotated[float, Field(gt=0)]] = Field(min_length=1)


class LoadParams(_Section):
    max_bad_share: float = Field(default=0.01, ge=0, lt=1)


class SplitParams(_Section):
    label_days: int = Field(gt=0)
    label_windows: int = Field(gt=0, le=52)
    test_days: int = Field(gt=0)


class CategoryParams(_Section):
    any: tuple[str, ...] = ()
    all: tuple[str, ...] = ()
    none: tuple[str, ...] = ()


class PriceParams(_Section):
    min: float | None = Field(default=None, ge=0)
    max: float | None = Field(default=None, ge=0)

    @model_validator(mode="after")
    def _has_room(self) -> Self:
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"min {self.min:g} is above max {self.max:g}; nothing costs that")
        return self


class ScenarioParams(_Section):
    seen_policy: SeenPolicy
    top_k: int = Field(gt=0, le=100)
    categories: CategoryParams = CategoryParams()
    price: PriceParams = PriceParams()
    diversity: float = Field(default=0.0, ge=0, le=1)
    exploration: float = Field(default=0.0, ge=0, le=0.5)
    log_features: float = Field(default=1.0, ge=0, le=1)

    @property
    def narrows(self) -> bool:
        """Whether it shows less than the whole catalogue."""
        return self.categories != CategoryParams() or self.price != PriceParams()


class DecayParams(_Section):
    half_life_days: float = Field(default=60.0, gt=0)


class AlsParams(DecayParams):
    factors: int = Field(default=256, gt=0, le=1024)
    iterations: int = Field(default=8, gt=0)
    regularization: float = Field(default=1.0, gt=0)
    alpha: float = Field(default=30.0, gt=0)
    frequency_exponent: float = Field(default=0.5, ge=0, le=1)
    approximate_above: int | None = Field(default=None, gt=0)
    probes: int = Field(default=256, gt=0)


class BuyAgainParams(DecayParams):
    popularity_weight: float = Field(default=2.0, ge=0)
    popularity_half_life_days: float = Field(default=7.0, gt=0)


class NeighbourParams(DecayParams):
    neighbours: int = Field(default=300, gt=0)


class ItemKnnParams(NeighbourParams):
    similarity: Literal["cosine", "bm25"] = "cosine"
    shrink: float = Field(default=1.0, ge=0)


class Rp3BetaParams(NeighbourParams):
    alpha: float = Field(default=1.0, gt=0)
    beta: float = Field(default=0.3, ge=0)


class EaseParams(NeighbourParams):
    regularization: float = Field(default=100.0, gt=0)
    max_gb: float = Field(default=1.0, gt=0)


class LinearFilterParams(NeighbourParams):
    neighbours: int = Field(default=300, ge=0)
    user_exponent: float = Field(default=1.0, ge=0)
    source_exponent: float = Field(default=0.5, ge=0)
    target_exponent: float = Field(default=0.5, ge=0)
    sharpening: float = Field(default=1.0, gt=0)
    rank: int = Field(default=64, ge=0, le=1024)
    rank_weight: float = Field(default=0.3, ge=0)
    rank_exponent: float = Field(default=0.5, ge=0)


class BoughtTogetherParams(NeighbourParams):
    gap_hours: float = Field(default=12.0, gt=0)
    shrink: float = Field(default=1.0, ge=0)


class BprParams(DecayParams):
    factors: int = Field(default=64, gt=0, le=1024)
    iterations: int = Field(default=200, gt=0)
    learning_rate: float = Field(default=0.1, gt=0)
    regularization: float = Field(default=0.03, ge=0)


class RankerParams(_Section):
    trees: int = Field(gt=0)
    patience: int = Field(default=50, ge=0)
    leaves: int = Field(gt=1)
    learning_rate: float = Field(gt=0, le=1)
    min_child_samples: int = Field(gt=0)
    feature_share: float = Field(default=1.0, gt=0, le=1)
    row_share: float = Field(default=1.0, gt=0, le=1)
    negatives_per_positive: int = Field(gt=0)
    shown_positives: int = Field(default=1000, gt=0)


class ListParams(_Section):
    size: int = Field(gt=0, le=1000)


class EvaluationParams(_Section):
    k: int = Field(gt=0, le=100)
    bootstrap_samples: int = Field(ge=100)


class GateParams(_Section):
    margin: float = Field(ge=0, lt=1)
    min_coverage: float = Field(default=0.01, ge=0, le=1)
    max_popularity_share: float = Field(default=0.9, ge=0, le=1)
    max_churn: float = Field(default=0.8, ge=0, le=1)
    max_bundle_mb: float = Field(default=500.0, gt=0)
    max_leaves: int = Field(default=20_000, gt=0)


class PromotionParams(_Section):
    mode: Literal["auto", "approve"] = "auto"
    wait_hours: float = Field(default=20.0, gt=0, le=168)


class PublishParams(_Section):
    users_per_block: int = Field(default=20_000, gt=0)
    tasks: int = Field(default=8, gt=0, le=1000)
    max_lost_users: float = Field(default=0.05, ge=0, le=1)
    min_overlap: float = Field(default=0.1, ge=0, le=1)
    min_coverage_ratio: float = Field(default=0.5, ge=0)
    max_popularity_share: float = Field(default=0.9, ge=0, le=1)
    max_short_lists: float = Field(default=0.05, ge=0, le=1)
    max_unavailable: float = Field(default=0.01, ge=0, le=1)


class DriftParams(_Section):
    window_days: int = Field(default=7, ge=1, le=7)
    enough_rows: int = Field(default=4000, ge=1)
    reference_weeks: int = Field(default=8, ge=4, le=52)
    min_rows: int = Field(default=100, ge=1)
    false_alarms_per_night: float = Field(default=0.01, gt=0, lt=1)
    effect: dict[DriftStatistic, Annotated[float, Field(gt=0)]] = Field(
        default=dict(zip(get_args(DriftStatistic), (0.1, 0.1, 0.1, 0.11, 0.3, 0.15, 0.7, 0.5), strict=True)),
        min_length=len(get_args(DriftStatistic)),
    )
    warn_share: float = Field(default=0.5, gt=0, le=1)
    retrain_cooldown_days: int = Field(default=7, ge=0)


class RetentionParams(_Section):
    generations: int = Field(default=3, ge=2)
    events_days: int | None = Field(default=None, gt=0)
    impressions_days: int = Field(default=180, gt=0)
    quarantine_days: int = Field(default=90, gt=0)
    reports_days: int = Field(default=365, gt=0)
    models: int = Field(default=20, gt=0)
    snapshots: int = Field(default=5, gt=0)
    run_folders: int = Field(default=10, gt=0)
    airflow_days: int | None = Field(default=90, gt=0)
    erased_days: int = Field(default=30, gt=0)


class Params(_Section):
    seed: int
    load: LoadParams = LoadParams()
    data: DataParams
    split: SplitParams
    scenarios: dict[str, ScenarioParams]
    pool: dict[str, Annotated[int, Field(gt=0, le=1000)]] = Field(min_length=1)
    als: AlsParams
    buy_again: BuyAgainParams
    popular: DecayParams
    item_knn: ItemKnnParams = ItemKnnParams()
    rp3beta: Rp3BetaParams = Rp3BetaParams()
    ease: EaseParams = EaseParams()
    linear_filter: LinearFilterParams = LinearFilterParams()
    bought_together: BoughtTogetherParams = BoughtTogetherParams()
    bpr: BprParams = BprParams()
    ranker: RankerParams
    lists: ListParams
    evaluation: EvaluationParams
    gate: GateParams
    promotion: PromotionParams = PromotionParams()
    publish: PublishParams = PublishParams()
    drift: DriftParams = DriftParams()
    retention: RetentionParams = RetentionParams()

    @field_validator("pool")
    @classmethod
    def _known(cls, pool: dict[str, int]) -> dict[str, int]:
        if unknown := [name for name in pool if name not in GENERATORS]:
            raise ValueError(f"unknown generators {', '.join(unknown)}; there are {', '.join(GENERATORS)}")
        return pool

    @property
    def generators(self) -> tuple[str, ...]:
        """The pool's generators in the order of params.yaml, which is the order of their features."""
        return tuple(self.pool)


def parse_params(text: str, source: str = "params.yaml") -> Params:
    """Params from YAML text; every fault in it is named with its key.

    Raises: ConfigError.
    """
    try:
        params = Params.model_validate(yaml.safe_load(text))
    except yaml.YAMLError as error:
        raise ConfigError(f"{source} is not YAML: {error}.") from None
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'all of it'}: {e['msg']}" for e in error.errors())
        raise ConfigError(f"{source}: {faults}.") from None
    if "default" not in params.scenarios:
        raise ConfigError(f"{source}: scenarios.default is missing; requests that name no scenario use it.")
    for name, needed in _reach(params).items():
        kept = getattr(params.retention, name)
        if kept is not None and kept < needed:
            raise ConfigError(
                f"{source}: retention.{name} is {kept}, but the windows of split and drift reach back {needed} days. "
                "Keep at least so much, or shorten these."
            )
    return params


def _reach(params: Params) -> dict[str, int]:
    """How many days back what is learnt from, or compared, may lie."""
    split, drift = params.split, params.drift
    windows = split.label_windows * split.label_days + split.test_days
    compared = drift.window_days + 7 * drift.reference_weeks
    return {
        "events_days": max(windows + split.label_days, compared),  # something to fit candidates on before the windows
        "impressions_days": max(windows + 1, compared),
    }


def load_params(path: Path) -> Params:
    """Params from a file. Raises: ConfigError, also where the file is absent."""
    try:
        text = path.read_text()
    except UnicodeError:
        raise ConfigError(f"{path} is not UTF-8. Save it as UTF-8.") from None
    except OSError as error:
        raise ConfigError(
            f"Cannot read {path}: {error.strerror}. Run from the project's folder, or name the file."
        ) from None
    return parse_params(text, path.name)


def flat(tree: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """A tree of parameters as dotted names and texts: {"als": {"factors": 8}} -> {"als.factors": "8"}."""
    found: dict[str, str] = {}
    for name, value in tree.items():
        found |= flat(value, f"{prefix}{name}.") if isinstance(value, Mapping) else {f"{prefix}{name}": str(value)}
    return found
