"""What a model card is made of."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from nextpick.data.split import Windows
from nextpick.evaluation.gate import Decision
from nextpick.evaluation.report import Report
from nextpick.params import Params


@dataclass(frozen=True)
class Facts:
    """`version` and `champion` are the registry's numbers, or empty; `lineage` is the registry's too.

    `trained_on` counts what the snapshot holds: interactions, users, items. `importance` is the ranker's, as
    models.ranker.Ranker has it. `champion_params` are None where there is no champion to compare with.
    """

    decision: Decision
    report: Report
    params: Params
    windows: Windows
    trained_on: Mapping[str, int]
    bundle_sha256: str
    version: str = ""
    champion: str = ""
    champion_params: Params | None = None
    lineage: Mapping[str, str] = field(default_factory=dict)
    importance: Mapping[str, Mapping[str, float]] = field(default_factory=dict)

    @property
    def k(self) -> int:
        return self.params.evaluation.k
