"""Which models of an experiment tell what a remedy brings."""

from vaematrix.analysis.remedies import Remedy
from vaematrix.experiment.remedies import remedies

ADVERSARY = {"weight": 0.2}


def test_models_that_differ_in_adversary_or_prior_alone_are_pairs() -> None:
    entries = {
        "plain": {"family": "beta_vae", "beta": 4.0},
        "adversarial": {"family": "beta_vae", "beta": 4.0, "adversary": ADVERSARY},
        "flow": {"family": "beta_vae", "beta": 4.0, "prior": "flow"},
        "both": {"beta": 4.0, "family": "beta_vae", "prior": {"kind": "flow", "layers": 3}, "adversary": {}},
        "other_beta": {"family": "beta_vae", "beta": 10.0, "adversary": ADVERSARY},
        "vae": {"family": "vae", "adversary": None, "prior": "normal"},
        "vae_mixture": {"family": "vae", "prior": "mixture"},
    }
    assert remedies(entries) == [
        Remedy("adversary", "adversarial", "plain"),
        Remedy("flow prior", "flow", "plain"),
        Remedy("adversary and flow prior", "both", "plain"),
        Remedy("mixture prior", "vae_mixture", "vae"),
    ]


def test_without_a_remedy_there_is_no_pair() -> None:
    assert remedies({"a": {"family": "vae"}, "b": {"family": "vae"}}) == []
