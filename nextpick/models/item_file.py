"""The item table of a bundle as a parquet file, read from bytes that nobody vouches for."""

from collections.abc import Sequence
from io import BytesIO

import numpy as np
import pandas as pd
import pyarrow as pa
from pyarrow import parquet, types

from nextpick.errors import BundleError
from nextpick.features.items import ITEM_FEATURES, ItemTable
from nextpick.idmap import IdMap
from nextpick.schema import CATEGORIES, ITEM_ID, PRICE, TITLE

_FEATURES = [f"feature_{name}" for name in ITEM_FEATURES]
_MOST_BYTES = (1 << 26, 1 << 14)  # unpacked: in all, and an item beside that
_METADATA_BYTES = 1 << 26


def dump(table: ItemTable, items: IdMap) -> bytes:
    """The same table gives the same bytes."""
    frame = pd.DataFrame({name: table.features[:, i] for i, name in enumerate(_FEATURES)})
    frame.insert(0, ITEM_ID, list(items.ids))
    frame.insert(1, TITLE, list(table.titles))
    frame.insert(2, CATEGORIES, [list(c) for c in table.categories])
    frame.insert(3, PRICE, table.prices)
    buffer = BytesIO()
    frame.to_parquet(buffer, index=False)
    return buffer.getvalue()


def load(stored: bytes, items: IdMap, former: bool) -> ItemTable:
    """What `dump` was given; of a `former` format, which has fewer of the features, those are NaN.

    Raises: BundleError where it is of other items; ValueError, or pyarrow's errors, where it is no such file.
    """
    file = parquet.ParquetFile(
        BytesIO(stored), thrift_string_size_limit=_METADATA_BYTES, thrift_container_size_limit=1_000_000
    )
    names = file.schema_arrow.names
    present = [name for name in _FEATURES if name in names or not former]
    _look_over(file, [ITEM_ID, TITLE, CATEGORIES, PRICE, *present], len(items))
    table = file.read(columns=[ITEM_ID, TITLE, CATEGORIES, PRICE, *present])
    if tuple(table[ITEM_ID].to_pylist()) != items.ids:
        raise BundleError("Its item table and its ids name different items. Train again.")
    features = np.full((len(items), len(_FEATURES)), np.nan, np.float32)
    for column, name in enumerate(_FEATURES):
        if name in present:
            features[:, column] = table[name].to_numpy()
    return ItemTable(
        features=features,
        titles=tuple(table[TITLE].to_pylist()),
        categories=tuple(map(tuple, table[CATEGORIES].to_pylist())),
        prices=table[PRICE].to_numpy().astype(np.float64),
    )


def _look_over(file: parquet.ParquetFile, wanted: Sequence[str], n_items: int) -> None:
    """Before anything is unpacked: as many rows as there are items, columns of the right types, and no bomb."""
    about, schema = file.metadata, file.schema_arrow
    if about.num_rows != n_items:
        raise BundleError(
            f"Its item table and its ids name different items: {about.num_rows} and {n_items}. Train again."
        )
    if len(set(schema.names)) < len(schema.names) or (absent := [name for name in wanted if name not in schema.names]):
        raise ValueError(f"the item table lacks {absent}" if absent else "a column of the item table stands twice")
    for name in wanted:
        if not _is_sound(name, schema.field(name).type):
            raise ValueError(f"the item table's {name} is {schema.field(name).type}")
    groups = [about.row_group(i) for i in range(about.num_row_groups)]
    unpacked = sum(group.column(i).total_uncompressed_size for group in groups for i in range(group.num_columns))
    if unpacked > _MOST_BYTES[0] + _MOST_BYTES[1] * n_items or sum(group.num_rows for group in groups) != n_items:
        raise ValueError(f"the item table unpacks to {unpacked} bytes, for {n_items} items")


def _is_sound(name: str, kind: pa.DataType) -> bool:
    def text(one: pa.DataType) -> bool:
        return bool(types.is_string(one) or types.is_large_string(one))

    if name == CATEGORIES:
        listed = types.is_list(kind) or types.is_large_list(kind)
        return bool(listed) and (text(kind.value_type) or bool(types.is_null(kind.value_type)))  # null: no item has one
    return text(kind) if name in (ITEM_ID, TITLE) else bool(types.is_floating(kind))
