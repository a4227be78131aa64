"""A model: the encoder and decoder that all share, and the loss of its family."""
