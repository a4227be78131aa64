"""Numbers in, claims out: the rubric and its matrix, differences between models, the space of all weightings."""
