"""Parameters for a person to look at: params.yaml with some values changed. The only module that imports ruamel."""

from collections.abc import Mapping
from difflib import unified_diff
from io import StringIO

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap

from nextpick.tuning.space import Values


def rewritten(text: str, changed: Values) -> str:
    """The text of a params.yaml with some values changed, comments and order kept; what it lacks is added."""
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 4096  # no line is broken
    yaml.indent(mapping=2)
    yaml.representer.add_representer(type(None), lambda to, _: to.represent_scalar("tag:yaml.org,2002:null", "null"))
    tree = yaml.load(text)
    for dotted, value in changed.items():
        section, name = dotted.split(".")
        if not isinstance(tree.get(section), Mapping):
            tree[section] = CommentedMap()
        tree[section][name] = value
    out = StringIO()
    yaml.dump(tree, out)
    return out.getvalue()


def difference(present: str, proposed: str) -> str:
    """What differs, as `diff -u` shows it; empty where nothing does."""
    old, new = present.splitlines(keepends=True), proposed.splitlines(keepends=True)
    return "".join(unified_diff(old, new, "params.yaml", "proposed", n=1))
