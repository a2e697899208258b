"""What we expect: tasks, training, calibration, evaluation, reasons, and the artifact that is served."""
