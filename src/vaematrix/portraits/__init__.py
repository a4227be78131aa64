"""Portraits: who is drawn (:mod:`.parameters`) and how (:mod:`.painting`)."""
