"""Metrics: how two annotations are matched, and every figure that follows.

matching            which items of two annotations correspond
counts              pairs counted by kind and label: the table that all measures are taken from
agreement           F1 between annotators; alpha, gamma: agreement beyond chance
evaluation          an engine against gold; error_examples: its mistakes in their context
corrections         what people changed in predictions; effort: clicks, keys and lead times
calibration         how well scores are calibrated; score_calibration: fit and apply a calibration
anchoring           blind work against work with the prediction shown
bootstrap           intervals over articles
pairing             which annotations of an article can be compared
label_mapping       predictions in the labels of another ontology; conventions: how a corpus annotates
rounding            less than 1 is never shown as 1
"""
