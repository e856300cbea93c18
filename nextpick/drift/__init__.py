"""Drift: how far live traffic has moved from what the model was trained on."""
