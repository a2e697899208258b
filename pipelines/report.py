"""Write one page over all tasks; for a world, set the models beside its truth (only this stage may read it)."""

from arguments import run_stage

from growthbench.base.jsonio import read_json
from growthbench.base.statistics import auc, value_of
from growthbench.learning.params import load_data_params, load_params
from growthbench.learning.tasks import TASKS
from growthbench.workbench.report import write_report


def truth_of(task, data, params, evaluation):
    """Figures of a world's truth on the evaluated rows, and the share of its gain that the model reached."""
    import pandas as pd
    import pyarrow as pa

    from growthbench.worlds.generate import generate
    from growthbench.worlds.truth import truth

    rows = pd.read_parquet(evaluation)
    spine = pa.table({"person": pa.array(rows["group"], pa.string()), "moment": pa.array(rows["time"], pa.int64())})
    world = generate(data.source.removeprefix("world:"), data.people, data.seed)
    known = truth(world, task, spine, params.window_days)
    label = rows["label"].to_numpy()
    latent, best, model = (
        value_of(auc(label, score), len(rows))
        for score in (known.latent, known.observable, rows["calibrated"].to_numpy())
    )
    return {
        "rows": len(rows),
        "auc of the latent state": latent,
        "auc of what the log shows": best,
        "auc of the model": model,
        "share of the gain": (model - 0.5) / (best - 0.5),
    }


def main(args):
    data = load_data_params(args.params)
    known = ("lead_scoring", "churn") if data.source == "world:b2b" else ("churn",)
    truths = {
        task: truth_of(
            task, data, load_params(args.params, task), args.reports / task / "evaluation/evaluation.parquet"
        )
        for task in known
        if data.source.startswith("world:")
    }
    source = read_json(args.data / "source.json")["source"] if (args.data / "source.json").is_file() else data.source
    write_report(args.reports, list(TASKS), source, truths, args.out)


if __name__ == "__main__":
    run_stage(main, __doc__, "reports", "data", "out")
