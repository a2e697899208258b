import subprocess
import sys

HEAVY = "dspy llama_index dbos mlflow pandas sklearn xgboost ibis duckdb shap evidently ragas great_expectations dvc"


def test_scoring_imports_nothing_heavy():
    code = (
        "import sys, growthbench.predictions.batch, growthbench.predictions.scorer\n"
        f"print([m for m in '{HEAVY} bentoml'.split() if m in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True)
    assert found.stdout.strip() == "[]"
