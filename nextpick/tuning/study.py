"""The search itself: Optuna's, in a journal that outlives a crash. The only module that imports optuna.

One block of parameters is varied at a time (a generator's, or the ranker's), the others being those of the best so
far: what is not varied need not be fitted again. Within a block Optuna's TPE proposes, and its median rule ends early
what does worse on the first windows than half of what was tried before.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import FrozenTrial, TrialState

from nextpick.errors import ConfigError, NextPickError
from nextpick.tuning.space import Span, Values

Judge = Callable[[Values], Iterator[float]]
State = Literal["tried", "pruned", "failed"]
_STATES: dict[TrialState, State] = {
    TrialState.COMPLETE: "tried",
    TrialState.PRUNED: "pruned",
    TrialState.FAIL: "failed",
}
_NAME, _BEGAN_WITH, _VALUES = "tune", "began with", "values"
_WARM_UP = 4  # trials before any is pruned


@dataclass(frozen=True)
class Tried:
    """One trial: what was varied ("present" for the first), all values, and how good it was on the windows it was tried
    on: worths on unlike numbers of windows are not to be compared.
    """

    number: int
    block: str
    values: dict[str, float]
    worth: float
    windows: int
    state: State


class Study:
    """A search in a journal; a search that was begun in it before is gone on with."""

    def __init__(self, journal: Path, blocks: Mapping[str, Mapping[str, Span]], start: Values, about: str) -> None:
        """`start` is tried first; `about` names the data. Raises: ConfigError where the journal is of another search.

        A trial that was under way when a process ended counts as failed.
        """
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        journal.parent.mkdir(parents=True, exist_ok=True)
        self._blocks, self._start = blocks, dict(start)
        self._study = optuna.create_study(
            storage=JournalStorage(JournalFileBackend(str(journal.resolve()))),
            study_name=_NAME,
            direction="maximize",
            pruner=optuna.pruners.MedianPruner(n_startup_trials=_WARM_UP),
            load_if_exists=True,
        )
        began_with = {"about": about, "start": self._start}
        if self._study.user_attrs.get(_BEGAN_WITH, began_with) != began_with:
            raise ConfigError(f"{journal} is of a search on other data or from other parameters. Begin a new one.")
        self._study.set_user_attr(_BEGAN_WITH, began_with)
        for trial in self._study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
            self._study.tell(trial.number, state=TrialState.FAIL)

    @property
    def tried(self) -> list[Tried]:
        """Every trial so far, oldest first."""
        return [_tried(trial) for trial in self._study.get_trials(deepcopy=False)]

    @property
    def best(self) -> Tried | None:
        """The best of those that were tried to the end, the first of equals; None before the first."""
        return max((one for one in self.tried if one.state == "tried"), key=lambda one: one.worth, default=None)

    def next(self, judge: Judge, windows: int, seed: int, enough: Callable[[], bool]) -> Tried:
        """Try once more. `judge` yields how good values are after each of so many windows; the last one counts.

        Where `enough` says so between two windows the trial ends as pruned, save the first one, which all others are
        compared with. What cannot be fitted is a failed trial; the first one's error is raised.
        """
        best, number = self.best, len(self._study.get_trials(deepcopy=False))
        names = list(self._blocks)
        block = "present" if best is None else names[number % len(names)]
        self._study.sampler = optuna.samplers.TPESampler(seed=seed + number)
        trial = self._study.ask()
        varied = {name: drawn(trial, name, span) for name, span in self._blocks.get(block, {}).items()}
        values = {**(best.values if best else self._start), **varied}
        trial.set_user_attr(_VALUES, values)
        trial.set_user_attr("block", block)
        try:
            state = self._judged(trial, judge(values), windows, enough if best else lambda: False)
        except (NextPickError, ValueError):
            self._study.tell(trial, state=TrialState.FAIL)
            if best is None:
                raise
        except BaseException:  # Ctrl-C, or the worker is ended
            self._study.tell(trial, state=TrialState.FAIL)
            raise
        else:
            worths = self._study.get_trials(deepcopy=False)[number].intermediate_values
            complete = state == TrialState.COMPLETE
            self._study.tell(trial, worths[windows - 1] if complete else None, state=state)
        return self.tried[trial.number]

    @staticmethod
    def _judged(trial: optuna.Trial, worths: Iterator[float], windows: int, ends: Callable[[], bool]) -> TrialState:
        for step, worth in enumerate(worths):
            trial.report(worth, step)
            if step + 1 < windows and (ends() or trial.should_prune()):
                return TrialState.PRUNED
        return TrialState.COMPLETE


def drawn(trial: optuna.Trial, name: str, span: Span) -> float:
    """The next value; three digits of it, which is more than can be told apart, and a file to read."""
    if span.scale == "whole":
        return trial.suggest_int(name, int(span.low), int(span.high), log=span.low > 0)
    value = trial.suggest_float(name, span.low, span.high, log=span.scale == "log")
    return min(max(float(f"{value:.3g}"), span.low), span.high)


def _tried(trial: FrozenTrial) -> Tried:
    reported = list(trial.intermediate_values.values())
    worth = trial.value if trial.value is not None else reported[-1] if reported else float("nan")
    about = trial.user_attrs
    state = _STATES.get(trial.state, "failed")
    return Tried(trial.number, about.get("block", ""), dict(about.get(_VALUES, {})), worth, len(reported), state)
