"""The agent's settings file: what is written is read back, and every mistake is told in one sentence."""

from pathlib import Path

import pytest

from stanchion.config import DEFAULT_PORT, AgentConfig, load, write
from stanchion.model.cluster import SelfFence
from stanchion.model.errors import HostError, InvalidInput

GOOD = 'node = "node1"\ncluster = "lab"\nstore = "store.db"\nstate_dir = "state"\ntoken_file = "token"\n'


def settings(directory: Path, text: str) -> Path:
    path = directory / "agent.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    config = AgentConfig(
        node="node1", cluster="lab", store=tmp_path / 'a "quoted" ünit.db', state_dir=tmp_path / "state",
        token_file=tmp_path / "token", listen_port=7500, self_fence=SelfFence.SUPERVISOR,
        supervisor=tmp_path / "watchdog.sock", log_json=True)

    write(config, tmp_path / "agent.toml")

    assert load(tmp_path / "agent.toml") == config
    assert [entry.name for entry in tmp_path.iterdir()] == ["agent.toml"]


def test_the_written_file_explains_itself(tmp_path: Path) -> None:
    write(load(settings(tmp_path, GOOD)), tmp_path / "again.toml")

    text = (tmp_path / "again.toml").read_text()

    assert "# This host's name in the cluster" in text
    assert '\n# supervisor = ""\n' in text
    assert load(tmp_path / "again.toml") == load(tmp_path / "agent.toml")


def test_defaults_hold_and_relative_paths_count_from_the_file(tmp_path: Path) -> None:
    config = load(settings(tmp_path, GOOD))

    assert config.listen_port == DEFAULT_PORT
    assert config.self_fence is SelfFence.NONE
    assert config.supervisor is None
    assert config.store == tmp_path / "store.db"


@pytest.mark.parametrize(("text", "sentence"), [
    (GOOD + 'self_fense = "watchdog"\n', r"unknown setting 'self_fense'; did you mean 'self_fence'\? known are node, "),
    ('node = "node1"\n', "cluster, state_dir, token_file must be set"),
    (GOOD + "listen_port = 99999\n", "listen_port = 99999 does not fit: input should be less than or equal to 65535"),
    (GOOD + 'listen_port = "7423"\n', 'listen_port = "7423" does not fit: input should be a valid integer'),
    (GOOD + "log_json = 1\n", "log_json = 1 does not fit"),
    (GOOD + 'self_fence = "sometimes"\n', "should be 'none', 'supervisor' or 'watchdog'"),
    (GOOD + 'self_fence = "supervisor"\n', "needs the supervisor's socket"),
    (GOOD.replace("node1", "node 1"), 'node = "node 1" does not fit: use 1 to 63 letters'),
    (GOOD.replace("store.db", ""), 'store = "" does not fit: a path is due'),
    (GOOD.replace('store = "store.db"', ""), "name the store's file in `store`, or the members of an etcd in `etcd`"),
    (GOOD + 'etcd = ["https://a:2379"]\n', "in `etcd`, and not both"),
    (GOOD + 'etcd_cert = "a.crt"\n', "etcd_cert and etcd_key go together"),
    (GOOD + 'etcd_user = "agent"\n', "etcd_user and etcd_password_file go together"),
    (GOOD + 'etcd = "https://a:2379"\n', 'etcd = "https://a:2379" does not fit: input should be a valid tuple'),
    ("node = \n", "is not valid TOML"),
])
def test_a_mistake_is_told_in_one_sentence(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(InvalidInput, match=sentence) as told:
        load(settings(tmp_path, text))

    assert str(tmp_path / "agent.toml") in str(told.value)
    assert "\n" not in str(told.value)


def test_a_store_in_etcd_is_written_and_read_back(tmp_path: Path) -> None:
    config = AgentConfig(
        node="node1", cluster="lab", etcd=("https://a:2379", "https://b:2379"), etcd_ca=tmp_path / "ca.crt",
        etcd_cert=tmp_path / "a.crt", etcd_key=tmp_path / "a.key", etcd_user="agent",
        etcd_password_file=tmp_path / "secret", state_dir=tmp_path / "state", token_file=tmp_path / "token")

    write(config, tmp_path / "agent.toml")

    assert load(tmp_path / "agent.toml") == config
    assert 'etcd = ["https://a:2379", "https://b:2379"]' in (tmp_path / "agent.toml").read_text()


def test_a_missing_file_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="`stanchion init` makes one"):
        load(tmp_path / "agent.toml")


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "agent.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(InvalidInput, match="cannot be read"):
        load(tmp_path / "agent.toml")


def test_a_directory_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(HostError, match="cannot be written: No such file"):
        write(load(settings(tmp_path, GOOD)), tmp_path / "absent" / "agent.toml")
