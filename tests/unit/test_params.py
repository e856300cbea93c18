"""params.yaml that cannot be: what is wrong is named, with its key."""

from pathlib import Path

import pytest

from nextpick.errors import ConfigError
from nextpick.params import load_params, parse_params
from tests.trained import PARAMS

TEXT = PARAMS.read_text()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (TEXT.replace("seed:", "sead:"), r"seed: Field required; sead: Extra inputs are not permitted"),
        (TEXT.replace("mode: auto", "mode: ask"), "promotion.mode: Input should be 'auto' or 'approve'"),
        (TEXT.replace("wait_hours: 20", "wait_hours: 0"), "promotion.wait_hours: Input should be greater than 0"),
        (TEXT.replace("\npool:", "\npool:\n  oracle: 9"), "unknown generators oracle; there are als, "),
        (TEXT.replace("  default:", "  other:"), "scenarios.default is missing"),
        (
            TEXT.replace("events_days: null", "events_days: 100"),
            "retention.events_days is 100, but the windows of split and drift reach back 168 days",
        ),
        (
            TEXT.replace("impressions_days: 180", "impressions_days: 100"),
            "retention.impressions_days is 100, but .* 141",
        ),
        (
            TEXT.replace("generations: 3", "generations: 1"),
            "retention.generations: Input should be greater than or equal",
        ),
        (TEXT.replace("purchase: 1.0", "purchase: -1.0"), "data.kinds.purchase: Input should be greater than 0"),
        (TEXT.replace("purchase: 1.0", "purchase: .nan"), "data.kinds.purchase: Input should be a finite number"),
        (TEXT.replace("half_life_days: 60.0", "half_life_days: .inf"), "als.half_life_days: Input should be a finite"),
        (
            TEXT.replace("  default:\n", "  default:\n    price: {min: 5, max: 2}\n"),
            "scenarios.default.price: Value error, min 5 is above max 2",
        ),
        ("", "params.yaml: all of it: Input should be a valid dictionary"),
        ("[1]", "params.yaml: all of it: Input should be a valid dictionary"),
        ("\tseed: 1", "params.yaml is not YAML: "),
        ("!!python/object/apply:os.getcwd []", "params.yaml is not YAML: could not determine a constructor"),
    ],
)
def test_a_fault_is_named_with_its_key(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        parse_params(text)


def test_a_file_that_is_absent_or_no_text_says_so(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"Cannot read .*params\.yaml: No such file"):
        load_params(tmp_path / "params.yaml")
    (tmp_path / "params.yaml").write_bytes("seed: 1".encode("utf-16"))
    with pytest.raises(ConfigError, match=r"params\.yaml is not UTF-8"):
        load_params(tmp_path / "params.yaml")
