"""The mind: decides and loops. Knows no platform."""
