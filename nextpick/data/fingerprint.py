"""The md5 by which DVC knows a folder, so that a bundle and dvc.lock name a snapshot alike."""

import json
from collections.abc import Mapping
from hashlib import md5


def folder_md5(contents: Mapping[str, bytes]) -> str:
    """DVC's md5 of a folder: that of the JSON list of its files' md5s, sorted by path, with `.dir` after it.

    `contents` maps each file's path in the folder, with slashes, to its bytes. Format: dvc_data/hashfile/tree.py.
    """
    files = [
        {"md5": md5(content, usedforsecurity=False).hexdigest(), "relpath": path}
        for path, content in sorted(contents.items())
    ]
    return md5(json.dumps(files, sort_keys=True).encode(), usedforsecurity=False).hexdigest() + ".dir"
