"""What an experiment is: its checked configuration, and the keys that decide what reruns."""
