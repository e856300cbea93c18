"""Moments inside arrays: microseconds since 1970 UTC, exactly, whatever unit a column of times has."""

import numpy as np
import pandas as pd


def microseconds(moments: pd.Series) -> np.ndarray:
    """int64, shape (len(moments),), of a datetime column with a time zone; NaT becomes the smallest int64."""
    return moments.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy().astype("datetime64[us]").astype(np.int64)
