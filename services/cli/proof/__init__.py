"""`plait proof`: the state is a function of what was said, shown on logs of invented people."""
