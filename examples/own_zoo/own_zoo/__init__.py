"""A zoo in a package of its own: one model, one dataset, one recipe and one metric."""
