"""How many images a source has in its training split, known before anything is made of it.

Standard library only, because the Snakefile imports it each time it is parsed.
"""

import re
from collections.abc import Mapping
from typing import Any

from vaematrix.data.layout import PARTITION_LIST, SPLITS, Source, read_list

CELEBA_TRAIN = 162_770
VALID_SHARE = TEST_SHARE = 0.15  # of drawn faces


def drawn_splits(count: int) -> dict[str, int]:
    """How many of so many drawn faces each split gets, by its name."""
    valid, test = round(VALID_SHARE * count), round(TEST_SHARE * count)
    return {"train": count - valid - test, "valid": valid, "test": test}


def training_images(dataset: Mapping[str, Any], source: Source | None) -> int:
    """The size of the training split.

    Args:
        dataset: the configuration's section.
        source: where the user's own faces are, for `source: path`; their list is counted, not checked.
    """
    if source:
        in_train = re.compile(rb"[ \t]%d[ \t\r]*$" % SPLITS["train"], re.MULTILINE)
        return len(in_train.findall(read_list(source, PARTITION_LIST)[0]))
    return drawn_splits(dataset["count"])["train"] if dataset["source"] == "drawn" else CELEBA_TRAIN
