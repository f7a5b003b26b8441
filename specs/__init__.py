"""The language: what may be written in a spec repository. Imports nothing of ours."""
