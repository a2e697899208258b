import sys
from subprocess import run

from bm25s.stopwords import STOPWORDS_EN

from growthbench.text import stems, words
from growthbench.text.analysis import STOP_WORDS


def test_the_stop_list_is_the_one_retrieval_was_measured_with():
    assert frozenset(STOPWORDS_EN) == STOP_WORDS


def test_inflections_share_a_stem():
    assert stems("refunds refunded refunding") == ["refund"] * 3


def test_stop_words_have_no_stem_but_are_words():
    assert stems("this is the end") == ["end"]
    assert words("this is the end") == ["this", "is", "the", "end"]


def test_analysis_equals_bm25s_tokenizer():
    import Stemmer
    from bm25s import tokenize

    texts = ["The Pro plan's 14-day trial isn't billed.", "Naïve cafés, 3.5 % up", "A_b c-d U.S.", ""]
    made = tokenize(texts, stopwords="en", stemmer=Stemmer.Stemmer("english"), return_ids=False, show_progress=False)
    assert [stems(t) for t in texts] == [list(m) for m in made]


def test_importing_text_loads_nothing_heavy():
    heavy = ["onnx", "onnxruntime", "tokenizers", "safetensors", "Stemmer", "scipy"]
    code = f"import sys, growthbench.text; print([m for m in {heavy} if m in sys.modules])"
    assert run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
