"""One service with every word about one container, as people write it and in its normal form."""

from __future__ import annotations

from typing import Any, Final

WRITTEN: Final[dict[str, Any]] = {
    "env_file": ["conf/defaults.env", {"path": "conf/absent.env", "required": False}],
    "label_file": "conf/labels.txt",
    "expose": ["8080", "53/udp"],
    "tmpfs": ["/run", "/scratch:size=16m,mode=750,uid=7,gid=8,exec"],
    "volumes": [{"type": "tmpfs", "target": "/cache", "tmpfs": {"size": "8M", "mode": "0o700"}}],
    "read_only": True,
    "cap_drop": ["net_raw", "CAP_MKNOD"],
    "group_add": [4321, "1234"],
    "ulimits": {"nofile": 1024, "nproc": {"soft": 512, "hard": 1024}, "core": 0},
    "sysctls": ["net.core.somaxconn=512", "kernel.msgmax=65536"],
    "shm_size": "32M",
    "init": True,
    "hostname": "all-words",
    "domainname": "shop.internal",
    "extra_hosts": ["db.internal=10.9.8.7", "db.internal:::1", "host.internal:host-gateway"],
    "dns": "10.9.8.6",
    "dns_opt": ["ndots:2"],
    "dns_search": ["shop.internal", "internal"],
    "logging": {"driver": "json-file", "options": {"max-size": "1m", "max-file": "2"}},
    "stdin_open": True,
    "tty": True,
    "oom_score_adj": 300,
    "memswap_limit": "96M",
    "cpu_shares": 512,
    "cpuset": "0-1",
    "deploy": {"mode": "replicated", "resources": {"limits": {"memory": "64M"}}},
}
"""What every engine from 20.10 on takes."""
FILES: Final = {
    "conf/defaults.env": "# told\nexport FROM_FILE='a $b'\nBOTH=file\nWITH=${WHERE}/x\n",
    "conf/labels.txt": "com.example.team=shop\n",
}
"""The files that it names; WHERE is a variable of the environment."""
NEWER: Final[dict[str, Any]] = {"annotations": {"org.example.team": "shop"}}
"""What engines from API 1.44 on take as well, beside ``healthcheck.start_interval``."""
NORMAL: Final[dict[str, Any]] = {
    "tmpfs": {"/run": {}, "/scratch": {"size": "16M", "mode": "0o750", "uid": "7", "gid": "8", "exec": True}},
    "volumes": {"/cache": {"type": "tmpfs", "tmpfs": {"size": "8M", "mode": "0o700"}}},
    "read_only": True,
    "cap_drop": ["MKNOD", "NET_RAW"],
    "group_add": ["1234", "4321"],
    "ulimits": {
        "nofile": {"soft": 1024, "hard": 1024},
        "nproc": {"soft": 512, "hard": 1024},
        "core": {"soft": 0, "hard": 0},
    },
    "sysctls": {"net.core.somaxconn": "512", "kernel.msgmax": "65536"},
    "shm_size": "32M",
    "init": True,
    "hostname": "all-words",
    "domainname": "shop.internal",
    "extra_hosts": {"db.internal": ["10.9.8.7", "::1"], "host.internal": ["host-gateway"]},
    "dns": ["10.9.8.6"],
    "dns_opt": ["ndots:2"],
    "dns_search": ["shop.internal", "internal"],
    "logging": {"driver": "json-file", "options": {"max-size": "1m", "max-file": "2"}},
    "stdin_open": True,
    "tty": True,
    "oom_score_adj": 300,
    "memswap_limit": "96M",
    "cpu_shares": 512,
    "cpuset": "0-1",
    "deploy": {"resources": {"limits": {"memory": "64M"}}},
}
"""The same in its normal form, without what is read at resolve time."""
