import pytest

from growthbench.base.errors import SettingsError
from growthbench.language import LanguageSettings, UnpricedModelError, candidates


def read(**values):
    return LanguageSettings.read({f"GROWTHBENCH_LM{k}": v for k, v in values.items()})


def test_without_a_word_in_the_environment_it_is_offline():
    settings = LanguageSettings.read({"OPENAI_API_KEY": "k"})
    assert settings.models == ("offline",)
    assert candidates(settings, "reasoning", "quality") == ["offline"]


def test_keys_are_not_printed():
    settings = LanguageSettings.read({"GROWTHBENCH_LM_API_KEY": "sk-hidden", "XAI_API_KEY": "xai-hidden"})
    assert "hidden" not in repr(settings)
    assert settings.keys == {"openai": "sk-hidden", "xai": "xai-hidden"}


def test_a_key_for_openai_is_not_told_to_another_server():
    told = {"OPENAI_API_KEY": "sk-openai", "GROWTHBENCH_LM_BASE_URL": "https://elsewhere.example/v1"}
    assert "openai" not in LanguageSettings.read(told).keys
    assert LanguageSettings.read(told | {"GROWTHBENCH_LM_API_KEY": "own"}).keys["openai"] == "own"


@pytest.mark.parametrize(
    "values",
    [
        {"": "gpt-4o"},
        {"": "nobody/model"},
        {"": "openai/"},
        {"_BASE_URL": "127.0.0.1:8000"},
        {"_PRICE": "0.15"},
        {"_PRICE": "a/b"},
        {"_PRICE": "-1/2"},
        {"_TIMEOUT_S": "soon"},
        {"_TIMEOUT_S": "0"},
        {"_TRANSCRIPT": "file.json"},
    ],
)
def test_a_wrong_setting_is_named(values):
    with pytest.raises(SettingsError) as caught:
        read(**values)
    assert caught.value.field == f"GROWTHBENCH_LM{next(iter(values))}"


def test_the_first_model_is_asked_first_and_others_only_with_fallback():
    settings = read(**{"": "openai/gpt-4o, anthropic/claude-sonnet-5,offline"})
    assert candidates(settings, "tool_use", "cost") == ["openai/gpt-4o", "anthropic/claude-sonnet-5", "offline"]
    assert candidates(settings, "tool_use", "cost", fallback=False) == ["openai/gpt-4o"]


def test_auto_takes_the_cell_and_the_fallback_order_where_there_are_keys():
    told = {"GROWTHBENCH_LM": "auto", "OPENAI_API_KEY": "k", "ANTHROPIC_API_KEY": "k"}
    order = candidates(LanguageSettings.read(told), "bulk_processing", "cost")
    assert order == ["openai/gpt-5-nano", "anthropic/claude-sonnet-5", "openai/gpt-4.1"]
    with pytest.raises(SettingsError, match="ANTHROPIC_API_KEY"):
        candidates(LanguageSettings.read({"GROWTHBENCH_LM": "auto"}), "bulk_processing", "cost")


def test_an_unknown_model_is_refused_unless_a_price_is_set():
    away = {"_BASE_URL": "https://models.example/v1"}
    with pytest.raises(UnpricedModelError, match="GROWTHBENCH_LM_PRICE"):
        read(**away).card("openai/tiny")
    priced = read(**away, _PRICE="0.15/0.60").card("openai/tiny")
    assert (priced.input_price, priced.output_price) == (150_000, 600_000)


def test_a_server_on_this_machine_is_free_unless_priced():
    here = {"_BASE_URL": "http://localhost:8000/v1"}
    assert read(**here).card("openai/tiny").output_price == 0
    assert read(**here, _PRICE="1/2").card("openai/tiny").output_price == 2_000_000
    assert read(**here).card("openai/gpt-4o").output_price == 10_000_000
