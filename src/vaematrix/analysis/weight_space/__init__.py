"""Do the weights decide who has the highest total? All weightings of the matrix's rows, as the points of a simplex.

A weighting is a point of the simplex: shares of the rows that add up to 1; with three rows it is a triangle. Under the
weights w a model with the scores s (its means over seeds) has the total w·s, which is linear in w, so that each model
has the highest one in a convex part of the simplex.

"The share of all weightings" is the share of the simplex's volume, where all weightings are equally likely:
Dirichlet(1, …, 1). With up to three rows that part is a polygon, cut out in fractions: its share is exact. With more
rows a polytope has too many corners to cut out (86 s for five rows and twelve models); there the share is estimated
from weightings drawn at random, and has a standard error. How far weights must move is exact always, and so is which
models tie.

All of it compares means over seeds, and says nothing of chance: that is for :mod:`vaematrix.analysis.differences`.
"""

from vaematrix.analysis.weight_space.changes import Change, change_of_leader, change_of_order, leaders, overtaking
from vaematrix.analysis.weight_space.landscape import Landscape, Reach, landscapes
from vaematrix.analysis.weight_space.scores import SCORINGS, continuous_score, mean_scores, weight_sets
from vaematrix.analysis.weight_space.simplex import DRAWS, Point, Territory, territories, total

__all__ = [
    "DRAWS",
    "SCORINGS",
    "Change",
    "Landscape",
    "Point",
    "Reach",
    "Territory",
    "change_of_leader",
    "change_of_order",
    "continuous_score",
    "landscapes",
    "leaders",
    "mean_scores",
    "overtaking",
    "territories",
    "total",
    "weight_sets",
]
