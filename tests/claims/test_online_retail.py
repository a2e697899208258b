"""90-day churn from a raw public log, judged on a later time, against recency alone."""

import pytest

from growthbench.datasets.loading import load_log
from growthbench.events.lake import Lake
from growthbench.learning.evaluation import evaluate
from growthbench.learning.params import load_params
from growthbench.learning.tasks import get_task
from growthbench.learning.training import train


@pytest.mark.data
@pytest.mark.proof("online-retail")
def test_churn_beats_recency_alone(data_home, tmp_path, figure):
    lake = Lake(tmp_path / "lake", "dataset:online-retail").write(load_log("online-retail", data_home))
    task, params = get_task("churn"), load_params("params.yaml", "churn", {"window_days": 90})
    frame = task.frame_from_log(lake, params)
    record = evaluate(task, frame, train(task, frame, params, tmp_path / "trained"), params, tmp_path / "report")
    rival = next(row for row in record.tables["baselines"] if row["name"] == "recency")
    figure("Online Retail: AUC of churn within 90 days, time split", record.metrics["auc"])
    figure("Online Retail: AUC less that of recency alone", rival["model_minus_auc"], at_least=0.02)
    figure("Online Retail: lower end of that difference", rival["model_minus_auc_lo"], at_least=0.0)
