"""The evaluate stage: bits per byte beside baselines, calibration, repetition."""
