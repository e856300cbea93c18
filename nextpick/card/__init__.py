"""The model card: what a person reads before a model goes live, and afterwards."""
