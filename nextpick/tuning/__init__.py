"""The search for better parameters, on the label windows alone."""
