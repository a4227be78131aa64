"""What every room needs: files, errors, messages, devices, provenance, and how images lie on disk."""
