"""A whole world in memory: engine, registry and builder, with a clock, faults and crash points."""

from providers.memory.behaviour import Behaviour, Ended
from providers.memory.builder import MemoryBuilder
from providers.memory.clock import Clock
from providers.memory.engine import MemoryEngine
from providers.memory.errors import Killed
from providers.memory.faults import Call, CrashAt
from providers.memory.registry import MemoryRegistry, digest_of

__all__ = [
    "Behaviour",
    "Call",
    "Clock",
    "CrashAt",
    "Ended",
    "Killed",
    "MemoryBuilder",
    "MemoryEngine",
    "MemoryRegistry",
    "digest_of",
]
