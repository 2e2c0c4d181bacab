"""Named cases of people who are hard to tell apart, through the real resolver."""
