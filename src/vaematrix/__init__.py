"""Train variational autoencoders on faces and judge them by a weighted evaluation matrix."""

__version__ = "0.1.0"
