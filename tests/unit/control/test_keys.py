"""Signing keys: made once, readable by us alone, or given by a setting."""

import json
import multiprocessing
import stat

import pytest

from vivavoce.control.keys import FILE_NAME, signing_keys
from vivavoce.tokens import generate_keys


def test_keys_are_made_once_and_only_we_can_read_them(tmp_path):
    home = tmp_path / "home"
    first = signing_keys(home)
    assert stat.S_IMODE((home / FILE_NAME).stat().st_mode) == 0o600
    assert signing_keys(home).public() == first.public()
    assert [path.name for path in home.iterdir()] == [FILE_NAME]


def test_keys_that_others_can_read_are_refused(tmp_path):
    signing_keys(tmp_path)
    (tmp_path / FILE_NAME).chmod(0o640)
    with pytest.raises(ValueError, match="chmod 600"):
        signing_keys(tmp_path)


def test_a_link_in_the_place_of_the_file_is_not_followed(tmp_path):
    (tmp_path / "elsewhere").write_text("{}")
    (tmp_path / FILE_NAME).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match=FILE_NAME):
        signing_keys(tmp_path)


@pytest.mark.parametrize(
    "text", ["", "{}", '{"keys": []}', "[" * 5000, '{"keys": [{"kty": "oct"}]}']
)
def test_a_file_that_holds_no_keys_is_named(tmp_path, text):
    path = tmp_path / FILE_NAME
    path.write_text(text)
    path.chmod(0o600)
    with pytest.raises(ValueError, match=FILE_NAME):
        signing_keys(tmp_path)


def test_given_keys_come_first_and_touch_nothing(tmp_path):
    given = generate_keys()
    keys = signing_keys(tmp_path, json.dumps(given.private_jwks()))
    assert keys.public() == given.public()
    assert list(tmp_path.iterdir()) == []
    public = json.dumps(given.public())
    with pytest.raises(ValueError, match="VIVA_SIGNING_KEYS"):
        signing_keys(tmp_path, public)


def key_id(home):
    return signing_keys(home).keys[0].kid


def test_processes_that_start_at_once_agree(tmp_path):
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        assert len(set(pool.map(key_id, [tmp_path] * 8))) == 1
