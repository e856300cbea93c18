"""How good the lists are: metrics, the report, and the gate."""
