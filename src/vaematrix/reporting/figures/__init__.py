"""Figures: exact grids of faces, and charts, all in one visual language.

Every figure is written twice, each file whole, and the same input gives the same bytes: a PNG for the screen and beside
it a PDF for print, whose text and lines are vectors. A model has the same colour, dashes and marker everywhere, by its
place in the configuration. Images are uint8 RGB throughout.
"""

from vaematrix.reporting.figures.charts import (
    distance_by_count,
    distributions,
    latent_units,
    rate_distortion,
    training_curves,
)
from vaematrix.reporting.figures.grids import (
    best_median_worst,
    conditional_grid,
    interpolation_grid,
    overview,
    reconstruction_grid,
    sample_grid,
    sampler_grid,
    save_image,
    traversal_grid,
)
from vaematrix.reporting.figures.style import model_lines, model_markers

__all__ = [
    "best_median_worst",
    "conditional_grid",
    "distance_by_count",
    "distributions",
    "interpolation_grid",
    "latent_units",
    "model_lines",
    "model_markers",
    "overview",
    "rate_distortion",
    "reconstruction_grid",
    "sample_grid",
    "sampler_grid",
    "save_image",
    "training_curves",
    "traversal_grid",
]  # fmt: skip
