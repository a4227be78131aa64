"""One file a family, named like the file in the config. What a family is, says :mod:`vaematrix.models.family`."""

from vaematrix.common.options import Kinds
from vaematrix.models.family import Family

FAMILIES = Kinds(__name__, Family)
names, load, create = FAMILIES.names, FAMILIES.load, FAMILIES.create
