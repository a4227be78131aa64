"""One loop for every family, and what lets it be interrupted, compiled and watched."""
