"""What ``--json`` prints, verb by verb, as models: the published schema, and what reads it back."""
