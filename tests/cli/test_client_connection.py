"""Where the client finds its cluster: said, set in the environment, written in a file, else on this host."""

from pathlib import Path

import pytest

from stanchion.client import find
from stanchion.model.errors import InvalidInput

NOWHERE = {"HOME": "/nowhere"}


def test_without_any_word_this_host_is_asked() -> None:
    found = find(env=NOWHERE)
    assert found.urls == ("http://127.0.0.1:7423",)
    assert found.token == ""


def test_what_is_said_beats_the_environment_and_that_beats_the_file(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("from-file\n")
    (tmp_path / "other").write_text("from-environment\n")
    (tmp_path / "client.toml").write_text('urls = ["http://a:1", "http://b:2/"]\ntoken_file = "token"\n')
    file = tmp_path / "client.toml"
    env = {"STANCHION_URL": "http://c:3, http://d:4", "STANCHION_TOKEN_FILE": str(tmp_path / "other")}
    written = find(file=file, env={})
    assert (written.urls, written.token) == (("http://a:1", "http://b:2"), "from-file")
    said = find(file=file, env=env)
    assert (said.urls, said.token) == (("http://c:3", "http://d:4"), "from-environment")
    assert find(["http://e:5"], tmp_path / "token", file=file, env=env).urls == ("http://e:5",)
    assert find(["http://e:5"], tmp_path / "token", file=file, env=env).token == "from-file"


def test_the_token_is_not_shown_by_accident(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("secret\n")
    assert "secret" not in repr(find([], tmp_path / "token", env=NOWHERE))


@pytest.mark.parametrize("url", ["node1:7423", "ftp://node1", "http://", "http://node1:port", ""])
def test_an_address_that_is_none_is_told(url: str) -> None:
    with pytest.raises(InvalidInput, match="is not the address of an agent; write it like http://"):
        find([url], env=NOWHERE)


@pytest.mark.parametrize(("text", "sentence"), [
    ("urls = [", "are not valid TOML"), ("adress = 1\n", "unknown setting 'adress'"),
])
def test_a_broken_file_is_told(tmp_path: Path, text: str, sentence: str) -> None:
    file = tmp_path / "client.toml"
    file.write_text(text)
    with pytest.raises(InvalidInput, match=sentence):
        find(file=file, env={})


@pytest.mark.parametrize("text", ["", "two words", "snow\u2603man"])
def test_a_token_file_without_a_token_is_told(tmp_path: Path, text: str) -> None:
    (tmp_path / "token").write_text(text)
    with pytest.raises(InvalidInput, match="does not hold a token"):
        find([], tmp_path / "token", env=NOWHERE)


def test_a_missing_token_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="there is no token file"):
        find([], tmp_path / "none", env=NOWHERE)


def test_settings_that_are_named_must_be_there_and_those_at_home_are_found(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="there are no client settings"):
        find(file=tmp_path / "client.toml", env=NOWHERE)
    (tmp_path / ".config/stanchion").mkdir(parents=True)
    (tmp_path / ".config/stanchion/client.toml").write_text('url = "http://a:1"\n')
    assert find(env={"HOME": str(tmp_path)}).urls == ("http://a:1",)
    assert find(env=NOWHERE | {"STANCHION_CONFIG": str(tmp_path / ".config/stanchion/client.toml")}).urls == (
        "http://a:1",)
