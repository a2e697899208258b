import re
from pathlib import Path

from growthbench.base.settings import Settings
from growthbench.serving.settings import DoorSettings
from growthbench.serving.settings_table import OTHERS, table, variables

ROOT = Path(__file__).parents[2]


def test_the_page_is_what_the_code_says():
    written = (ROOT / "docs" / "settings.md").read_text()
    assert written == table(), "run: python -m growthbench.serving.settings_table > docs/settings.md"


def test_every_variable_that_the_code_reads_is_in_the_page():
    text = "".join(p.read_text() for p in (ROOT / "src").rglob("*.py")) + (ROOT / "service.py").read_text()
    read = set(re.findall(r"GROWTHBENCH_[A-Z_]*[A-Z]", text)) | {
        f"GROWTHBENCH_{name.upper()}" for name in DoorSettings.__dataclass_fields__
    }
    assert read <= set(re.findall(r"`(GROWTHBENCH_[A-Z_]+)`", table()))


def test_every_setting_has_a_variable_a_default_and_words():
    for settings in (Settings, DoorSettings):
        found = variables(settings)
        assert len(found) == len(settings.__dataclass_fields__)
        assert all(v.default and len(v.text) > 10 for v in found)
    (port,) = [v for v in variables(DoorSettings) if v.name == "GROWTHBENCH_PORT"]
    assert port.default == "`3000`"


def test_what_is_read_elsewhere_is_not_in_a_class_too():
    assert not set(OTHERS) & {v.name for settings in (Settings, DoorSettings) for v in variables(settings)}
