"""The model card: what a person reads before a model goes live, and afterwards."""

TEXT = "card.md"  # its file, beside its plots
