"""Python for the page of the laboratory: what is put beside it, and what its script calls."""
