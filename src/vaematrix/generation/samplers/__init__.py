"""One file a sampler, named like the file in the config; what one is, says :mod:`vaematrix.generation.sampler`."""

from vaematrix.common.options import Kinds
from vaematrix.generation.sampler import Sampler

SAMPLERS = Kinds(__name__, Sampler)
names, load, create = SAMPLERS.names, SAMPLERS.load, SAMPLERS.create
