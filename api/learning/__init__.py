"""What verdicts are good for: new versions of the model, thresholds chosen anew, and knowing how good it is."""
