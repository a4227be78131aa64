"""What trained models make: codes, reconstructions, samples, walks and edits in latent space."""
