"""Make ``clinc150_sample.jsonl`` out of CLINC150: 40 intents x 50 lines and 200 lines out of scope, chosen by a fixed
rule.

Usage: ``python data/samples/make_clinc150_sample.py PATH/TO/data_full.json[.gz]``. The intents are those nearest to
what customers write to a company. Of each, the first 30 training, 10 validation and 10 test lines are kept, in the
order of the published file, with their split; out of scope 50, 50 and 100.
"""

import argparse
import gzip
import json
from pathlib import Path

INTENTS = (
    "accept_reservations", "account_blocked", "application_status", "apr", "balance", "bill_balance", "bill_due",
    "cancel", "cancel_reservation", "card_declined", "confirm_reservation", "credit_limit_change", "damaged_card",
    "exchange_rate", "expiration_date", "flight_status", "freeze_account", "goodbye", "greeting", "insurance_change",
    "interest_rate", "international_fees", "lost_luggage", "min_payment", "new_card", "order", "order_checks",
    "order_status", "pay_bill", "pin_change", "redeem_rewards", "repeat", "replacement_card_duration", "report_fraud",
    "report_lost_card", "restaurant_reservation", "rewards_balance", "thank_you", "transactions", "what_can_i_ask_you",
)  # fmt: skip
SPLITS = {"train": ("train", 30, 50), "valid": ("val", 10, 50), "test": ("test", 10, 100)}
"""Our name of a split: the file's, lines an intent, lines out of scope."""


def sample(lists: dict[str, list]) -> list[dict[str, str]]:
    """Rows of the sample: ``text intent split``."""
    rows = []
    for split, (theirs, each, outside) in SPLITS.items():
        for intent in INTENTS:
            found = [text for text, name in lists[theirs] if name == intent][:each]
            if len(found) < each:
                raise SystemExit(f"{intent} has {len(found)} lines in {theirs}, {each} are needed")
            rows += [{"text": text, "intent": intent, "split": split} for text in found]
        rows += [{"text": text, "intent": "oos", "split": split} for text, _ in lists[f"oos_{theirs}"][:outside]]
    return rows


def main(argv: list[str] | None = None) -> None:
    """Write the sample beside this script."""
    parser = argparse.ArgumentParser(description="Make clinc150_sample.jsonl from data_full.json")
    parser.add_argument("path", type=Path, help="data_full.json or data_full.json.gz")
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name("clinc150_sample.jsonl"))
    args = parser.parse_args(argv)
    content = args.path.read_bytes()
    lists = json.loads(gzip.decompress(content) if args.path.suffix == ".gz" else content)
    lines = [json.dumps(row, ensure_ascii=False) + "\n" for row in sample(lists)]
    args.out.write_text("".join(lines), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
