"""What changed between two folders of results: first how they were measured, then what was measured.

A is the older folder, B the newer; a change is B - A. Measures are compared only where both were measured alike:

- a difference in the data (dataset, split, images, crop, …) concerns every metric;
- one in the sampling concerns what is measured on samples, one in the features what is measured on features;
- one in a metric's own entry (count, scale, protocol) concerns that metric;
- a field that is not known here concerns every metric, since nobody knows that it does not;
- versions, devices and the intervals' settings are told, and stop nothing.
"""

from vaematrix.reporting.comparison.changes import compare
from vaematrix.reporting.comparison.folders import read_folder
from vaematrix.reporting.comparison.printing import csv_rows, refusal, sections

__all__ = ["compare", "csv_rows", "read_folder", "refusal", "sections"]
