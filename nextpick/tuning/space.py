"""What is searched: each generator of the pool with its place in it, and the ranker."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from pydantic import ValidationError

from nextpick.errors import ConfigError
from nextpick.params import Params

Values = Mapping[str, float]
"""Parameters by their dotted names, as in params.yaml: {"als.factors": 64}."""


@dataclass(frozen=True)
class Span:
    """Bounds of a parameter, both included; `log` and `whole` (a whole number) are tried evenly by their logarithm."""

    low: float
    high: float
    scale: Literal["log", "linear", "whole"] = "log"

    def around(self, value: float) -> "Span":
        """The span, widened to take a value in; by steps as before where its logarithm cannot be taken."""
        scale = "linear" if self.scale == "log" and value <= 0 else self.scale
        return replace(self, low=min(self.low, value), high=max(self.high, value), scale=scale)


_DECAY = Span(3, 1000)
_NEIGHBOURS = Span(50, 1000, "whole")
POOL = Span(20, 200, "whole")
GENERATORS: Mapping[str, Mapping[str, Span]] = {
    "als": {
        "factors": Span(16, 256, "whole"),
        "regularization": Span(0.1, 300),
        "alpha": Span(1, 300),
        "frequency_exponent": Span(0, 1, "linear"),
        "half_life_days": _DECAY,
    },
    "bought_together": {"neighbours": _NEIGHBOURS, "half_life_days": _DECAY, "shrink": Span(0, 50, "linear")},
    "bpr": {
        "factors": Span(16, 256, "whole"),
        "iterations": Span(20, 200, "whole"),
        "learning_rate": Span(0.005, 0.3),
        "regularization": Span(0.0003, 0.1),
        "half_life_days": _DECAY,
    },
    "buy_again": {
        "half_life_days": _DECAY,
        "popularity_weight": Span(0, 5, "linear"),
        "popularity_half_life_days": Span(1, 100),
    },
    "ease": {"regularization": Span(5, 3000), "half_life_days": _DECAY},
    "item_knn": {"neighbours": _NEIGHBOURS, "half_life_days": _DECAY, "shrink": Span(0, 100, "linear")},
    "linear_filter": {
        "user_exponent": Span(0.2, 1.2, "linear"),
        "source_exponent": Span(0, 1, "linear"),
        "target_exponent": Span(0, 1, "linear"),
        "sharpening": Span(0.5, 2),
        "rank": Span(16, 256, "whole"),
        "rank_weight": Span(0.01, 10),
        "half_life_days": _DECAY,
    },
    "popular": {"half_life_days": Span(1, 365)},
    "rp3beta": {
        "neighbours": _NEIGHBOURS,
        "alpha": Span(0.4, 1.6, "linear"),
        "beta": Span(0, 0.9, "linear"),
        "half_life_days": _DECAY,
    },
}
RANKER: Mapping[str, Span] = {
    "trees": Span(50, 600, "whole"),
    "leaves": Span(4, 63, "whole"),
    "learning_rate": Span(0.01, 0.3),
    "min_child_samples": Span(5, 300, "whole"),
    "feature_share": Span(0.4, 1, "linear"),
    "row_share": Span(0.4, 1, "linear"),
}


def blocks(params: Params) -> dict[str, dict[str, Span]]:
    """What is varied together, by the name of what it belongs to; the bounds take in what `params` has."""
    found = {"ranker": {f"ranker.{name}": span for name, span in RANKER.items()}}
    for generator in params.generators:
        own = {f"{generator}.{name}": span for name, span in GENERATORS.get(generator, {}).items()}
        found[generator] = {f"pool.{generator}": POOL, **own}
    present = values(params)
    return {block: {name: span.around(present[name]) for name, span in spans.items()} for block, spans in found.items()}


def values(params: Params) -> dict[str, float]:
    """Every number of the pool, its generators and the ranker that `params` has."""
    tree = params.model_dump(include={"pool", "ranker", *params.generators})
    return {
        f"{section}.{name}": value
        for section, own in tree.items()
        for name, value in own.items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    }


def with_values(params: Params, changed: Values) -> Params:
    """`params` with some values changed. Raises: ConfigError where one is out of its bounds, or there is none such."""
    tree = params.model_dump()
    for dotted, value in changed.items():
        section, name = dotted.split(".")
        if name not in tree.get(section, {}):
            raise ConfigError(f"There is no parameter {dotted} in params.yaml.")
        tree[section][name] = value
    try:
        return Params.model_validate(tree)
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise ConfigError(f"These parameters cannot be: {faults}.") from None
