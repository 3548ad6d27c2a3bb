"""Assessment standards (测评标准) in dated versions: items per place category, deductions, classes switched off."""
