"""The hands: one folder a system, each independent of the others."""
