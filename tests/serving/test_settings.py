import pytest

from growthbench.base.errors import SettingsError
from growthbench.serving.settings import DoorSettings


def test_the_door_listens_on_loopback_unless_told_otherwise(monkeypatch):
    assert DoorSettings.read() == DoorSettings()
    assert DoorSettings().host == "127.0.0.1"
    monkeypatch.setenv("GROWTHBENCH_PORT", "8080")
    monkeypatch.setenv("GROWTHBENCH_TIMEOUT_S", "2.5")
    assert (DoorSettings.read().port, DoorSettings.read().timeout_s) == (8080, 2.5)


@pytest.mark.parametrize("text", ["", "zero", "0", "-1", "nan", "2.5"])
def test_a_bad_setting_is_refused_by_name(monkeypatch, text):
    monkeypatch.setenv("GROWTHBENCH_MAX_ROWS", text)
    with pytest.raises(SettingsError, match="GROWTHBENCH_MAX_ROWS must be a positive int") as caught:
        DoorSettings.read()
    assert caught.value.field == "GROWTHBENCH_MAX_ROWS"
