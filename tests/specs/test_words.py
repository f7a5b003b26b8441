"""Every word of Compose's services is acted on, or refused with what to do instead."""

from __future__ import annotations

import pytest

from specs.service import Deploy, Healthcheck, Service
from specs.words import COMPOSE_REFUSED, NOT_YET

COMPOSE = """
    annotations attach blkio_config build cap_add cap_drop cgroup cgroup_parent command configs
    container_name cpu_count cpu_percent cpu_period cpu_quota cpu_rt_period cpu_rt_runtime
    cpu_shares cpus cpuset credential_spec depends_on deploy develop device_cgroup_rules devices dns
    dns_opt dns_search domainname entrypoint env_file environment expose extends external_links
    extra_hosts gpus group_add healthcheck hostname image init ipc isolation label_file labels links
    logging mac_address mem_limit mem_reservation mem_swappiness memswap_limit models network_mode
    networks oom_kill_disable oom_score_adj pid pids_limit platform ports post_start pre_stop
    privileged profiles provider pull_policy read_only restart runtime scale secrets security_opt
    shm_size stdin_open stop_grace_period stop_signal storage_opt sysctls tmpfs tty ulimits
    use_api_socket user userns_mode uts volumes volumes_from working_dir
"""
DEPLOY = "endpoint_mode labels mode placement replicas resources restart_policy rollback_config update_config"
HEALTHCHECK = "disable interval retries start_interval start_period test timeout"


@pytest.mark.parametrize("word", COMPOSE.split())
def test_every_word_of_compose_is_known(word: str) -> None:
    _check(word, word in Service.model_fields)


@pytest.mark.parametrize("word", DEPLOY.split())
def test_every_word_of_deploy_is_known(word: str) -> None:
    _check(f"deploy.{word}", word in Deploy.model_fields)


@pytest.mark.parametrize("word", HEALTHCHECK.split())
def test_every_word_of_healthcheck_is_known(word: str) -> None:
    _check(f"healthcheck.{word}", word in Healthcheck.model_fields)


def _check(word: str, acted_on: bool) -> None:
    refused = COMPOSE_REFUSED.get(("Service", word))
    assert acted_on != bool(refused), "one of the two"
    assert ("Service", word) not in NOT_YET, "not yet is no reason"


def test_every_field_of_a_service_says_what_it_is() -> None:
    for name, field in Service.model_fields.items():
        assert field.description, name
        assert field.description.endswith("."), name
