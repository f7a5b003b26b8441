"""A whole world in memory: engine, registry and builder, with a clock, faults and crash points."""

from providers.memory.behaviour import Behaviour, Ended
from providers.memory.builder import MemoryBuilder
from providers.memory.clock import Clock
from providers.memory.engine import MemoryEngine
from providers.memory.errors import Killed
from providers.memory.faults import Call, CrashAt
from providers.memory.proxies import MemoryProxies
from providers.memory.registry import MemoryRegistry, digest_of
from providers.memory.ways import InFlight

__all__ = [
    "Behaviour",
    "Call",
    "Clock",
    "CrashAt",
    "Ended",
    "InFlight",
    "Killed",
    "MemoryBuilder",
    "MemoryEngine",
    "MemoryProxies",
    "MemoryRegistry",
    "digest_of",
]
