"""Arrays go to Postgres and come back bit by bit as they were."""

import numpy as np
import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays_of

from nextpick.store import arrays
from nextpick.store.arrays import ELEMENTS, FLOAT4, INT4, Element


@pytest.mark.parametrize("element", ELEMENTS, ids=lambda element: element.name)
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_array_survives_the_round_trip(conn: psycopg.Connection, element: Element, data: st.DataObject) -> None:
    sent = data.draw(arrays_of.arrays(element.dtype, st.integers(0, 20)))
    arrays.register(conn)
    assert np.array_equal(arrays.load(arrays.dump(sent, element)), sent, equal_nan=element is FLOAT4)
    cursor = conn.cursor(binary=True).execute(f"SELECT %s::{element.name}[]", (sent.tolist(),))
    row = cursor.fetchone()
    assert row is not None
    assert row[0].dtype == element.dtype
    np.testing.assert_array_equal(row[0], sent)


@pytest.mark.parametrize("literal", ["'{1,NULL}'::int4[]", "'{{1,2},{3,4}}'::int4[]"])
def test_nulls_and_matrices_are_refused(conn: psycopg.Connection, literal: str) -> None:
    arrays.register(conn)
    cursor = conn.cursor(binary=True).execute(f"SELECT {literal}")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="Not a flat array without nulls"):
        cursor.fetchone()


def test_an_unknown_element_type_is_refused() -> None:
    with pytest.raises(ValueError, match="element oid 25"):
        arrays.load(arrays.header(0, Element("text", 25, INT4.dtype)))
