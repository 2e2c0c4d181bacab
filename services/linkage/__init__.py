"""Record linkage on Splink: features, comparisons, keys, scores, training. A library, no writes."""
