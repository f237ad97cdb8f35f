"""The network, its weights, its calibration."""
